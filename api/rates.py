"""How often a caller may ask: a sliding window for each class of routes, counted here and told to the other nodes.

Counts are kept in this process, so a request waits for no store. About once a second a node writes down those of its
counts that are a twentieth of their limit or more, and reads what the others wrote. So of N nodes together a caller
gets at most his limit, and beyond it from each other node a twentieth of it and what that lets in between two
exchanges. While the document store is away each node goes by its own counts and by what it last heard.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from heapq import nlargest
from typing import NamedTuple

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from schemas.ids import new_id
from schemas.rates import RateClass, Rates
from schemas.time import now
from stores.errors import StoreUnavailable
from stores.rates import RateCounts

log = structlog.get_logger(__name__)

EXCHANGE_SECONDS = 1.0
_TOLD_SHARE = 0.05
_TOLD_MOST = 2000
"""So many counts a node tells at most, the largest: a document of 60 KB."""
_SWEEP_EXCHANGES = 300


class Counts(MemoryStorage):
    """The counters of this process, and what other processes have counted beside them.

    The library's own looks through all counters at every hit for those that are over; here `sweep` does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: Mapping[str, int] = {}

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts; the counter is over after `expiry` seconds."""
        if key not in self.storage:
            self.expirations[key] = time.time() + expiry
        self.storage[key] += amount
        return await self.get(key)

    async def get(self, key: str) -> int:
        """What was counted, here and elsewhere."""
        other = self.elsewhere.get(_digest(key), 0) if self.elsewhere else 0
        return self.storage.get(key, 0) + other

    def sweep(self) -> None:
        """Forgets the counters that are over."""
        at = time.time()
        for key in [key for key, end in self.expirations.items() if end <= at]:
            self.storage.pop(key, None)
            self.expirations.pop(key, None)


def _digest(key: str) -> str:
    """How a counter is called in the store: addresses of clients do not lie there."""
    return blake2b(key.encode(), digest_size=8).hexdigest()


class Standing(NamedTuple):
    """How a caller stands by a limit once a request was counted, or not `let_in`.

    `remaining` requests are left, and in `reset` seconds there are more: one more where none is left.
    """

    kind: RateClass
    most: int
    period: int
    remaining: int
    reset: int
    let_in: bool

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers: the policy, and how the caller stands by it."""
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.most};w={self.period}',
            "RateLimit": f'"{self.kind}";r={self.remaining};t={self.reset}',
        }


class RateLimits:
    """Counts requests. Use as an async context manager."""

    def __init__(self, rates: Rates, shared: RateCounts) -> None:
        self._rates = rates
        self._shared = shared
        self._counts = Counts()
        self._limiter = SlidingWindowCounterRateLimiter(self._counts)
        self._node = new_id()
        self._told = self._deaf = False
        self._exchanging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "RateLimits":
        self._exchanging = asyncio.create_task(self._exchange_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._exchanging is not None:
            self._exchanging.cancel()
            await asyncio.wait([self._exchanging])

    async def take(self, kind: RateClass, who: str, cost: int = 1) -> Standing | None:
        """Counts a request of somebody, as so many, unless that is too many; None where the class has no limit.

        What costs more than the limit costs all of it. Waits for nothing outside of this process. Those that are not
        let in do not count.
        """
        limit = self._rates.get(kind)
        if limit is None:
            return None
        let_in = await self._limiter.hit(limit, who, cost=min(cost, limit.amount))
        state = await self._counts.get_sliding_window(limit.key_for(who), limit.get_expiry())
        remaining, reset = left_of(limit, state)
        return Standing(
            kind=kind,
            most=limit.amount,
            period=limit.get_expiry(),
            remaining=remaining,
            reset=reset,
            let_in=let_in,
        )

    async def exchange(self) -> None:
        """Tells the other nodes what was counted here, and hears what they counted. Raises StoreUnavailable."""
        self._counts.sweep()
        telling = self._to_tell()
        if telling or self._told:
            await self._shared.tell(self._node, telling, now())
            self._told = bool(telling)
        if self._counts.storage:
            self._counts.elsewhere = await self._shared.of_others(self._node, now() - timedelta(seconds=self._longest))

    @property
    def _longest(self) -> int:
        """For how long a count matters: the present window and the one before."""
        return 2 * max((limit.get_expiry() for limit in self._rates.values()), default=0)

    def _to_tell(self) -> dict[str, int]:
        floors = {kind.value: limit.amount * _TOLD_SHARE for kind, limit in self._rates.items()}
        large = ((count, key) for key, count in self._counts.storage.items() if count >= floors[key.split("/", 1)[0]])
        return {_digest(key): count for count, key in nlargest(_TOLD_MOST, large)}

    async def _exchange_on(self) -> None:
        exchanges = 0
        while self._rates:
            await asyncio.sleep(EXCHANGE_SECONDS)
            try:
                await self.exchange()
                if exchanges % _SWEEP_EXCHANGES == 0:
                    await self._shared.sweep(now(), self._longest)
            except StoreUnavailable as error:
                self._heard(error)
            except Exception:  # the task's edge: nobody is refused, or let in, for a reason that nobody foresaw
                log.exception("rates are not exchanged")
            else:
                exchanges += 1
                self._heard(None)

    def _heard(self, error: StoreUnavailable | None) -> None:
        """Says once that the other nodes are out of hearing, and once that they are heard again."""
        if error and not self._deaf:
            log.warning("each node counts for itself: rates are not exchanged", reason=str(error))
        if self._deaf and not error:
            log.info("rates are exchanged again")
        self._deaf = error is not None


def left_of(limit: RateLimitItem, state: tuple[int, float, int, float]) -> tuple[int, int]:
    """How many requests are left, and in how many seconds there are more: one more where none is left.

    `state` is what the library gives: the previous window's count and the seconds until it is over, and likewise the
    present one's, whose count matters for a window longer.
    """
    before, fading, here, ending = state
    period = limit.get_expiry()
    left = ending - period
    remaining = max(0, limit.amount - math.floor(before * fading / period + here))
    if remaining:
        return remaining, math.ceil(left)
    if here < limit.amount:
        wait = left - (limit.amount - here) * period / before
    else:
        wait = left + period * (1 - limit.amount / here)
    return 0, max(1, math.ceil(wait))
