"""Bytes of an upload on their way through the memory of this process, and how many of them there may be."""

import asyncio
import time
from collections.abc import AsyncIterator

from stores.resumable import Stored

_CROWDED_BYTES = 256 * 1024 * 1024


class Room:
    """The memory that all flows take up together."""

    def __init__(self) -> None:
        self._held = 0

    @property
    def crowded(self) -> bool:
        """Whether nobody is to wait for more bytes before he stores those that he has."""
        return self._held > _CROWDED_BYTES

    def take(self, size: int) -> None:
        """So many bytes more are kept, or fewer."""
        self._held += size


class Flow:
    """Bytes that become one part or piece. They can be read while they come, and are kept until they are stored."""

    def __init__(self, at: int, room: Room) -> None:
        self.at = at
        self._room = room
        self.size = 0
        self.began = time.monotonic()
        self.sending: asyncio.Task[Stored] | None = None
        self._chunks: list[bytes] = []
        self._ended = False
        self._news = asyncio.Event()

    def put(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        self._chunks.append(chunk)
        self.size += len(chunk)
        self._room.take(len(chunk))
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._news.set()

    def free(self) -> None:
        """The bytes are stored, or given up. Harmless when repeated."""
        self._room.take(-sum(map(len, self._chunks)))
        self._chunks = []

    def whole(self) -> bytes:
        """All bytes that came."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, as they come, until the end."""
        sent = 0
        while True:
            while sent < len(self._chunks):
                yield self._chunks[sent]
                sent += 1
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()
