"""A time limit for many waits at once: one timer for all of them, where a timer each would cost as much as the work."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class Deadline:
    """Gives each future it is shown `seconds`: one that is not done by then gets a new `error`.

    For one event loop.
    """

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        self._seconds = seconds
        self._error = error
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: asyncio.Future[Any]) -> None:
        """From now on the future's time runs."""
        while self._watched and self._watched[0][1].done():
            self._watched.popleft()
        loop = asyncio.get_running_loop()
        self._watched.append((loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._ring)

    def _ring(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        while self._watched:
            due, future = self._watched[0]
            if not future.done():
                if due > loop.time():
                    self._timer = loop.call_at(due, self._ring)
                    return
                future.set_exception(self._error())
            self._watched.popleft()
