"""Whether whoever watches or records may go on: what he came with is still good, and what he watches still his."""

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from api.proofs import expect_good_still
from schemas.problems import Problem
from stores.errors import StoreUnavailable

CHECK_SECONDS = 15.0


async def _nothing_else() -> None:
    """What one looks at who is there by his proof alone."""


class Right:
    """A right, as good as it was when its owner was let in, and looked at again every CHECK_SECONDS.

    `look` raises Problem once there is nothing any more that he may read or write. `refusal` is why it has ended.
    """

    def __init__(self, request: web.Request, look: Callable[[], Awaitable[object]] = _nothing_else) -> None:
        self.refusal: Problem | None = None
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
            except Problem as problem:
                self.refusal = problem
            except StoreUnavailable:
                pass
        return self.refusal is None

    @property
    def ended(self) -> bool:
        """Whether the last look found it gone."""
        return self.refusal is not None

    async def expect(self) -> None:
        """Raises the Problem that ended it."""
        if not await self.lasts() and self.refusal is not None:
            raise self.refusal
