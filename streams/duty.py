"""A duty that one process at a time does for all: taken by a lease, held while the work goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from schemas.failures import Retryable
from stores.duties import Duties

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60.0
"""After so long without a sign of its owner the duty is anybody's."""


async def do_if_due(
    duties: Duties, name: str, owner: str, work: Callable[[], Coroutine[Any, Any, None]], pause: float
) -> bool:
    """Does the work if its pause is over and nobody else is at it; whether it did. Raises what the work raises.

    The next one is not due before `pause` seconds have gone by. Work that is somebody else's meanwhile is cancelled.
    """
    if not await duties.take(name, owner, LEASE_SECONDS):
        return False
    working = asyncio.create_task(work())
    holding = asyncio.create_task(_hold(working, name, lambda: duties.keep(name, owner, LEASE_SECONDS)))
    try:
        await asyncio.wait([working])
    finally:
        holding.cancel()
        working.cancel()
        await asyncio.wait([holding, working])
    if working.cancelled():
        return False
    working.result()
    await duties.keep(name, owner, pause)
    return True


async def _hold(working: "asyncio.Task[None]", name: str, keep: Callable[[], Awaitable[bool]]) -> None:
    """Prolongs the lease while the work goes on; stops the work when somebody else has the duty."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            if not await keep():
                log.warning("the duty is somebody else's now", duty=name)
                working.cancel()
                return
        except Retryable as error:
            log.warning("the duty was not prolonged", duty=name, error=str(error))
