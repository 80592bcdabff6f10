"""The sweeper: looks after jobs that nobody else will.

It pays outboxes that their writer left, takes back steps whose lease ran out, and wakes steps that are due. Every
worker process runs one; a job is looked after by the one that moves its `sweep_at` first.
"""

import asyncio
import random

import structlog

from schemas.events import read_event
from schemas.failures import Retryable
from schemas.jobs import Job
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from streams import metrics
from streams.resources import Resources
from streams.stage import Stage

log = structlog.get_logger(__name__)

_BATCH = 200


class Sweeper:
    """Sweeps for as long as it runs. Cancel it to end it: nothing is lost."""

    def __init__(self, resources: Resources, stages: dict[str, Stage]) -> None:
        self._resources = resources
        self._stages = stages

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
        for job_id in await self._resources.jobs.due(now(), _BATCH):
            try:
                await self._look_after(job_id)
            except Retryable:
                raise
            except Exception:  # one job that nobody can read keeps no other waiting
                log.exception("job not looked after", job_id=job_id)

    async def _look_after(self, job_id: str) -> None:
        try:
            job, stages = await self._resources.jobs.change(job_id, _take)
        except (lifecycle.Refused, LeaseLost):  # another sweeper was first, or the job is gone
            return
        metrics.EXPIRED.inc()
        if job.outbox or job.announce:
            await self._resources.outbox.settle(job)
        for name in stages:
            await self._wake(job, name)

    async def _wake(self, job: Job, name: str) -> None:
        """Publishes again the newest fact that the stage waits for; its id is the same."""
        stage = self._stages[name]
        facts = [event for fact in job.facts if stage.wakes_on(event := read_event(fact))]
        if facts:
            await self._resources.publisher.publish(facts[-1])
            metrics.WAKES.labels(name).inc()
            log.info("step woken", stage=name, job_id=job.id)


def _take(job: Job) -> tuple[str, ...]:
    at = now()
    if job.sweep_at is None or job.sweep_at > at:
        raise lifecycle.Refused(job.id)
    return lifecycle.expire(job, at)
