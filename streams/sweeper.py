"""The sweeper: looks after jobs that nobody else will.

It pays outboxes that their writer left, takes back steps whose lease ran out, and wakes steps that are due, as their
alarms say (stores/alarms). Every worker process runs one, and hears its share of the alarms, and all that nobody else
heard in time; a job is looked after by the one that moves its `sweep_at` first, and an alarm is taken away when that is
done. A lease that ran out while the document store was away says nothing of its owner, who could not renew it: once the
store is back, the owner has a lease's time to go on. A step that nobody has claimed yet is not woken again at the first
looks while its stage still holds older events: it waits its turn, and a long backlog would only grow by what says so.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from zlib import crc32

import structlog
from pydantic import ValidationError

from schemas.events import Event
from schemas.failures import Retryable
from schemas.jobs import Job, Status, Step
from schemas.time import now
from stores import lifecycle
from stores.alarms import Alarm, Look
from stores.errors import LeaseLost, StoreUnavailable
from stores.workers import waiting_since
from streams import metrics
from streams.resources import Resources
from streams.stage import Stage

log = structlog.get_logger(__name__)

_BATCH = 200
_AGAIN = timedelta(seconds=60)
_LOOKS_IN_GOOD_FAITH = 2
"""At so many looks, half an hour, a step that seems to wait its turn is taken to do so."""
_SEEN_LATELY = timedelta(seconds=5)
"""A worker that was not seen for so long gets no share of the alarms: it may be gone. It beats every two seconds."""
_UNHEARD = timedelta(seconds=5)
"""What nobody has heard for so long is everybody's."""


class Sweeper:
    """Sweeps for as long as it runs, in the name of the worker `owner`. Cancel it to end it: nothing is lost."""

    def __init__(self, resources: Resources, stages: dict[str, Stage], owner: str = "") -> None:
        self._resources = resources
        self._stages = stages
        self._owner = owner
        self._spared_until = 0.0
        self._oldest_waiting: dict[str, datetime] = {}

    async def run(self) -> None:
        """Sweeps again and again, with a jitter so that many processes do not sweep in step."""
        while True:
            try:
                await self.sweep()
            except Retryable as error:
                log.warning("sweep put off", error=str(error))
            pause = self._resources.settings.sweep_seconds
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - not for secrets

    async def sweep(self) -> None:
        """Looks after every job that is due now. Raises StoreUnavailable; what was not done stays due."""
        try:
            while await self._sweep_some():
                continue
        except StoreUnavailable:
            self._spared_until = time.monotonic() + self._resources.settings.lease_seconds
            raise

    async def _sweep_some(self) -> bool:
        """Looks after the jobs that are due longest; whether more may be."""
        alarms, at = self._resources.jobs.alarms, now()
        due = await alarms.due(at, _BATCH)
        workers = await self._resources.workers.alive(at) if due else []
        self._oldest_waiting = waiting_since(workers)
        there = [worker.id for worker in workers if worker.seen_at >= at - _SEEN_LATELY]
        done = 0
        for some in _parts([alarm for alarm in due if self._hears(alarm, there, at)]):
            heard = await self._hear(some)
            await alarms.remove(heard)
            done += len(heard)
        return len(due) == _BATCH and bool(done)

    def _hears(self, alarm: Alarm, workers: list[str], at: datetime) -> bool:
        if self._owner not in workers or alarm.at <= at - _UNHEARD:
            return True
        return workers[crc32(alarm.id.encode()) % len(workers)] == self._owner

    async def _hear(self, alarms: list[Alarm]) -> list[Alarm]:
        """Looks at every job of the alarms; those that have done their duty."""
        at = now()
        known = await self._resources.jobs.next_looks(list({look.job_id for alarm in alarms for look in alarm.looks}))
        due = {job_id for job_id, moment in known.items() if moment is not None and moment <= at}
        jobs = {job.id: job for job in await self._resources.jobs.get_many(list(due))}

        async def heard(alarm: Alarm) -> bool:
            looks = [look for look in alarm.looks if look.job_id not in known or look.job_id in due]
            return all(await asyncio.gather(*(self._look(look, jobs.get(look.job_id)) for look in looks)))

        done = await asyncio.gather(*(heard(alarm) for alarm in alarms))
        return [alarm for alarm, all_looked in zip(alarms, done, strict=True) if all_looked]

    async def _look(self, look: Look, job: Job | None) -> bool:
        """Whether the look is done; one at a job that could not be looked after for a store stays to be done."""
        if job is not None and self._spares(job):
            return False
        try:
            await self._look_after(look, job)
        except Retryable as error:
            log.warning("look put off", job_id=look.job_id, reason=str(error))
            return False
        except Exception:  # one job that nobody can look after keeps no other waiting
            log.exception("job not looked after", job_id=look.job_id)
            await self._resources.jobs.alarms.set(look.job_id, now() + _AGAIN)
        return True

    async def _look_after(self, look: Look, job: Job | None) -> None:
        if job is None:
            await self._look_again(look)
            return
        try:
            job, woken = await self._resources.jobs.change(job.id, self._take, known=job)
        except (lifecycle.Refused, LeaseLost):  # another sweeper was first, or the job is gone
            return
        metrics.LOOKS.inc()
        if job.outbox or job.announce:
            await self._resources.outbox.settle(job, whole=True)
        for name in woken:
            metrics.WAKES.labels(name).inc()
            log.info("step woken", stage=name, job_id=job.id)

    def _spares(self, job: Job) -> bool:
        """Whether the job has a lease that may have run out for want of a document store alone."""
        if time.monotonic() >= self._spared_until:
            return False
        at = now()
        leases = (step.lease_until for step in job.steps if step.status is Status.RUNNING)
        return any(lease is not None and lease <= at for lease in leases)

    def _take(self, job: Job) -> tuple[str, ...]:
        """The transition of a look; the names of the steps that are woken: their newest fact is owed once more."""
        at = now()
        if job.sweep_at is None or job.sweep_at > at:
            raise lifecycle.Refused(job.id)
        woken = []
        for name in lifecycle.expire(job, at):
            fact = self._wake_of(job, name)
            if fact and not self._waits_behind(job.step(name), fact):
                lifecycle.wake(job, fact.id, at)
                woken.append(name)
        return tuple(woken)

    def _waits_behind(self, step: Step, fact: Event) -> bool:
        """Whether a step that nobody has claimed yet most likely waits its turn: its stage holds what is older.

        Most likely, since what is tried again is old too, but comes late. The look that asks is among the step's wakes.
        """
        oldest = self._oldest_waiting.get(step.name)
        fresh = step.not_before is None and step.wakes <= _LOOKS_IN_GOOD_FAITH
        return fresh and oldest is not None and oldest <= fact.occurred_at

    def _wake_of(self, job: Job, name: str) -> Event | None:
        stage = self._stages.get(name)
        if stage is None:  # of another version of this program, whose workers will look after it
            return None
        return stage.wake_of(job)

    async def _look_again(self, look: Look) -> None:
        """A job that is not there may be about to be written: one more look. An unreadable one is kept in view."""
        try:
            there = await self._resources.jobs.get(look.job_id) is not None
        except ValidationError:
            log.exception("a job cannot be read", job_id=look.job_id)
            there = True
        if there or not look.last:
            await self._resources.jobs.alarms.set(look.job_id, now() + _AGAIN, last=not there)


def _parts(alarms: list[Alarm]) -> Iterator[list[Alarm]]:
    """The alarms, a batch of looks at a time, or one alarm of more."""
    part: list[Alarm] = []
    for alarm in alarms:
        if part and sum(len(other.looks) for other in (*part, alarm)) > _BATCH:
            yield part
            part = []
        part.append(alarm)
    if part:
        yield part
