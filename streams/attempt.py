"""One attempt at one step: the work beside the renewal of its lease, and then its one ending.

The ending is a single update of the job. What it owes (facts, news) is paid at once, or by the sweeper.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from schemas.events import Event
from schemas.failures import Busy, Permanent, Retryable, StepFailure
from schemas.jobs import Failure, Job, Step
from schemas.time import now
from stores import keys, lifecycle
from stores.errors import LeaseLost, StoreUnavailable
from streams import metrics
from streams.context import Context, Intelligence
from streams.resources import Resources
from streams.stage import Outcome, Stage
from streams.waiting import until_stores_answer, wait_for_provider

Ending = Callable[[Job], None]

_LONGEST_DELAY = 300.0
_STORE_AWAY_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Verdict:
    """What an attempt says of its stage: the code of its failure, None for a success. One that was taken away: nothing.

    `spoken` tells whether it says anything.
    """

    spoken: bool
    code: str | None = None


NOTHING = Verdict(spoken=False)


class Attempt:
    """An attempt whose claim was granted. `run` it once."""

    def __init__(
        self, stage: Stage, resources: Resources, intelligence: Intelligence, job: Job, step: Step, event: Event
    ) -> None:
        self._stage = stage
        self._resources = resources
        self._intelligence = intelligence
        self._job, self._step, self._event = job, step, event
        self._opened = ExitStack()
        self._ctx = Context(resources, intelligence, job, step, self._make_workdir)
        self._limit = stage.limit(resources.settings)
        asked = job.retry_delay_seconds
        self._retry_delay = resources.settings.retry_delay_seconds if asked is None else asked
        self._log = log.bind(
            stage=stage.name, job_id=job.id, recording_id=job.recording_id, attempt=step.attempt, fence=step.fence
        )

    async def run(self) -> Verdict:
        """Does the work and ends the step; cancelled, it gives the step back. Raises nothing."""
        started = time.monotonic()
        self._log.info("step started")
        work = asyncio.create_task(self._perform())
        try:
            with self._resources.leases.held(self._job.id, self._step, lambda: work.cancel("lease lost")):
                await self._settle(self._job)
                await asyncio.wait([work])
            ending, verdict = self._ending(work)
        except asyncio.CancelledError:
            work.cancel("shutting down")
            await asyncio.wait([work])
            ending, verdict = give_back(self._step, 0), NOTHING
        finally:
            work.cancel()
            self._opened.close()
        await self._end(ending)
        metrics.STEP_SECONDS.labels(self._stage.name).observe(time.monotonic() - started)
        return verdict

    async def _perform(self) -> Outcome:
        async with asyncio.timeout(self._limit):
            return await self._stage.perform(self._ctx, self._event)

    def _make_workdir(self) -> Path:
        """A file that appears while it goes may keep it: the scratch folder is cleared at the next start."""
        folder = tempfile.TemporaryDirectory(prefix=f"tidemark-{self._step.name}-", ignore_cleanup_errors=True)
        return Path(self._opened.enter_context(folder))

    def _ending(self, work: "asyncio.Task[Outcome]") -> tuple[Ending | None, Verdict]:
        """The transition that the finished work comes to; None when the step is no longer ours to end."""
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        if error is None:
            return complete(self._step, work.result()), Verdict(spoken=True)
        if isinstance(error, asyncio.CancelledError):
            return None, NOTHING
        if isinstance(error, LeaseLost):
            detail = "Newer work on the recording, or its deletion, has taken the place of this."
            return fail(self._step, Failure(code="superseded", detail=detail)), NOTHING
        if not isinstance(error, StepFailure | TimeoutError):
            self._log.error("unexpected error in a stage", exc_info=error)
        failure = failure_of(error, self._step, f"{self._limit:g} seconds ({self._stage.limited_by})")
        return ending_of(error, failure, self._step, self._retry_delay), Verdict(spoken=True, code=failure.code)

    async def _end(self, ending: Ending | None) -> None:
        if ending is None:
            metrics.STEPS.labels(self._stage.name, "lost").inc()
            self._log.warning("step lost to another owner")
            await until_stores_answer(self._clear_up)
            return
        try:
            jobs, known = self._resources.jobs, self._ctx.known
            job, _ = await until_stores_answer(lambda: jobs.change(known.id, ending, known))
        except LeaseLost as lost:
            self._log.warning("ending refused", why=str(lost))
            await until_stores_answer(self._clear_up)
            return
        step = job.step(self._stage.name)
        self._log.info("step ended", status=step.status.value, error=step.error.code if step.error else None)
        metrics.STEPS.labels(self._stage.name, step.status.value).inc()
        await self._settle(job)

    async def _clear_up(self) -> None:
        """When the recording was deleted under the work, what was written since goes too. A repeat is harmless."""
        recording_id = self._job.recording_id
        if await self._resources.recordings.get(recording_id) is None:
            await self._resources.objects.delete_prefix(keys.recording_prefix(recording_id))
            await self._resources.transcripts.delete(recording_id)
            await self._resources.pages.delete(recording_id)
            await self._resources.analyses.delete(recording_id)

    async def _settle(self, job: Job) -> None:
        try:
            await self._resources.outbox.settle(job)
        except Retryable as error:
            self._log.warning("outbox left to the sweeper", error=str(error))


def failure_of(error: BaseException, step: Step, limit: str) -> Failure:
    """What the job shows of an error of the work."""
    match error:
        case StepFailure():
            return Failure(code=error.code, detail=error.detail)
        case TimeoutError():
            detail = f"The step «{step.name}» took longer than its limit of {limit}."
            return Failure(code="timeout", detail=detail)
    return Failure(code="unexpected", detail="An error that nobody foresaw; the worker's log has it.")


def ending_of(error: BaseException, failure: Failure, step: Step, retry_delay: float) -> Ending:
    """What an error of the work means: fail the step, try it later, or give it back."""
    match error:
        case Busy():
            return put_off(step, failure, error.retry_after)
        case StoreUnavailable():  # not this step's doing: it does not count as an attempt
            return put_off(step, failure, _STORE_AWAY_SECONDS)
        case Permanent():
            return fail(step, failure)
        case Retryable() if (wait := wait_for_provider(error, step.returns)) is not None:  # nor is this
            return put_off(step, failure, wait)
        case Retryable() if error.retry_after is not None:
            return retry(step, failure, error.retry_after)
    return retry(step, failure, _backoff(step, retry_delay))


def complete(step: Step, outcome: Outcome) -> Ending:
    """The ending of an attempt that succeeded."""
    return lambda job: lifecycle.complete(job, step.name, step.fence, outcome.results, outcome.event, now())


def fail(step: Step, failure: Failure) -> Ending:
    """The ending of an attempt after which no other makes sense."""
    return lambda job: lifecycle.fail(job, step.name, step.fence, failure, now())


def retry(step: Step, failure: Failure, delay: float) -> Ending:
    """The ending of an attempt that failed and may be followed by another."""
    return lambda job: lifecycle.retry_later(job, step.name, step.fence, failure, delay, now())


def give_back(step: Step, delay: float) -> Ending:
    """The ending of an attempt that does not count."""
    return lambda job: lifecycle.give_back(job, step.name, step.fence, delay, now())


def put_off(step: Step, failure: Failure, delay: float) -> Ending:
    """The ending of an attempt that could not be made for now."""
    return lambda job: lifecycle.put_off(job, step.name, step.fence, failure, delay, now())


def _backoff(step: Step, retry_delay: float) -> float:
    """Exponential with jitter: half to all of `retry_delay` x 2^(attempt - 1) seconds, bounded unless asked for."""
    longest = min(retry_delay * 2.0 ** (step.attempt - 1), max(_LONGEST_DELAY, retry_delay))
    return longest * random.uniform(0.5, 1)  # noqa: S311 # nosec B311
