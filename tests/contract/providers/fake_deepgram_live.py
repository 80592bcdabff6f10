"""Deepgram's live endpoint, as far as its public reference describes it: a websocket at /v1/listen."""

import asyncio
import json
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web
from multidict import MultiDict

from tests.contract.providers.fake_deepgram import word_of
from tests.contract.providers.local import LocalApi

_FINAL_SECONDS = 3.0
_METADATA = {"request_id": "r1", "model_uuid": "m1", "model_info": {"name": "general", "version": "1", "arch": "nova"}}


class FakeLiveDeepgram(LocalApi):
    """Hears the words of a sound that it knows, by where in it the first piece of a connection lies.

    `words` are (speaker, text, start, end). What it hears is final every three seconds, and when it is told to hurry or
    that nothing more comes. Connections are aborted after so many seconds of sound as `cuts` says, one after the other.
    """

    def __init__(self, sound: bytes, words: list[tuple[int, str, float, float]]) -> None:
        super().__init__()
        self.sound, self.words = sound, words
        self.cuts: deque[float] = deque()
        self.query: MultiDict[str] = MultiDict()
        self.headers: MultiDict[str] = MultiDict()
        self.told: list[str] = []
        self.kept_alive, self.idle = asyncio.Event(), asyncio.Event()
        self.mute = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert (request.method, request.path) == ("GET", "/v1/listen")
        self.query, self.headers = MultiDict(request.query), MultiDict(request.headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.idle.clear()
        try:
            await _Talk(self, socket, self.cuts.popleft() if self.cuts else None).run(request)
        finally:
            self.idle.set()
        return socket


class _Talk:
    def __init__(self, server: FakeLiveDeepgram, socket: web.WebSocketResponse, cut: float | None) -> None:
        self.server, self.socket, self.cut = server, socket, cut
        self.offset: float | None = None
        self.final = self.heard = 0.0

    async def run(self, request: web.Request) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.BINARY:
                await self.hear(message.data)
                if self.cut is not None and self.heard >= self.cut:
                    assert request.transport is not None
                    request.transport.abort()
                    return
            elif message.type is WSMsgType.TEXT and not await self.told(json.loads(message.data)["type"]):
                return

    async def hear(self, piece: bytes) -> None:
        if self.offset is None:
            found = self.server.sound.find(piece)
            self.offset = found / 32_000 if found >= 0 and any(piece) else 1e9
        self.heard += len(piece) / 32_000
        if not self.server.mute:
            await self.say(is_final=self.heard - self.final >= _FINAL_SECONDS)

    async def told(self, kind: str) -> bool:
        self.server.told.append(kind)
        if kind == "KeepAlive":
            self.server.kept_alive.set()
        if kind != "KeepAlive" and self.heard > self.final and not self.server.mute:
            await self.say(is_final=True)
        if kind == "CloseStream" and not self.server.mute:
            await self.socket.send_json({"type": "Metadata", "duration": self.heard, "channels": 1, **_METADATA})
            await self.socket.close()
        return kind != "CloseStream" or self.server.mute

    async def say(self, *, is_final: bool) -> None:
        await self.socket.send_json(self.result(is_final=is_final))
        if is_final:
            self.final = self.heard

    def result(self, *, is_final: bool) -> dict[str, Any]:
        assert self.offset is not None
        words = [
            word_of(text, max(start - self.offset, 0.0), end - self.offset, speaker)
            for speaker, text, start, end in self.server.words
            if self.final < end - self.offset <= self.heard
        ]
        said = {
            "transcript": " ".join(word["punctuated_word"] for word in words),
            "confidence": 0.98 if words else 0.0,
            "words": words,
            "languages": ["en"] if words else [],
        }
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": self.final,
            "duration": self.heard - self.final,
            "is_final": is_final,
            "speech_final": is_final,
            "channel": {"alternatives": [said]},
            "metadata": _METADATA,
        }
