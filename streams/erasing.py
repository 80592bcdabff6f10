"""Erasures that were asked for, gone on with until each is finished: by one worker process at a time."""

import asyncio
import random
from datetime import timedelta

import structlog

from schemas.failures import Retryable
from stores.accounts import eraser_of
from stores.erasure import GRACE
from streams.duty import do_if_due
from streams.housekeeping import deletion_of
from streams.resources import Resources

log = structlog.get_logger(__name__)

DUTY = "erase"
_LOOK_SECONDS = 5.0
_PAUSE_SECONDS = 10.0


class Erasing:
    """Erases accounts for as long as it runs. Cancel it to end it: whatever it was at is taken up by another."""

    def __init__(self, resources: Resources, owner: str, grace: timedelta = GRACE) -> None:
        self._duties = resources.duties
        self._owner = owner
        self._eraser = eraser_of(resources.database, deletion_of(resources), grace)

    async def run(self) -> None:
        """Looks again and again whether an erasure is to be done."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - not for secrets
            try:
                await self.look()
            except Retryable as error:
                log.warning("erasures put off", error=str(error))

    async def look(self) -> None:
        """Goes on with every erasure that is not finished, if nobody else is at them. Raises StoreUnavailable."""
        if await self._eraser.erasures.unfinished():
            await do_if_due(self._duties, DUTY, self._owner, self._erase_all, _PAUSE_SECONDS)

    async def _erase_all(self) -> None:
        for erasure in await self._eraser.erasures.unfinished():
            try:
                done = await self._eraser.erase(erasure)
            except Retryable:
                raise
            except Exception:  # one account that cannot be erased now must not keep the others
                log.exception("an erasure broke off", user_id=erasure.id)
            else:
                log.info("account erased" if done else "an erasure goes on later", user_id=erasure.id)
