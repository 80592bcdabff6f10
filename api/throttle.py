"""Guessing passwords is made slow, without locking anybody out of the address that he usually comes from.

Three counters: of account and address together, of the address, of the account. Each has some attempts free, then each
further one waits twice as long as the one before, up to a limit. From an address that the account was signed in from
before, the first alone counts: whoever attacks from elsewhere, with however many addresses, does not slow its owner.
An attempt is counted before the password is looked at, so many at once are no way around; a good one is taken back.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.tokens import fingerprint
from schemas.problems import Problem
from schemas.time import now
from stores.attempts import Attempts, Counted

_FORGOTTEN = timedelta(days=1)
_KNOWN = timedelta(days=90)
_CONFLICTS = 100


@dataclass(frozen=True, slots=True)
class Pace:
    """How many attempts are free, and the longest wait before another."""

    free: int
    longest_seconds: float

    def pause(self, attempts: int) -> float:
        """Seconds that must lie between the last of so many attempts and the next."""
        beyond = attempts - self.free
        return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 30), self.longest_seconds)


OF_BOTH, OF_ADDRESS, OF_ACCOUNT = Pace(5, 300), Pace(100, 300), Pace(50, 60)


class Attempt:
    """An attempt that has been counted. Say so when it was good."""

    def __init__(self) -> None:
        self.good = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """An attempt in one counter: its moment, and that of the one before."""

    counter_id: str
    at: datetime
    before: datetime

    def out_of(self, read: Counted) -> Counted:
        """The counter without it."""
        last_at = self.before if read.last_at == self.at else read.last_at
        return read.model_copy(update={"attempts": max(0, read.attempts - 1), "last_at": last_at})


class Throttle:
    """Counts attempts, by account name and by the network that a client can be told by. Raises StoreUnavailable."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    @asynccontextmanager
    async def attempt(self, account: str, network: str) -> AsyncIterator[Attempt]:
        """Around looking at a password. Raises Problem too_many_attempts."""
        both = fingerprint(f"both {account} {network}")
        known = await self._attempts.knows(both, now())
        wide = {} if known else self._wide(account, network)
        taken = await self._take({both: OF_BOTH} | wide)
        attempt = Attempt()
        try:
            yield attempt
        except Problem:  # the password was not looked at
            await self._give_back(taken)
            raise
        if attempt.good:
            await self._give_back([one for one in taken if one.counter_id != both])
            await self._attempts.forget(both)
            await self._attempts.know(both, now() + _KNOWN)

    def _wide(self, account: str, network: str) -> dict[str, Pace]:
        return {
            fingerprint(f"address {network}"): OF_ADDRESS,
            fingerprint(f"account {account}"): OF_ACCOUNT,
        }

    async def _take(self, paces: dict[str, Pace]) -> list[_Taken]:
        """Counts in each; in none where one of them refuses. The account's is last: whoever is refused before leaves it
        alone.
        """
        taken: list[_Taken] = []
        for counter_id, pace in paces.items():
            counted = await self._count(counter_id, pace)
            if not isinstance(counted, _Taken):
                await self._give_back(taken)
                raise _slow_down(counted)
            taken.append(counted)
        return taken

    async def _count(self, counter_id: str, pace: Pace) -> _Taken | float:
        """Counts one more; or the seconds that must pass first."""
        for _ in range(_CONFLICTS):
            read, at = await self._attempts.get(counter_id), now()
            attempts = _fresh(read, at)
            if read and (wait := pace.pause(attempts) - (at - read.last_at).total_seconds()) > 0:
                return wait
            if await self._attempts.put(Counted(id=counter_id, attempts=attempts + 1, last_at=at), read):
                return _Taken(counter_id, at, read.last_at if read else at)
        return 1.0

    async def _give_back(self, taken: list[_Taken]) -> None:
        """Leaves each counter as if this attempt had not been; what others have counted since stays."""
        for one in taken:
            for _ in range(_CONFLICTS):
                read = await self._attempts.get(one.counter_id)
                if read is None or await self._attempts.put(one.out_of(read), read):
                    break

    async def sweep(self) -> None:
        """Forgets counters and addresses of long ago. Harmless when repeated."""
        await self._attempts.sweep(now(), now() - _FORGOTTEN)


def _fresh(read: Counted | None, at: datetime) -> int:
    """The attempts that still count."""
    return 0 if read is None or at - read.last_at > _FORGOTTEN else read.attempts


def _slow_down(wait: float) -> Problem:
    seconds = math.ceil(wait)
    return Problem("too_many_attempts", f"Too many attempts; the next is possible in {seconds} s.", retry_after=seconds)
