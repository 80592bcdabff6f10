"""Keeps the leases of the steps in hand, and notices within a second when one is lost: cancelled, deleted, taken over.

One look for all steps of the process; a lease is renewed at a third of its length.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from schemas.failures import Retryable
from schemas.jobs import Job, Status, Step
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from stores.jobs import Jobs

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.7


@dataclass(frozen=True, eq=False)
class Hold:
    """A claimed step, and what to call when it is no longer ours."""

    job_id: str
    step: str
    fence: int
    lost: Callable[[], object]


class Leases:
    """The steps that this process holds. `run` it as a task for as long as there are any."""

    def __init__(self, jobs: Jobs, lease_seconds: float) -> None:
        self._jobs = jobs
        self._seconds = lease_seconds
        self._pause = min(_LOOK_SECONDS, lease_seconds / 3)
        self._held: set[Hold] = set()
        self._seen: frozenset[Hold] = frozenset()

    @contextmanager
    def held(self, job_id: str, step: Step, lost: Callable[[], object]) -> Iterator[None]:
        """Keeps the step's lease while inside. Calls `lost` when it is gone; what is written then is refused."""
        hold = Hold(job_id, step.name, step.fence, lost)
        self._held.add(hold)
        try:
            yield
        finally:
            self._held.discard(hold)

    async def run(self) -> None:
        """Looks again and again; a store that is away is waited for."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                await self.look()
            except Retryable as error:
                log.warning("leases not renewed yet", held=len(self._held), reason=str(error))

    async def look(self) -> None:
        """Renews what is due and gives notice of what is lost, of what was held at the look before.

        A step that ends between two looks costs none. Raises StoreUnavailable.
        """
        held = list(self._seen & self._held)
        self._seen = frozenset(self._held)
        if not held:
            return
        jobs = {job.id: job for job in await self._jobs.get_many(list({hold.job_id for hold in held}))}
        await asyncio.gather(*(self._look_after(hold, jobs.get(hold.job_id)) for hold in held))

    async def _look_after(self, hold: Hold, job: Job | None) -> None:
        if hold not in self._held:
            return
        try:
            if job is None:
                raise LeaseLost(f"job {hold.job_id} is gone")
            if _due(_owned(job, hold), self._seconds):
                await self._jobs.change(
                    hold.job_id,
                    lambda job: lifecycle.renew(job, hold.step, hold.fence, self._seconds, now()),
                    known=job,
                )
        except LeaseLost as lost:
            if hold in self._held:
                log.info("lease lost", job_id=hold.job_id, stage=hold.step, why=str(lost))
                hold.lost()


def _owned(job: Job, hold: Hold) -> Step:
    step = job.step(hold.step)
    if step.status is not Status.RUNNING or step.fence != hold.fence:
        raise LeaseLost(f"{hold.step} is {step.status} with fence {step.fence}, not {hold.fence}")
    return step


def _due(step: Step, seconds: float) -> bool:
    return step.lease_until is None or step.lease_until - now() <= timedelta(seconds=seconds * 2 / 3)
