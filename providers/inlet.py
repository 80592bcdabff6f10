"""Bytes on their way to a child: little waits, who feeds waits for who takes, and nobody waits for what is gone."""

import asyncio
from collections.abc import AsyncIterator

_SLICE_BYTES = 128 * 1024
_SLICES_WAITING = 8


class Inlet:
    """A bounded queue of bytes with an end, from one task to another."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_SLICES_WAITING)
        self._gone = asyncio.Event()
        self._ended = False

    async def put(self, data: bytes) -> None:
        """Adds bytes; waits while the taker is behind. Once it is gone they are dropped."""
        for start in range(0, len(data), _SLICE_BYTES):
            await self._hand_over(data[start : start + _SLICE_BYTES])

    async def end(self) -> None:
        """No more comes. Harmless when repeated."""
        if not self._ended:
            self._ended = True
            await self._hand_over(b"")

    def close(self) -> None:
        """The taker is gone. Harmless when repeated."""
        self._gone.set()

    async def slices(self) -> AsyncIterator[bytes]:
        """What was put, in pieces of a bounded size, until the end."""
        while data := await self._waiting.get():
            yield data

    async def _hand_over(self, data: bytes) -> None:
        if self._gone.is_set():
            return
        put, gone = asyncio.ensure_future(self._waiting.put(data)), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((put, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            put.cancel()
            gone.cancel()
