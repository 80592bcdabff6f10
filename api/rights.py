"""Whether whoever watches a job may go on: he may still read it, and what he came with is still good."""

import time

from aiohttp import web

from api.ownership import readable_job
from api.proofs import expect_good_still
from schemas.problems import Problem
from stores.errors import StoreUnavailable

CHECK_SECONDS = 15.0


class Right:
    """A watcher's right, as good as it was when he was let in, and looked at again every CHECK_SECONDS."""

    def __init__(self, request: web.Request) -> None:
        self.ended = False
        self._request = request
        self._checked = time.monotonic()

    async def lasts(self) -> bool:
        """Whether it is still there; where the stores do not answer, as at the last look."""
        if time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked = time.monotonic()
            try:
                await expect_good_still(self._request)
                await readable_job(self._request)
            except Problem:
                self.ended = True
            except StoreUnavailable:
                pass
        return not self.ended
