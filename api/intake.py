"""How a request hands stored bytes over to stores/intake, and what a client is told of it.

If Kafka or the rest is away once the job's document is written, the answer is the same, and the sweeper of the workers
publishes what is owed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from aiohttp import web

from api.keys import JOBS, METRICS, OBJECTS, OUTBOX, RECORDINGS, SETTINGS
from schemas.jobs import Job
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.settings import Settings
from stores import intake
from stores.errors import StoreUnavailable, promptly
from stores.intake import RecordingGone, Stored, Unacceptable
from stores.signatures import Kind

log = structlog.get_logger(__name__)


def expect_size(size: int, settings: Settings) -> None:
    """Raises Problem too_large for more than MAX_UPLOAD_SIZE_MB."""
    with _told():
        intake.expect_size(size, settings.max_upload_bytes)


def expect_media(head: bytes) -> Kind:
    """What a file is that begins so. Raises Problem unsupported_media unless it is sound or picture in time."""
    with _told():
        return intake.media_kind(head)


def expect_document(head: bytes) -> Kind:
    """What a file is that begins so. Raises Problem unsupported_media unless it is a PDF."""
    with _told():
        return intake.document_kind(head)


async def examine(app: web.Application, recording: Recording) -> Stored:
    """What was put for the recording. Raises Problem when it is not there, not what was announced, or no media."""
    with _told():
        return await intake.examine(app[OBJECTS], recording, app[SETTINGS].max_upload_bytes)


async def accept(app: web.Application, recording: Recording, stored: Stored | None = None) -> Job:
    """Creates the recording's job and starts it; see stores/intake. A repeat finds the same job.

    Raises Problem not_found.
    """
    attempts = app[SETTINGS].step_attempts
    try:
        job, new = await intake.accept(app[JOBS], app[RECORDINGS], recording, attempts, stored=stored)
    except RecordingGone as error:
        raise Problem("not_found", "The recording was deleted meanwhile.") from error
    if new:
        app[METRICS].uploads_accepted.labels(recording.source).inc()
    await settle(app, job, whole=not new)
    return job


async def settle(app: web.Application, job: Job, *, whole: bool = True) -> None:
    """Pays at once what the job owes, if that can be had within a moment; otherwise leaves it to the sweeper.

    With `whole` the recording is brought in line too.
    """
    if not (job.outbox or job.announce):
        return
    try:
        async with promptly():
            await app[OUTBOX].settle(job, whole=whole)
    except StoreUnavailable as error:
        log.warning("left to the sweeper", job_id=job.id, reason=str(error))


@contextmanager
def _told() -> Iterator[None]:
    """Tells the client why something is not accepted."""
    try:
        yield
    except Unacceptable as refusal:
        raise Problem(refusal.code, refusal.detail) from refusal
