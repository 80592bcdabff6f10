"""Waiting for what another process owes, by a clock that stands still while this one is too busy to hear of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_LOOK_SECONDS = 0.1

T = TypeVar("T")


async def within(seconds: float, owed: Coroutine[Any, Any, T]) -> T:
    """What is owed. Raises TimeoutError where it does not come, and has ended then; whatever it raises itself.

    A loop that is held up for seconds hears late what came in time, and would think the other gone. So of each look no
    more counts than it was to last: a process that is idle waits so many seconds, a busy one as many looks.
    """
    waiting = asyncio.ensure_future(owed)
    looks = max(1, round(seconds / _LOOK_SECONDS))
    try:
        while not waiting.done():
            if not looks:
                raise TimeoutError
            looks -= 1
            await asyncio.wait([waiting], timeout=_LOOK_SECONDS)
        return waiting.result()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
