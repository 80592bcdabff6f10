"""Calls that arrive together are made together: one round trip, one commit, for as many as are waiting.

While a call is under way, whoever asks waits for the next one; so a single caller waits for nothing, and under load a
group grows by itself. A store that commits once a command does as many commits as it can, and no more.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from stores.deadline import Deadline
from stores.errors import ANSWER_SECONDS, unanswered

A = TypeVar("A")
R = TypeVar("R")

_MOST = 200


class Grouped(Generic[A, R]):
    """Makes one function of many out of a function of one.

    `together` gets up to `most` items in the order of their asking, and returns a result or an exception for each; what
    it raises is raised for each. A caller waits for ANSWER_SECONDS at most, then StoreUnavailable is raised. One that
    is cancelled or late before its group goes takes its item back; after that the item may still be done.
    """

    def __init__(self, together: Callable[[list[A]], Awaitable[Sequence[R | Exception]]], most: int = _MOST) -> None:
        self._deadline = Deadline(ANSWER_SECONDS, unanswered)
        self._together = together
        self._most = most
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._making: asyncio.Task[None] | None = None

    async def __call__(self, item: A) -> R:
        """The item's own result, or the exception that it got."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        self._deadline.watch(result)
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make(), context=Context())  # not bound by one caller's deadline
        return await result

    async def _make(self) -> None:
        while group := self._next():
            try:
                answered = list(zip(group, await self._together([item for item, _ in group]), strict=True))
            except Exception as error:  # noqa: BLE001 - handed to each caller
                answered = [(call, error) for call in group]
            for (_, waiting), result in answered:
                _hand_over(waiting, result)

    def _next(self) -> list[tuple[A, asyncio.Future[R]]]:
        group: list[tuple[A, asyncio.Future[R]]] = []
        while self._waiting and len(group) < self._most:
            item, result = self._waiting.popleft()
            if not result.done():
                group.append((item, result))
        return group


def _hand_over(waiting: asyncio.Future[R], result: R | Exception) -> None:
    if waiting.done():
        return
    if isinstance(result, Exception):
        waiting.set_exception(result)
    else:
        waiting.set_result(result)
