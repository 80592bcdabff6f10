"""What may happen to a job: the transitions of its document, as pure functions.

Each takes the job and changes it in place; stores/jobs makes one compare-and-set write of the result. A transition
that the job's state does not allow raises: Refused for a claim, LeaseLost for an owner whose fence is old. Invariants:
one owner at a time; a fence only grows; nothing changes a step that has ended but a retry; every job ends. A job's
first state is news to nobody: whoever watches has read the job, which had to be there before.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from schemas.events import DeadLetter, Event, JobRequested, event_id, read_event
from schemas.ids import new_id
from schemas.jobs import HISTORY_LENGTH, LOG_LINES, AttemptRecord, Failure, Job, LogLine, Status, Step
from schemas.pipeline import LIVE, OPTIONAL, PIPELINES, JobType, dependents
from schemas.recordings import Recording
from stores.errors import LeaseLost

MOST_RETURNS = 200
"""How often a step is given back before it counts as an attempt: with the usual pause, a quarter of an hour."""
MOST_LOSSES = 10
"""How often a step's worker may go away before that counts as an attempt. Most are not the step's doing; what does
bring its worker down every time still comes to an end, and before a supervisor gives the worker up."""
WORKER_LOST = Failure(code="worker_lost", detail="The worker that did this step went away.")
_UNPUBLISHED_SECONDS = 8
_UNCLAIMED_SECONDS = 300
_UNHEARD_SECONDS = 15
_LONGEST_UNCLAIMED_SECONDS = 3600
"""A step that is woken may only be waiting its turn: each time it is given twice as long."""


class Refused(Exception):
    """The job's state does not allow it: the step has ended, is not due, or somebody else works on it."""


def new_job(recording: Recording, uploaded: Event, attempts: int, at: datetime) -> Job:
    """The job that a finished upload brings about, with the fact of the upload in its outbox."""
    job = _taking_in(recording, _planned(recording.taken_in_by, attempts, at), uploaded, at)
    return _settled(job, at, announce=False)


def live_job(recording: Recording, begun: Event, attempts: int, at: datetime) -> Job:
    """The job of an upload whose first bytes are there, with the fact of that in its outbox: see `take_in`."""
    live = Step(name=LIVE, max_attempts=attempts, wake_at=at + timedelta(seconds=_UNCLAIMED_SECONDS))
    steps = [live, *_planned(recording.taken_in_by, attempts, at)]
    return _settled(_taking_in(recording, steps, begun, at), at)


def _taking_in(recording: Recording, steps: list[Step], fact: Event, at: datetime) -> Job:
    """The job that takes the recording in by these steps, with the fact that it follows from in its outbox."""
    job = Job(
        id=recording.job_id,
        recording_id=recording.id,
        owner_id=recording.owner_id,
        project_id=recording.project_id,
        job_type=recording.taken_in_by,
        steps=steps,
        created_at=at,
    )
    _put_out(job, fact)
    return job


def take_in(job: Job, uploaded: Event, at: datetime) -> bool:
    """Tells a live job that its upload has ended: the fact wakes all the other steps. Whether it is news to it.

    A live step that nobody is at has come too late: the others do its work.
    """
    if not job.live:
        return False
    _put_out(job, uploaded)
    for step in (step for step in job.steps if step.status is Status.QUEUED):
        if step.name in OPTIONAL:
            step.status = Status.CANCELLED
            _end(step, at)
        else:
            step.wake_at, step.wakes = at + timedelta(seconds=_UNCLAIMED_SECONDS), 0
    job.logs = [*job.logs, LogLine(at=at, message="the upload has ended")][-LOG_LINES:]
    _settled(job, at)
    return True


def lecture_job(recording: Recording, asked_by: str, attempts: int, at: datetime) -> Job:
    """The job that downloads a lecture and takes it in. It is the work of whoever asked, the lecture is nobody's."""
    job = Job(
        id=recording.job_id,
        recording_id=recording.id,
        owner_id=asked_by,
        project_id=recording.project_id,
        job_type=JobType.LECTURE,
        steps=_planned(JobType.LECTURE, attempts, at),
        created_at=at,
    )
    _request(job, at)
    return _settled(job, at, announce=False)


def requested_job(
    recording: Recording,
    job_type: JobType,
    payload: dict[str, Any],
    attempts: int,
    retry_delay: float | None,
    at: datetime,
) -> Job:
    """A job that somebody asks for, on a recording that is there; the fact of the request is in its outbox."""
    job = Job(
        id=new_id(),
        recording_id=recording.id,
        owner_id=recording.owner_id,
        project_id=recording.project_id,
        job_type=job_type,
        payload=payload,
        retry_delay_seconds=retry_delay,
        steps=_planned(job_type, attempts, at),
        created_at=at,
    )
    _request(job, at)
    return _settled(job, at, announce=False)


def retry(job: Job, at: datetime) -> None:
    """Sets a job that failed or was cancelled going again, at the steps that have no result; the rest is kept.

    Raises Refused for a job that is not over, or has completed.
    """
    if job.status not in (Status.FAILED, Status.CANCELLED):
        raise Refused(f"{job.id} is {job.status}")
    for step in job.steps:
        if step.status is not Status.COMPLETED and step.name not in OPTIONAL:
            step.status, step.error, step.progress = Status.QUEUED, None, 0
            step.attempt = step.returns = step.losses = step.wakes = 0
            step.finished_at = step.not_before = None
            step.wake_at = at + timedelta(seconds=_UNCLAIMED_SECONDS)
    job.finished_at = None
    job.rank = new_id()
    job.logs = [*job.logs, LogLine(at=at, message="set going again")][-LOG_LINES:]
    _request(job, at)
    _settled(job, at)


def _planned(job_type: JobType, attempts: int, at: datetime) -> list[Step]:
    unheard = at + timedelta(seconds=_UNCLAIMED_SECONDS)
    return [
        Step(name=plan.stage, after=plan.after, max_attempts=attempts, wake_at=unheard) for plan in PIPELINES[job_type]
    ]


def _request(job: Job, at: datetime) -> None:
    """Puts out what wakes the steps that wait for nothing else; it takes the place of an earlier request."""
    completed = {step.name for step in job.steps if step.status is Status.COMPLETED}
    ready = (step.name for step in job.steps if step.status is Status.QUEUED and completed.issuperset(step.after))
    job.requests += 1
    job.facts = [fact for fact in job.facts if fact["type"] != "job.requested"]
    job.outbox = [fact_id for fact_id in job.outbox if fact_id in {fact["id"] for fact in job.facts}]
    requested = JobRequested(
        id=event_id("job.requested", job.id, str(job.requests)),
        occurred_at=at,
        recording_id=job.recording_id,
        owner_id=job.owner_id,
        job_id=job.id,
        job_type=job.job_type,
        steps=tuple(ready),
    )
    _put_out(job, requested)


def claim(
    job: Job, stage: str, wake: str, owner: str, lease_seconds: float, at: datetime, ticket: int | None = None
) -> Step:
    """Makes `owner` the owner of the step until the lease ends. `wake` is the id of the fact that woke it.

    Raises Refused. A step whose attempts are used up is never claimed again: see `expire`. With a `ticket`, a number
    that the owner gives to one claim only, a repeat while the lease lasts is granted and changes nothing.
    """
    step = job.step(stage)
    if ticket is not None and (step.owner, step.ticket) == (owner, ticket) and not _lease_over(step, at):
        return step
    if not _claimable(step, at) or wake not in {fact["id"] for fact in job.facts}:
        raise Refused(f"{stage} of {job.id} is {step.status}")
    if step.status is Status.RUNNING:
        _lose(step, at)
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
    _log(job, step, f"attempt {step.attempt} of {step.max_attempts}", at)
    job.announce = False  # who claims tells the newest state; if that is lost, so is the lease
    _settled(job, at, announce=False)
    return step


def renew(job: Job, stage: str, fence: int, lease_seconds: float, at: datetime) -> None:
    """Prolongs the lease of the step's owner. Raises LeaseLost."""
    _owned(job, stage, fence).lease_until = at + timedelta(seconds=lease_seconds)
    _settled(job, at, announce=False)


def report(job: Job, stage: str, fence: int, progress: float | None, results: dict[str, Any], at: datetime) -> None:
    """Takes in progress (0 to 100, never backwards) and early results of the step. Raises LeaseLost."""
    step = _owned(job, stage, fence)
    step.progress = max(step.progress, min(progress or 0, 99))
    job.results.update(results)
    _settled(job, at, announce=False)


def note(job: Job, stage: str, fence: int, message: str, at: datetime) -> None:
    """Adds a line of the step to the job's log. Raises LeaseLost."""
    _log(job, _owned(job, stage, fence), message, at)
    _settled(job, at)


def put_out(job: Job, stage: str, fence: int, event: Event, at: datetime) -> None:
    """Takes an early fact of a running step into the outbox. A repeat is harmless. Raises LeaseLost."""
    _owned(job, stage, fence)
    _put_out(job, event)
    _settled(job, at)


def complete(job: Job, stage: str, fence: int, results: dict[str, Any], event: Event, at: datetime) -> None:
    """Ends the step with its results and its fact, which goes to the outbox. Raises LeaseLost."""
    step = _owned(job, stage, fence)
    step.status, step.progress, step.error = Status.COMPLETED, 100, None
    job.results.update(results)
    _put_out(job, event)
    _end(step, at)
    _log(job, step, "completed", at)
    _settled(job, at)


def fail(job: Job, stage: str, fence: int, failure: Failure, at: datetime) -> None:
    """Ends the step without a result, and with it the steps that need it. Raises LeaseLost."""
    _fail(job, _owned(job, stage, fence), failure, at)


def retry_later(job: Job, stage: str, fence: int, failure: Failure, delay: float, at: datetime) -> None:
    """Gives the step back to be tried again after `delay` seconds, or fails it when that was its last attempt."""
    step = _owned(job, stage, fence)
    _remember(step, failure, at)
    if step.attempt >= step.max_attempts:
        _give_up(job, step, failure, at)
        return
    step.error = failure
    _log(job, step, f"{failure.code}: {failure.detail} Trying again in {delay:.0f} s.", at)
    _release(step, at + timedelta(seconds=delay))
    _settled(job, at)


def give_back(job: Job, stage: str, fence: int, delay: float, at: datetime) -> None:
    """Gives the step back untouched: the attempt does not count. Raises LeaseLost.

    One that is due at once owes what woke it once more, so whoever pays that need not wait for a sweeper.
    """
    step = _owned(job, stage, fence)
    step.attempt -= 1
    _release(step, at + timedelta(seconds=delay))
    if step.woken_by and not delay:
        step.wake_at = at + timedelta(seconds=_UNHEARD_SECONDS)
        _owe(job, step.woken_by)
    _settled(job, at)


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
        _log(job, step, f"{failure.code}: {failure.detail} Waiting.", at)
    step.attempt -= 1
    _release(step, at + timedelta(seconds=delay))
    _settled(job, at)


def expire(job: Job, at: datetime) -> tuple[str, ...]:
    """The sweeper's look: takes back every step whose lease ran out; the names of those that are to be woken now.

    What it is to look at again moves into the future, so of two sweepers one finds something to do.
    """
    lost = [step for step in job.steps if step.status is Status.RUNNING and _lease_over(step, at)]
    for step in lost:
        if step.status is not Status.RUNNING:  # one before it has taken it down
            continue
        _lose(step, at)
        if step.attempt >= step.max_attempts:
            _give_up(job, step, WORKER_LOST, at)
        else:
            _log(job, step, WORKER_LOST.detail, at)
            _release(step, at)
    woken = [step for step in job.steps if step.status is Status.QUEUED and step.wake_at and step.wake_at <= at]
    for step in woken:
        first = _UNHEARD_SECONDS if step.not_before else _UNCLAIMED_SECONDS
        step.wake_at = at + timedelta(seconds=min(first * 2.0**step.wakes, _LONGEST_UNCLAIMED_SECONDS))
        step.wakes += 1
    job.owes_since = job.sweep_at = None
    _settled(job, at, announce=bool(lost))
    return tuple(step.name for step in woken)


def wake(job: Job, fact_id: str, at: datetime) -> None:
    """Owes the fact once more, so that whoever it wakes is woken again. Harmless when repeated."""
    _owe(job, fact_id)
    _settled(job, at, announce=False)


def cancel(job: Job, at: datetime) -> None:
    """Ends every step that has not ended. Its owner learns of it at its next write. Harmless when repeated."""
    for step in job.steps:
        if not step.status.ended:
            step.status = Status.CANCELLED
            _end(step, at)
    _settled(job, at)


def published(job: Job, ids: Iterable[str], version: int, at: datetime) -> None:
    """Takes what is published out of the outbox, and the news of `version` off the list of what is to be told."""
    sent = set(ids)
    job.outbox = [fact_id for fact_id in job.outbox if fact_id not in sent]
    if job.version == version:
        job.announce = False
    job.sweep_at = None  # it was due for what is paid now
    _settled(job, at, announce=False)


def owes_only(job: Job, ids: Iterable[str], version: int) -> bool:
    """Whether the job owes nothing any more, once what `published` is given has been."""
    return set(job.outbox) <= set(ids) and (job.version == version or not job.announce)


def next_look(job: Job) -> datetime | None:
    """When the sweeper should look at a job that owes nothing."""
    return min(_due_steps(job), default=None)


def _owned(job: Job, stage: str, fence: int) -> Step:
    step = job.step(stage)
    if step.status is not Status.RUNNING or step.fence != fence:
        raise LeaseLost(f"{stage} of {job.id} is no longer fence {fence}")
    return step


def _claimable(step: Step, at: datetime) -> bool:
    if step.status is Status.RUNNING:
        return _lease_over(step, at) and (step.attempt < step.max_attempts or step.losses < MOST_LOSSES)
    due = step.not_before is None or step.not_before <= at
    return step.status is Status.QUEUED and due and step.attempt < step.max_attempts


def _lose(step: Step, at: datetime) -> None:
    """Notes that the step's owner went away; the attempt counts only after very many of these."""
    _remember(step, WORKER_LOST, at)
    step.losses += 1
    if step.losses <= MOST_LOSSES:
        step.attempt -= 1


def _lease_over(step: Step, at: datetime) -> bool:
    return step.lease_until is None or step.lease_until <= at


def _put_out(job: Job, event: Event) -> None:
    if all(fact["id"] != event.id for fact in job.facts):
        job.facts.append(event.model_dump(mode="json"))
    _owe(job, event.id)


def _owe(job: Job, fact_id: str) -> None:
    if fact_id not in job.outbox:
        job.outbox.append(fact_id)


def _fail(job: Job, step: Step, failure: Failure, at: datetime) -> None:
    step.status, step.error = Status.FAILED, failure
    _end(step, at)
    _log(job, step, f"{failure.code}: {failure.detail}", at)
    for name in dependents(job.job_type, step.name):
        waiting = job.step(name)
        if not waiting.status.ended:
            waiting.status = Status.CANCELLED
            waiting.error = Failure(code="upstream_failed", detail=f"The step «{step.name}» did not succeed.")
            _end(waiting, at)
    _settled(job, at)


def _give_up(job: Job, step: Step, failure: Failure, at: datetime) -> None:
    """The last attempt failed: the step fails, and a dead letter says so to the operators."""
    fact = next((fact for fact in job.facts if fact["id"] == step.woken_by), None)
    _forget_letters(job, step.name)
    _put_out(
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
    _fail(job, step, failure, at)


def _forget_letters(job: Job, stage: str) -> None:
    """Drops the letters about earlier failures of the step that are on their topic: they wake nobody."""
    job.facts = [
        fact
        for fact in job.facts
        if fact["type"] != "dead.letter" or fact["stage"] != stage or fact["id"] in job.outbox
    ]


def _remember(step: Step, failure: Failure, at: datetime) -> None:
    record = AttemptRecord(
        attempt=step.attempt,
        worker=step.owner,
        started_at=step.claimed_at,
        ended_at=at,
        code=failure.code,
        detail=failure.detail,
    )
    step.history = [*step.history, record][-HISTORY_LENGTH:]


def _end(step: Step, at: datetime) -> None:
    step.owner = step.ticket = step.lease_until = step.not_before = step.wake_at = None
    step.finished_at = at


def _release(step: Step, due: datetime) -> None:
    step.status, step.not_before, step.wake_at = Status.QUEUED, due, due
    step.owner = step.ticket = step.lease_until = None


def _log(job: Job, step: Step, message: str, at: datetime) -> None:
    job.logs = [*job.logs, LogLine(at=at, step=step.name, message=message)][-LOG_LINES:]


def _settled(job: Job, at: datetime, *, announce: bool = True) -> Job:
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
    yield from _due_steps(job)
    if job.owes_since:
        yield job.owes_since + timedelta(seconds=_UNPUBLISHED_SECONDS)


def _due_steps(job: Job) -> Iterator[datetime]:
    return (moment for step in job.steps if (moment := step.lease_until or step.wake_at))
