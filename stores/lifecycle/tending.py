"""What others do with a job: the sweeper that finds it left alone, who publishes its facts, who cancels it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.jobs import Job, Status
from stores.lifecycle.state import (
    UNCLAIMED_SECONDS,
    UNHEARD_SECONDS,
    WORKER_LOST,
    Refused,
    due_steps,
    end,
    give_up,
    lease_over,
    log,
    lose,
    owe,
    release,
    settled,
)

_LONGEST_UNCLAIMED_SECONDS = 3600
"""A step that is woken may only be waiting its turn: each time it is given twice as long."""


def expire(job: Job, at: datetime) -> tuple[str, ...]:
    """The sweeper's look: takes back every step whose lease ran out; the names of those that are to be woken now.

    What it is to look at again moves into the future, so of two sweepers one finds something to do.
    """
    lost = [step for step in job.steps if step.status is Status.RUNNING and lease_over(step, at)]
    for step in lost:
        if step.status is not Status.RUNNING:  # one before it has taken it down
            continue
        lose(step, at)
        if step.attempt >= step.max_attempts:
            give_up(job, step, WORKER_LOST, at)
        else:
            log(job, step, WORKER_LOST.detail, at)
            release(step, at)
    woken = [step for step in job.steps if step.status is Status.QUEUED and step.wake_at and step.wake_at <= at]
    for step in woken:
        first = UNHEARD_SECONDS if step.not_before else UNCLAIMED_SECONDS
        step.wake_at = at + timedelta(seconds=min(first * 2.0**step.wakes, _LONGEST_UNCLAIMED_SECONDS))
        step.wakes += 1
    job.owes_since = job.sweep_at = None
    settled(job, at, announce=bool(lost))
    return tuple(step.name for step in woken)


def wake(job: Job, fact_id: str, at: datetime) -> None:
    """Owes the fact once more, so that whoever it wakes is woken again. Harmless when repeated."""
    owe(job, fact_id)
    settled(job, at, announce=False)


def wait(job: Job, stage: str, why: str, at: datetime) -> None:
    """Tells the watchers what a step waits for, once. Raises Refused where it does not wait, or that was told."""
    waiting = any(step.name == stage and step.status is Status.QUEUED for step in job.steps)
    if not waiting or any((line.step, line.message) == (stage, why) for line in job.logs):
        raise Refused(f"{stage} of {job.id} has nothing new to say")
    log(job, job.step(stage), why, at)
    settled(job, at)


def cancel(job: Job, at: datetime) -> None:
    """Ends every step that has not ended. Its owner learns of it at its next write. Harmless when repeated."""
    for step in job.steps:
        if not step.status.ended:
            step.status = Status.CANCELLED
            end(step, at)
    settled(job, at)


def published(job: Job, ids: Iterable[str], version: int, at: datetime) -> None:
    """Takes what is published out of the outbox, and the news of `version` off the list of what is to be told."""
    sent = set(ids)
    job.outbox = [fact_id for fact_id in job.outbox if fact_id not in sent]
    if job.version == version:
        job.announce = False
    job.sweep_at = None  # it was due for what is paid now
    settled(job, at, announce=False)


def owes_only(job: Job, ids: Iterable[str], version: int) -> bool:
    """Whether the job owes nothing any more, once what `published` is given has been."""
    return set(job.outbox) <= set(ids) and (job.version == version or not job.announce)


def next_look(job: Job) -> datetime | None:
    """When the sweeper should look at a job that owes nothing."""
    return min(due_steps(job), default=None)
