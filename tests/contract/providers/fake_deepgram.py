"""Deepgram's pre-recorded endpoint, as far as its public reference describes it: POST /v1/listen."""

from typing import Any

from aiohttp import web
from multidict import MultiDict

from tests.contract.providers.local import LocalApi

TOO_MANY = {"err_code": "TOO_MANY_REQUESTS", "err_msg": "Too many requests. Please try again later", "request_id": "r1"}
BAD_KEY = {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials.", "request_id": "r1"}
NO_CREDIT = {"err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "Project does not have enough credits.", "request_id": "r1"}
BAD_AUDIO = {"err_code": "Bad Request", "err_msg": "Bad Request: failed to process audio: corrupt or unsupported data"}
NO_MODEL = {"err_code": "Not Found", "err_msg": "No such model/language/tier combination found."}
SLOW_UPLOAD = {"err_code": "SLOW_UPLOAD", "err_msg": "The upload was too slow.", "request_id": "r1"}
OVERLOADED = {"err_code": "SERVICE_UNAVAILABLE", "err_msg": "Please try again later.", "request_id": "r1"}
SERVER_ERROR = {"err_code": "INTERNAL_SERVER_ERROR", "err_msg": "Something went wrong.", "request_id": "r1"}


class FakeDeepgram(LocalApi):
    """Hears `said` in any sound that is not silence, shared out evenly; `said` is a list of (speaker, word)."""

    def __init__(self, said: list[tuple[int, str]]) -> None:
        super().__init__()
        self.said = said
        self.query: MultiDict[str] = MultiDict()
        self.headers: MultiDict[str] = MultiDict()
        self.body = b""
        self.language = "en"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert (request.method, request.path) == ("POST", "/v1/listen")
        self.query, self.headers = MultiDict(request.query), MultiDict(request.headers)
        self.body = await request.read()
        seconds = len(self.body) / 32000
        words = _words(self.said, seconds) if any(self.body) else []
        return web.json_response(answer_of(words, seconds, self.language))


def _words(said: list[tuple[int, str]], seconds: float) -> list[dict[str, Any]]:
    step = seconds / len(said)
    return [word_of(word, number * step, number * step + step * 0.9, who) for number, (who, word) in enumerate(said)]


def word_of(text: str, start: float, end: float, speaker: int) -> dict[str, Any]:
    """One word as Deepgram gives it with diarization and punctuation."""
    return {
        "word": text.lower().strip(".,?!"),
        "start": round(start, 3),
        "end": round(end, 3),
        "confidence": 0.98,
        "speaker": speaker,
        "speaker_confidence": 0.7,
        "punctuated_word": text,
    }


def answer_of(words: list[dict[str, Any]], seconds: float, language: str) -> dict[str, Any]:
    """A whole answer."""
    text = " ".join(word["punctuated_word"] for word in words)
    channel = {
        "alternatives": [{"transcript": text, "confidence": 0.98 if words else 0.0, "words": words}],
        "detected_language": language,
        "language_confidence": 0.99,
    }
    metadata = {
        "transaction_key": "deprecated",
        "request_id": "5c0d7e1a-51a8-4a41-a3a3-6c8e5c2f61f0",
        "sha256": "0" * 64,
        "created": "2026-01-01T00:00:00.000Z",
        "duration": seconds,
        "channels": 1,
        "models": ["30089e05-99d1-4376-b32e-c263170674af"],
        "model_info": {"30089e05-99d1-4376-b32e-c263170674af": {"name": "general-nova-3", "arch": "nova-3"}},
    }
    return {"metadata": metadata, "results": {"channels": [channel]}}
