"""Waiting for stores: nothing is given up because a store is away for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from schemas.failures import Retryable

T = TypeVar("T")

_PAUSES = (0.1, 0.5, 1.0, 2.0)

log = structlog.get_logger(__name__)


async def until_stores_answer(operation: Callable[[], Awaitable[T]]) -> T:
    """The operation's result, tried again for as long as stores are away. Cancel it to stop."""
    pauses = iter(_PAUSES)
    while True:
        try:
            return await operation()
        except Retryable as error:
            log.warning("a store is away; waiting", error=str(error))
            await asyncio.sleep(next(pauses, _PAUSES[-1]))
