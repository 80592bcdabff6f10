"""Gemini's generateContent, as far as its public reference describes it."""

import asyncio
import json
import re
from typing import Any

from aiohttp import web

from tests.contract.providers.local import LocalApi

_LINE = re.compile(r"^\[(\d+)\] ([\d.]+) ([^:]+): (.*)$", re.MULTILINE)
UNKNOWN_SEGMENT = 999_999


def error_of(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    """An error body: google.rpc.Status as JSON."""
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "10"}],
}
BAD_KEY_INFO = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}
NO_BILLING_INFO = {**BAD_KEY_INFO, "reason": "BILLING_DISABLED"}
NO_BILLING = error_of(403, "PERMISSION_DENIED", "This API method requires billing to be enabled.", NO_BILLING_INFO)
CANCELLED = error_of(499, "CANCELLED", "The operation was cancelled.")
TOO_SLOW = error_of(504, "DEADLINE_EXCEEDED", "The service could not finish within the deadline.")
EXHAUSTED = error_of(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", QUOTA)
EXHAUSTED_FOR_NOW = error_of(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", QUOTA, RETRY_INFO)
BAD_KEY = error_of(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", BAD_KEY_INFO)
DENIED = error_of(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
INVALID = error_of(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
INTERNAL = error_of(500, "INTERNAL", "An internal error has occurred.")
OVERLOADED = error_of(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
OVERLOADED_FOR_NOW = error_of(503, "UNAVAILABLE", "The model is overloaded. Please try again later.", RETRY_INFO)
EXHAUSTED_FOR_AGES = error_of(429, "RESOURCE_EXHAUSTED", "Quota.", RETRY_INFO | {"retryDelay": "9" * 400 + "s"})
BLOCKED = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}


def answer_of(text: str, finish: str = "STOP") -> dict[str, Any]:
    """A whole answer with one candidate."""
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish, "index": 0}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 50, "totalTokenCount": 150}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "r"}


class FakeGemini(LocalApi):
    """Finds an action in each segment with "will", a point in the longest; cuts answers about too many segments."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[dict[str, Any]] = []
        self.key = ""
        self.most_segments = 1000
        self.extra: dict[str, Any] = {}
        self.at_once = 0
        self.most_at_once = 0
        self.company = 1
        self.thinks = 0.0
        self._met = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.method == "POST"
        assert request.path.endswith("/models/gemini-2.5-flash:generateContent")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._wait_for_company()
            self.key = request.headers["x-goog-api-key"]
            body = await request.json()
            self.requests.append(body)
            return web.json_response(self._reply(body))
        finally:
            self.at_once -= 1

    async def _wait_for_company(self) -> None:
        if self.at_once >= self.company:
            self._met.set()
        await self._met.wait()
        await asyncio.sleep(self.thinks)

    def _reply(self, body: dict[str, Any]) -> dict[str, Any]:
        material = body["contents"][0]["parts"][0]["text"]
        if "action_items" not in body["generationConfig"]["responseJsonSchema"]["properties"]:
            return answer_of(json.dumps({"summary": "All of it. " + " / ".join(material.split("\n")[1:-1])}))
        lines = [(int(number), said) for number, _, _, said in _LINE.findall(material)]
        if len(lines) > self.most_segments:
            return answer_of('{"summary": "It beg', "MAX_TOKENS")
        return answer_of(json.dumps(self._findings(lines) | self.extra))

    def _findings(self, lines: list[tuple[int, str]]) -> dict[str, Any]:
        first, last = lines[0][0], lines[-1][0]
        longest = max(lines, key=lambda line: len(line[1]))
        actions = [
            {"text": said, "segment": number, "owner": None, "due": None} for number, said in lines if "will" in said
        ]
        return {
            "summary": f"Segments {first} to {last}.",
            "summary_segments": [last, first, UNKNOWN_SEGMENT],
            "action_items": [*actions, {"text": "Invented.", "segment": UNKNOWN_SEGMENT}],
            "key_points": [{"text": longest[1], "segment": longest[0]}],
            "sentiment_label": "positive",
            "sentiment_score": 0.5,
            "sentiment_over_time": [
                {"first_segment": first, "last_segment": last, "label": "positive", "score": 1.7},
                {"first_segment": first, "last_segment": UNKNOWN_SEGMENT, "label": "negative", "score": -1},
            ],
        }
