"""The end of a resumable upload: what came becomes an object, is looked at, and is taken in.

A repeat is harmless, and goes on wherever an earlier one broke off.
"""

from contextlib import nullcontext

import structlog
from aiohttp import web

from api.intake import accept, examine, settle
from api.keys import ADMISSION, ASSEMBLY, DELETION, JOBS, RECORDINGS
from schemas.problems import Problem
from schemas.recordings import Recording
from stores.resumable import Arrival, Gone, Moved

log = structlog.get_logger(__name__)

_TRIES = 3
_COMPLETE = {"vanished_at": None}
"""Its recorder has said that this is all."""
_REFUSED = ("unsupported_media", "size_mismatch", "too_large")


async def finish(app: web.Application, upload: Arrival) -> None:
    """Takes in an upload of which everything is there. Raises Problem when it cannot be; then nothing is left of it.

    While the queue has no place for it, it is left to the reconciler: the client has done its part. Raises Gone, Moved.
    """
    recording = await app[RECORDINGS].get(upload.id)
    if recording is None:
        raise Gone(upload.id)
    recording = recording.model_copy(update={"size_bytes": upload.length})
    job = await app[JOBS].get(recording.job_id)
    if job is not None and not job.live:
        await settle(app, job)
    elif not await _sealed(app, upload) or not await _taken_in(app, recording, placed=job is not None):
        return
    await app[ASSEMBLY].end(upload)


async def _sealed(app: web.Application, upload: Arrival) -> bool:
    """Makes the object appear; False when somebody else has done so, and taken it in."""
    for _ in range(_TRIES):
        try:
            await app[ASSEMBLY].seal(upload)
        except Moved:
            found = await app[ASSEMBLY].arrivals.get(upload.id)
            if found is None:
                return False
            upload = found
        else:
            return True
    raise Moved(f"{upload.id} is being put together by somebody else")


async def _taken_in(app: web.Application, recording: Recording, *, placed: bool) -> bool:
    """Whether there was a place for its job, unless it has one already."""
    try:
        stored = await examine(app, recording)
        updated = await app[RECORDINGS].update_owned(recording.owner_id, recording.id, stored.fields() | _COMPLETE)
        if updated is None:
            raise Gone(recording.id)
        async with nullcontext() if placed else app[ADMISSION].place(recording.owner_id):
            await accept(app, updated)
    except Problem as problem:
        if problem.entry.code == "queue_full":
            log.info("an upload waits for a place in the queue", recording_id=recording.id)
            return False
        if problem.entry.code in _REFUSED:
            await app[DELETION].destroy(recording)
        raise
    return True
