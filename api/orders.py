"""Work that somebody asks for on a recording that is there: what must be so before, and what must not run beside it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from aiohttp import web

from api.intake import settle
from api.keys import JOBS, PAGES, PROGRESS, RECORDINGS, SETTINGS, TRANSCRIPTS
from api.problems import wrong_field
from schemas.jobs import Job, Status
from schemas.pipeline import PIPELINES, READ_ORIGINAL, JobType
from schemas.problems import Problem
from schemas.recordings import Recording, RecordingKind, RecordingStatus
from schemas.requests import JobRequest
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost

_YOUNGER_SECONDS = 0.3
"""What a job that has seen an older one of the same kind needs to withdraw."""
_MOST_JOBS = 1000
"""How many jobs a recording may have in its life: all of them are looked at for each new one, and by its deletion."""


async def order(app: web.Application, recording: Recording, asked: JobRequest) -> Job:
    """Makes the job and starts it.

    Raises Problem not_ready, job_running, too_many_jobs, original_expired; invalid_field for work that makes no sense
    with it, not_found for a recording that is deleted.
    """
    if asked.job_type not in recording.possible_work:
        raise wrong_field("job_type", f"is no work on a {recording.kind}")
    if len(recording.every_job_id) >= _MOST_JOBS:
        raise Problem("too_many_jobs", f"This recording has had {_MOST_JOBS} jobs: it gets no more.")
    others = await app[JOBS].get_many(recording.every_job_id)
    await _expect_ready(app, recording, asked.job_type, others)
    job = _new(app, recording, asked)
    _expect_free(others, job)
    await app[RECORDINGS].note_job(recording, job.id)
    await app[JOBS].create(job)
    try:
        await _expect_there(app, job, recording)
        await _expect_alone(app, job)
    except Problem:
        await app[JOBS].delete(job.id)
        raise
    await settle(app, job)
    return job


def _new(app: web.Application, recording: Recording, asked: JobRequest) -> Job:
    return lifecycle.requested_job(
        recording,
        asked.job_type,
        asked.payload.model_dump(mode="json", exclude_unset=True),
        asked.max_attempts or app[SETTINGS].step_attempts,
        asked.retry_delay_seconds,
        now(),
    )


async def _expect_ready(app: web.Application, recording: Recording, kind: JobType, others: list[Job]) -> None:
    uploaded = recording.status not in (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE)
    if recording.status is RecordingStatus.LIVE or not (uploaded or others):
        raise Problem("not_ready", "The upload is not complete yet.")
    _expect_media(recording, {plan.stage for plan in PIPELINES[kind]}, None)
    if kind is JobType.ANALYSIS:
        document = recording.kind is RecordingKind.DOCUMENT
        text = await (app[PAGES] if document else app[TRANSCRIPTS]).outline(recording.id)
        if text is None or not text.complete:
            raise Problem("not_ready", f"There is no whole {'text' if document else 'transcript'} yet.")


def _expect_media(recording: Recording, stages: set[str], heard_at: datetime | None) -> None:
    """Raises Problem original_expired, rendition_expired where stages would read what has gone by a rule of retention.

    `heard_at` is when the audio for speech was made that they would go on from.
    """
    if recording.original_expired_at is not None and stages & READ_ORIGINAL:
        raise Problem("original_expired", "What was uploaded has gone by a rule of retention: this needs it.")
    expired = recording.renditions_expired_at
    if expired is not None and heard_at is not None and heard_at <= expired and "transcribe" in stages:
        raise Problem("rendition_expired", "The audio for speech has gone by a rule of retention: ask for a new job.")


def _expect_free(others: Iterable[Job], job: Job) -> None:
    """Raises Problem job_running where another job that has not ended has a step that this one is to do."""
    for rival in _rivals(others, job):
        raise Problem("job_running", f"The job {rival.id} is at it already.")


def _rivals(others: Iterable[Job], job: Job) -> list[Job]:
    todo = {step.name for step in job.steps if step.status is not Status.COMPLETED}
    unended = (other for other in others if other.id != job.id and not other.status.ended)
    return [other for other in unended if todo & {step.name for step in other.steps}]


async def _expect_alone(app: web.Application, job: Job) -> None:
    """Of two jobs that are made for the same work at the same moment, the older stays."""
    rivals = _rivals(await _beside(app, job), job)
    if rivals and all(rival.id > job.id for rival in rivals):
        await asyncio.sleep(_YOUNGER_SECONDS)
        rivals = await _beside(app, job)
    _expect_free(rivals, job)


async def _beside(app: web.Application, job: Job) -> list[Job]:
    """The jobs of the job's recording. Raises Problem not_found where that was deleted: see stores/deletion."""
    recording = await app[RECORDINGS].get_owned(job.owner_id, job.recording_id)
    if recording is None:
        raise Problem("not_found", "The recording was deleted meanwhile.")
    return await app[JOBS].get_many(recording.every_job_id)


async def resume(app: web.Application, job: Job) -> Job:
    """Sets a job going again at the steps without a result.

    Raises Problem job_running, job_ended, not_found; original_expired, rendition_expired where it needs what has gone.
    """
    if job.status is Status.COMPLETED:
        raise Problem("job_ended", "The job has completed: there is nothing to be tried again.")
    recording = await _expect_resumable(app, job)
    if recording is not None and recording.status is RecordingStatus.LIVE:
        raise Problem("job_running", "The recording is still being made: it can be tried again once that has ended.")
    _expect_free(await _beside(app, job), job)
    try:
        job, _ = await app[JOBS].change(job.id, lambda job: lifecycle.retry(job, now()), known=job)
    except lifecycle.Refused as error:
        raise Problem("job_running", "The job has not ended: it is under way.") from error
    except LeaseLost as error:
        raise _gone() from error
    if recording is not None:  # retention that has seen the job ended finds another revision
        await app[RECORDINGS].note_job(recording, job.id)
    app[PROGRESS].tell(job)
    await settle(app, job)
    return job


async def _expect_there(app: web.Application, job: Job, recording: Recording) -> None:
    """Raises Problem original_expired, rendition_expired where what it needs went while the job was being made.

    The job is noted again first: retention that has looked at jobs before this one was made finds another revision.
    """
    await app[RECORDINGS].note_job(recording, job.id)
    await _expect_resumable(app, job)


async def _expect_resumable(app: web.Application, job: Job) -> Recording | None:
    """The job's recording; None where there is none. Raises Problem original_expired, rendition_expired."""
    recording = await app[RECORDINGS].get_owned(job.owner_id, job.recording_id)
    if recording is not None:
        todo = {step.name for step in job.steps if step.status is not Status.COMPLETED}
        heard = [step.finished_at for step in job.steps if step.name == "audio" and step.name not in todo]
        _expect_media(recording, todo, heard[0] if heard else None)
    return recording


async def stop(app: web.Application, job: Job) -> Job:
    """Cancels what has not ended of the job; a cancelled one stays so. Raises Problem job_ended, not_found."""
    if job.status is not Status.CANCELLED:
        try:
            job, _ = await app[JOBS].change(job.id, _cancel, known=job)
        except LeaseLost as error:
            raise _gone() from error
    app[PROGRESS].tell(job)
    await settle(app, job)
    return job


def _cancel(job: Job) -> None:
    if job.status in (Status.COMPLETED, Status.FAILED):
        raise Problem("job_ended", f"The job has {job.status} already.")
    lifecycle.cancel(job, now())


def _gone() -> Problem:
    return Problem("not_found", "There is no such job.")
