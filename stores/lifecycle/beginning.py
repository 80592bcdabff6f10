"""How a job begins, and begins again. A job's first state is news to nobody: whoever watches has read the job."""

from datetime import datetime, timedelta
from typing import Any

from schemas.events import Event, JobRequested, event_id
from schemas.ids import new_id
from schemas.jobs import Job, Status, Step
from schemas.pipeline import LIVE, OPTIONAL, PIPELINES, JobType
from schemas.recordings import Recording
from stores.lifecycle.state import UNCLAIMED_SECONDS, Refused, end, log, owe_fact, settled


def new_job(recording: Recording, uploaded: Event, attempts: int, at: datetime) -> Job:
    """The job that a finished upload brings about, with the fact of the upload in its outbox."""
    job = _taking_in(recording, _planned(recording.taken_in_by, attempts, at), uploaded, at)
    return settled(job, at, announce=False)


def live_job(recording: Recording, begun: Event, attempts: int, at: datetime) -> Job:
    """The job of an upload whose first bytes are there, with the fact of that in its outbox: see `take_in`."""
    live = Step(name=LIVE, max_attempts=attempts, wake_at=at + timedelta(seconds=UNCLAIMED_SECONDS))
    steps = [live, *_planned(recording.taken_in_by, attempts, at)]
    return settled(_taking_in(recording, steps, begun, at), at, announce=False)


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
    owe_fact(job, fact)
    return job


def take_in(job: Job, uploaded: Event, at: datetime) -> bool:
    """Tells a live job that its upload has ended: the fact wakes all the other steps. Whether it is news to it.

    A live step that nobody is at has come too late: the others do its work.
    """
    if not job.live:
        return False
    owe_fact(job, uploaded)
    for step in (step for step in job.steps if step.status is Status.QUEUED):
        if step.name in OPTIONAL:
            step.status = Status.CANCELLED
            end(step, at)
        else:
            step.wake_at, step.wakes = at + timedelta(seconds=UNCLAIMED_SECONDS), 0
    log(job, None, "the upload has ended", at)
    settled(job, at)
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
    return settled(job, at, announce=False)


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
    return settled(job, at, announce=False)


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
            step.wake_at = at + timedelta(seconds=UNCLAIMED_SECONDS)
    job.finished_at = None
    job.rank = new_id()
    log(job, None, "set going again", at)
    _request(job, at)
    settled(job, at)


def _planned(job_type: JobType, attempts: int, at: datetime) -> list[Step]:
    unheard = at + timedelta(seconds=UNCLAIMED_SECONDS)
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
    owe_fact(job, requested)
