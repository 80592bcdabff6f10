"""What is sent to the object store, a piece at a time, and the clock over it: a store that takes nothing is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from io import BytesIO

IDLE_SECONDS = 10.0
"""How long the store may take for each piece of a body, whose length has no limit."""


class Body:
    """Bytes of known size that are sent while they still come: `chunks` makes them, and is called once."""

    def __init__(self, size: int, chunks: Callable[[], AsyncIterator[bytes]]) -> None:
        self.size = size
        self.chunks = chunks


async def nothing() -> AsyncIterator[bytes]:
    """The chunks of an empty body."""
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk


async def timed(body: Body, clock: asyncio.Timeout) -> AsyncIterator[bytes]:
    """What is sent while it still comes: the clock stands while nothing is there to be sent."""
    chunks = body.chunks()
    while True:
        _wind(clock, None)
        chunk = await anext(chunks, None)
        _wind(clock, IDLE_SECONDS)
        if chunk is None:
            return
        yield chunk


def _wind(clock: asyncio.Timeout, seconds: float | None) -> None:
    with suppress(RuntimeError):  # the answer came before the end, and the clock is put away
        clock.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class Whole(BytesIO):
    """What is sent: aiohttp reads it piece by piece (of bytes it would write all at one go)."""

    def __init__(self, data: bytes, clock: asyncio.Timeout) -> None:
        super().__init__(data)
        self._clock = clock

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; the clock starts again."""
        _wind(self._clock, IDLE_SECONDS)
        return super().read(size)
