"""HTTP as bytes on a socket: what a client library would not send."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_ANSWER_SECONDS = 10.0


@dataclass
class Answer:
    """One answer, read to its end. `body` is None where there was none."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any] | None

    @property
    def code(self) -> str | None:
        """The code of the problem that it is, if it is one."""
        return self.body["code"] if self.body and self.headers["content-type"] == "application/problem+json" else None


class Raw:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Raw":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, *pieces: bytes) -> None:
        """Sends the pieces; what the other side does not take any more is dropped."""
        for piece in pieces:
            self._writer.write(piece)
        with suppress(ConnectionError):
            await self._writer.drain()

    async def answer(self) -> Answer:
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            size = int(headers.get("content-length", 0))
            body = await self._reader.readexactly(size)
        return Answer(int(head[0].split()[1]), headers, json.loads(body) if body else None)

    async def ended(self) -> bytes:
        """Waits until the other side closes; what came before."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    def close(self) -> None:
        self._writer.close()
