"""What the owner of a step does with it, from its claim to its end.

An owner's fence is the number of his claim; whoever comes with an older one is told LeaseLost and changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from schemas.events import Event
from schemas.jobs import Failure, Job, Status, Step
from stores.errors import LeaseLost
from stores.lifecycle.state import (
    MOST_LOSSES,
    UNHEARD_SECONDS,
    Refused,
    end,
    fail_step,
    give_up,
    lease_over,
    log,
    lose,
    owe,
    owe_fact,
    release,
    remember,
    settled,
)

MOST_RETURNS = 200
"""How often a step is given back before it counts as an attempt: with the usual pause, a quarter of an hour."""


def claim(
    job: Job, stage: str, wake: str, owner: str, lease_seconds: float, at: datetime, ticket: int | None = None
) -> Step:
    """Makes `owner` the owner of the step until the lease ends. `wake` is the id of the fact that woke it.

    Raises Refused; a job without that step is such a case, since one fact wakes stages of several kinds of job. A step
    whose attempts are used up is never claimed again: see `expire`. With a `ticket`, a number that the owner gives to
    one claim only, a repeat while the lease lasts is granted and changes nothing.
    """
    step = next((step for step in job.steps if step.name == stage), None)
    if step is None:
        raise Refused(f"{job.id} has no step {stage}")
    if ticket is not None and (step.owner, step.ticket) == (owner, ticket) and not lease_over(step, at):
        return step
    if not _claimable(step, at) or wake not in {fact["id"] for fact in job.facts}:
        raise Refused(f"{stage} of {job.id} is {step.status}")
    if step.status is Status.RUNNING:
        lose(step, at)
    step.status = Status.RUNNING
    step.owner, step.ticket = owner, ticket
    step.woken_by = wake
    step.lease_until = at + timedelta(seconds=lease_seconds)
    step.not_before = step.wake_at = None
    step.wakes = 0
    step.fence += 1
    step.attempt += 1
    job.outbox = [fact_id for fact_id in job.outbox if fact_id != wake]  # who is woken by a fact has it from its topic
    step.claimed_at = at
    step.started_at = step.started_at or at
    job.started_at = job.started_at or at
    log(job, step, f"attempt {step.attempt} of {step.max_attempts}", at)
    job.announce = False  # who claims tells the newest state; if that is lost, so is the lease
    settled(job, at, announce=False)
    return step


def renew(job: Job, stage: str, fence: int, lease_seconds: float, at: datetime) -> None:
    """Prolongs the lease of the step's owner. Raises LeaseLost."""
    _owned(job, stage, fence).lease_until = at + timedelta(seconds=lease_seconds)
    settled(job, at, announce=False)


def report(job: Job, stage: str, fence: int, progress: float | None, results: dict[str, Any], at: datetime) -> None:
    """Takes in progress (0 to 100, never backwards) and early results of the step. Raises LeaseLost."""
    step = _owned(job, stage, fence)
    step.progress = max(step.progress, min(progress or 0, 99))
    job.results.update(results)
    settled(job, at, announce=False)


def note(job: Job, stage: str, fence: int, message: str, at: datetime) -> None:
    """Adds a line of the step to the job's log. Raises LeaseLost."""
    log(job, _owned(job, stage, fence), message, at)
    settled(job, at)


def put_out(job: Job, stage: str, fence: int, event: Event, at: datetime) -> None:
    """Takes an early fact of a running step into the outbox. A repeat is harmless. Raises LeaseLost."""
    _owned(job, stage, fence)
    owe_fact(job, event)
    settled(job, at)


def complete(job: Job, stage: str, fence: int, results: dict[str, Any], event: Event, at: datetime) -> None:
    """Ends the step with its results and its fact, which goes to the outbox. Raises LeaseLost."""
    step = _owned(job, stage, fence)
    step.status, step.progress, step.error = Status.COMPLETED, 100, None
    job.results.update(results)
    owe_fact(job, event)
    end(step, at)
    log(job, step, "completed", at)
    settled(job, at)


def fail(job: Job, stage: str, fence: int, failure: Failure, at: datetime) -> None:
    """Ends the step without a result, and with it the steps that need it. Raises LeaseLost."""
    fail_step(job, _owned(job, stage, fence), failure, at)


def retry_later(job: Job, stage: str, fence: int, failure: Failure, delay: float, at: datetime) -> None:
    """Gives the step back to be tried again after `delay` seconds, or fails it when that was its last attempt."""
    step = _owned(job, stage, fence)
    remember(step, failure, at)
    if step.attempt >= step.max_attempts:
        give_up(job, step, failure, at)
        return
    step.error = failure
    log(job, step, f"{failure.code}: {failure.detail} Trying again in {delay:.0f} s.", at)
    release(step, at + timedelta(seconds=delay))
    settled(job, at)


def give_back(job: Job, stage: str, fence: int, delay: float, at: datetime) -> None:
    """Gives the step back untouched: the attempt does not count. Raises LeaseLost.

    One that is due at once owes what woke it once more, so whoever pays that need not wait for a sweeper.
    """
    step = _owned(job, stage, fence)
    step.attempt -= 1
    release(step, at + timedelta(seconds=delay))
    if step.woken_by and not delay:
        step.wake_at = at + timedelta(seconds=UNHEARD_SECONDS)
        owe(job, step.woken_by)
    settled(job, at)


def put_off(job: Job, stage: str, fence: int, failure: Failure, delay: float, at: datetime) -> None:
    """Gives the step back for a reason that is not its own. The attempt counts only after very many of these.

    So what is away for a while costs nothing, and what is away for ever still ends the job. Raises LeaseLost.
    """
    step = _owned(job, stage, fence)
    step.returns += 1
    if step.returns > MOST_RETURNS:
        retry_later(job, stage, fence, failure, delay, at)
        return
    if step.returns == 1:
        log(job, step, f"{failure.code}: {failure.detail} Waiting.", at)
    step.attempt -= 1
    release(step, at + timedelta(seconds=delay))
    settled(job, at)


def _owned(job: Job, stage: str, fence: int) -> Step:
    step = job.step(stage)
    if step.status is not Status.RUNNING or step.fence != fence:
        raise LeaseLost(f"{stage} of {job.id} is no longer fence {fence}")
    return step


def _claimable(step: Step, at: datetime) -> bool:
    if step.status is Status.RUNNING:
        return lease_over(step, at) and (step.attempt < step.max_attempts or step.losses < MOST_LOSSES)
    due = step.not_before is None or step.not_before <= at
    return step.status is Status.QUEUED and due and step.attempt < step.max_attempts
