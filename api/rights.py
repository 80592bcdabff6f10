"""Whether whoever watches may go on: he may still read what he watches, and what he came with is still good."""

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from api.proofs import expect_good_still
from schemas.problems import Problem
from stores.errors import StoreUnavailable

CHECK_SECONDS = 15.0


class Right:
    """A watcher's right, as good as it was when he was let in, and looked at again every CHECK_SECONDS.

    `look` raises Problem once there is nothing any more that he may read.
    """

    def __init__(self, request: web.Request, look: Callable[[], Awaitable[object]]) -> None:
        self.ended = False
        self._request = request
        self._look = look
        self._checked = time.monotonic()

    async def lasts(self) -> bool:
        """Whether it is still there; where the stores do not answer, as at the last look."""
        if time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked = time.monotonic()
            try:
                await expect_good_still(self._request)
                await self._look()
            except Problem:
                self.ended = True
            except StoreUnavailable:
                pass
        return not self.ended
