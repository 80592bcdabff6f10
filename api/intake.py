"""From bytes that are stored to work that is accepted: the same end for every door that a recording comes in by.

Accepted means durable: the job's document is written. If Kafka or the rest is away after that, the answer is the same,
and the sweeper of the workers publishes what is owed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from api.keys import JOBS, METRICS, OUTBOX, SETTINGS
from api.signatures import Kind, looks_like, recognise
from schemas.events import RecordingUploaded, event_id
from schemas.jobs import Job
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.time import now
from stores import lifecycle
from stores.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_KAFKA_SECONDS = 2.0


def expect_media(head: bytes) -> Kind:
    """What a file is that begins so. Raises Problem unsupported_media unless it is sound or picture in time."""
    kind = recognise(head)
    if kind is None or not kind.media:
        raise Problem("unsupported_media", f"The file is neither audio nor video: it looks like {_named(head)}.")
    return kind


def _named(head: bytes) -> str:
    found = looks_like(head)
    return "an empty file" if found == "empty" else found


async def accept(app: web.Application, recording: Recording) -> Job:
    """Creates the recording's job and starts it. A repeat finds the same job."""
    assert recording.content_type is not None
    uploaded = RecordingUploaded(
        id=event_id("recording.uploaded", recording.job_id),
        recording_id=recording.id,
        owner_id=recording.owner_id,
        job_id=recording.job_id,
        object_key=recording.object_key,
        content_type=recording.content_type,
        size_bytes=recording.size_bytes,
        source=recording.source,
    )
    new = lifecycle.new_job(recording, uploaded, app[SETTINGS].step_attempts, now())
    job = await app[JOBS].create(new)
    if job is new:
        app[METRICS].uploads_accepted.labels(recording.source).inc()
        log.info("accepted", recording_id=recording.id, job_id=job.id, size_bytes=recording.size_bytes)
    await settle(app, job)
    return job


async def settle(app: web.Application, job: Job) -> None:
    """Pays at once what the job owes, if that can be had within a moment; otherwise leaves it to the sweeper."""
    if not (job.outbox or job.announce):
        return
    try:
        async with promptly():
            await app[OUTBOX].settle(job)
    except StoreUnavailable as error:
        log.warning("left to the sweeper", job_id=job.id, reason=str(error))


@asynccontextmanager
async def promptly() -> AsyncIterator[None]:
    """A limit for what a client waits for: raises StoreUnavailable when Kafka does not take something in time."""
    try:
        async with asyncio.timeout(_KAFKA_SECONDS):
            yield
    except TimeoutError as error:
        raise StoreUnavailable("event log", "no answer in time") from error
