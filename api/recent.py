"""What was read a moment ago and need not be read again: a bounded memory with a time limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Kept(NamedTuple, Generic[V]):
    reading: asyncio.Task[V]
    until: float


class Recent(Generic[K, V]):
    """Reads by `load`, and remembers each answer for `seconds` at most, of `most` keys the newest.

    Who asks while an answer is under way gets the same one. A failure is raised for each who waits, and not remembered.
    For one event loop.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        seconds: float,
        *,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: dict[K, _Kept[V]] = {}

    async def get(self, key: K) -> V:
        """What `load` says, or said within the time limit."""
        kept = self._kept.get(key)
        if kept is None or kept.until <= self._clock():
            kept = self._read(key)
        return await asyncio.shield(kept.reading)  # one caller who leaves takes nothing from the others

    def forget(self, key: K) -> None:
        """The next who asks gets a fresh answer; also where one is under way."""
        self._kept.pop(key, None)

    def _read(self, key: K) -> _Kept[V]:
        async def read() -> V:
            return await self._load(key)

        self._kept.pop(key, None)
        while len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)))
        kept = _Kept(asyncio.create_task(read(), context=Context()), self._clock() + self._seconds)
        kept.reading.add_done_callback(lambda done: self._done(key, kept, done))
        self._kept[key] = kept
        return kept

    def _done(self, key: K, kept: _Kept[V], done: asyncio.Task[V]) -> None:
        failed = done.cancelled() or done.exception() is not None
        if failed and self._kept.get(key) is kept:
            self.forget(key)
