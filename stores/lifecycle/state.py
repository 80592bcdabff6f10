"""The state of a job and its steps: what follows for the rest from a change at one of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.events import DeadLetter, Event, event_id, read_event
from schemas.jobs import HISTORY_LENGTH, LOG_LINES, AttemptRecord, Failure, Job, LogLine, Status, Step
from schemas.pipeline import dependents

MOST_LOSSES = 10
"""How often a step's worker may go away before that counts as an attempt. Most are not the step's doing; what does
bring its worker down every time still comes to an end, and before a supervisor gives the worker up."""
WORKER_LOST = Failure(code="worker_lost", detail="The worker that did this step went away.")
UNCLAIMED_SECONDS = 300
"""A step that was woken and that nobody has claimed is woken again."""
UNHEARD_SECONDS = 15
"""The same of a step that was given back."""
_UNPUBLISHED_SECONDS = 8


class Refused(Exception):
    """The job's state does not allow it: the step has ended, is not due, or somebody else works on it."""


def settled(job: Job, at: datetime, *, announce: bool = True) -> Job:
    """Draws the job's own state out of its steps."""
    job.announce = job.announce or announce
    job.owes_since = (job.owes_since or at) if job.outbox or job.announce else None
    job.status = _status(job)
    if job.status.ended and job.finished_at is None:
        job.finished_at = at
    due = min(_due(job), default=None)
    if due is None or job.sweep_at is None or due < job.sweep_at:  # a look too early is cheap: it moves on by itself
        job.sweep_at = due
    return job


def _status(job: Job) -> Status:
    if not all(step.status.ended for step in job.steps):
        waiting = all(step.status is Status.QUEUED for step in job.steps)
        return Status.QUEUED if waiting and job.started_at is None else Status.RUNNING
    states = {step.status for step in job.needed}
    if Status.FAILED in states:
        return Status.FAILED
    return Status.CANCELLED if Status.CANCELLED in states else Status.COMPLETED


def _due(job: Job) -> Iterator[datetime]:
    """When the sweeper should look, for each reason. A change at one step never puts off what is due at another."""
    yield from due_steps(job)
    if job.owes_since:
        yield job.owes_since + timedelta(seconds=_UNPUBLISHED_SECONDS)


def due_steps(job: Job) -> Iterator[datetime]:
    """When the sweeper should look, for the sake of each step."""
    return (moment for step in job.steps if (moment := step.lease_until or step.wake_at))


def owe_fact(job: Job, event: Event) -> None:
    """Puts the fact among those of the job and into its outbox. A repeat is harmless."""
    if all(fact["id"] != event.id for fact in job.facts):
        job.facts.append(event.model_dump(mode="json"))
    owe(job, event.id)


def owe(job: Job, fact_id: str) -> None:
    """Puts the id of a fact of the job into its outbox. A repeat is harmless."""
    if fact_id not in job.outbox:
        job.outbox.append(fact_id)


def lose(step: Step, at: datetime) -> None:
    """Notes that the step's owner went away; the attempt counts only after very many of these."""
    remember(step, WORKER_LOST, at)
    step.losses += 1
    if step.losses <= MOST_LOSSES:
        step.attempt -= 1


def lease_over(step: Step, at: datetime) -> bool:
    """Whether nobody may be at the step any more."""
    return step.lease_until is None or step.lease_until <= at


def fail_step(job: Job, step: Step, failure: Failure, at: datetime) -> None:
    """Ends the step without a result, and cancels those that need it."""
    step.status, step.error = Status.FAILED, failure
    end(step, at)
    log(job, step, f"{failure.code}: {failure.detail}", at)
    for name in dependents(job.job_type, step.name):
        waiting = job.step(name)
        if not waiting.status.ended:
            waiting.status = Status.CANCELLED
            waiting.error = Failure(code="upstream_failed", detail=f"The step «{step.name}» did not succeed.")
            end(waiting, at)
    settled(job, at)


def give_up(job: Job, step: Step, failure: Failure, at: datetime) -> None:
    """The last attempt failed: the step fails, and a dead letter says so to the operators."""
    fact = next((fact for fact in job.facts if fact["id"] == step.woken_by), None)
    _forget_letters(job, step.name)
    owe_fact(
        job,
        DeadLetter(
            id=event_id("dead.letter", job.id, step.name, str(step.fence)),
            recording_id=job.recording_id,
            owner_id=job.owner_id,
            job_id=job.id,
            stage=step.name,
            code=failure.code,
            detail=failure.detail,
            attempts=step.attempt,
            history=tuple(step.history),
            original_topic=read_event(fact).topic if fact else "",
            original=fact or "",
        ),
    )
    fail_step(job, step, failure, at)


def _forget_letters(job: Job, stage: str) -> None:
    """Drops the letters about earlier failures of the step that are on their topic: they wake nobody."""
    job.facts = [
        fact
        for fact in job.facts
        if fact["type"] != "dead.letter" or fact["stage"] != stage or fact["id"] in job.outbox
    ]


def remember(step: Step, failure: Failure, at: datetime) -> None:
    """Notes the attempt that has just ended in the step's history, which has a length."""
    record = AttemptRecord(
        attempt=step.attempt,
        worker=step.owner,
        started_at=step.claimed_at,
        ended_at=at,
        code=failure.code,
        detail=failure.detail,
    )
    step.history = [*step.history, record][-HISTORY_LENGTH:]


def end(step: Step, at: datetime) -> None:
    """The step is nobody's any more, and nothing is due at it."""
    step.owner = step.ticket = step.lease_until = step.not_before = step.wake_at = None
    step.finished_at = at


def release(step: Step, due: datetime) -> None:
    """The step waits again, and is due at that moment."""
    step.status, step.not_before, step.wake_at = Status.QUEUED, due, due
    step.owner = step.ticket = step.lease_until = None


def log(job: Job, step: Step | None, message: str, at: datetime) -> None:
    """Adds a line to the job's log, which has a length; of the step, or of the job as a whole."""
    job.logs = [*job.logs, LogLine(at=at, step=step.name if step else None, message=message)][-LOG_LINES:]
