"""Live recordings whose recorder has vanished are closed, by one worker process at a time."""

import asyncio
import random

import structlog

from schemas.failures import Retryable
from stores.closing import Closing
from streams.duty import do_if_due
from streams.housekeeping import deletion_of
from streams.resources import Resources

log = structlog.get_logger(__name__)

DUTY = "close"
_LOOKS = 8
"""How often in LIVE_IDLE_SECONDS a look is due, so that none is closed much later than it is to be."""
_LONGEST_PAUSE_SECONDS = 15.0


class ClosingDuty:
    """Closes idle live recordings for as long as it runs. Cancel it to end it: another goes on."""

    def __init__(self, resources: Resources, owner: str) -> None:
        self._duties = resources.duties
        self._owner = owner
        self._pause = min(resources.settings.live_idle_seconds / _LOOKS, _LONGEST_PAUSE_SECONDS)
        self._closing = Closing(deletion_of(resources), resources.settings)

    async def run(self) -> None:
        """Looks again and again, with a jitter so that many processes do not look in step."""
        while True:
            await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - not for secrets
            try:
                await do_if_due(self._duties, DUTY, self._owner, self._close, self._pause / 2)
            except Retryable as error:
                log.warning("closing put off", error=str(error))
            except Exception:  # what cannot be read now must not end the worker
                log.exception("closing broke off")

    async def _close(self) -> None:
        if closed := await self._closing.run():
            log.info("live recordings were closed", recordings=closed)
