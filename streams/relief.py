"""Steps that hold a slot for long go to whichever worker has room for them.

Which worker hears an event is decided by its partition. A live recording holds its slot for as long as it is made: to
wait for one of a full worker may take hours, while another has nothing to do. So a worker says with its heartbeat whose
jobs wait with it, and one that has room claims them, as it would if it had heard of them; the first is refused when
their turn comes. Where nobody has room, or none for one more of that caller, the job's watchers are told that it waits.
"""

import asyncio
import random
from collections.abc import Sequence

import structlog

from schemas.failures import Retryable
from schemas.jobs import Status
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from streams.resources import Resources
from streams.runner import Runner

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 2.0
_MOST_READ = 20
_LOOKS_BEFORE_TOLD = 3
"""After so many looks somebody with room would have come."""
NO_ROOM = "all workers are busy with other recordings; heard when one has room, or when the upload has ended"


class Relief:
    """Looks for as long as it runs, for the runners of this process whose stages are endless. Cancel it to end it."""

    def __init__(self, resources: Resources, runners: Sequence[Runner], owner: str) -> None:
        self._resources = resources
        self._runners = tuple(runner for runner in runners if runner.endless)
        self._owner = owner
        self._looks: dict[str, dict[str, int]] = {}

    async def run(self) -> None:
        """Looks again and again, with a jitter so that many processes do not look in step."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - not for secrets
            try:
                await self.look()
            except Retryable as error:
                log.info("nothing taken over", error=str(error))
            except Exception:  # what cannot be read now must not end the worker
                log.exception("taking over broke off")

    async def look(self) -> None:
        """Takes over what waits elsewhere, and tells what goes on waiting here. Raises StoreUnavailable."""
        for runner in self._runners:
            if runner.room:
                await self._take_over(runner)
            await self._tell(runner)

    async def _take_over(self, runner: Runner) -> None:
        name = runner.stage_name
        workers = await self._resources.workers.alive(now())
        states = [worker.stages[name] for worker in workers if worker.id != self._owner and name in worker.stages]
        waiting = list(dict.fromkeys(job_id for state in states for job_id in state.waiting_jobs))[:_MOST_READ]
        for job in await self._resources.jobs.get_many(waiting) if waiting else ():
            queued = any(step.name == name and step.status is Status.QUEUED for step in job.steps)
            if queued and runner.has_room_for(job.owner_id):
                await runner.offer(job)

    async def _tell(self, runner: Runner) -> None:
        before = self._looks.get(runner.stage_name, {})
        looks = {job_id: before.get(job_id, 0) + 1 for job_id in runner.waiting_jobs}
        self._looks[runner.stage_name] = looks
        for job_id in (job_id for job_id, number in looks.items() if number == _LOOKS_BEFORE_TOLD):
            try:
                job, _ = await self._resources.jobs.change(
                    job_id, lambda job: lifecycle.wait(job, runner.stage_name, NO_ROOM, now())
                )
            except (lifecycle.Refused, LeaseLost):
                continue
            await self._resources.outbox.announce(job)
