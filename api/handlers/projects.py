"""Projects: a video sent as a form goes to the object store as it arrives, never whole in memory or on disk."""

import asyncio
import re
from pathlib import PurePosixPath

import structlog
from aiohttp import web

from api.forms import Incoming, incoming
from api.handlers.uploads import expect_size
from api.intake import accept, expect_media
from api.keys import CALLER, METRICS, OBJECTS, RECORDINGS, SETTINGS
from api.problems import wrong_field
from api.signatures import HEAD_BYTES, Kind
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.requests import PROJECT_ID, bare_filename
from schemas.responses import VideoAccepted
from schemas.time import now
from stores import keys
from stores.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_AROUND_BYTES = 1024 * 1024
"""What a form may have around its file."""


async def upload_video(request: web.Request) -> VideoAccepted:
    """Stores the form's `file` as a recording of the project and starts its processing."""
    project_id, settings = _project_id(request), request.app[SETTINGS]
    expect_size((request.content_length or 0) - _AROUND_BYTES, settings)
    file = await incoming(request, "file", settings.max_upload_bytes)
    kind = expect_media(await file.head(HEAD_BYTES))
    announced = _recording(request[CALLER], project_id, file.filename, kind)
    recording = await _store(request.app, file, announced)
    job = await accept(request.app, recording)
    return VideoAccepted(
        id=recording.id,
        job_id=job.id,
        asset_id=recording.id,
        filename=f"{recording.id}.{kind.ending}",
        original_filename=recording.filename,
        size_bytes=recording.size_bytes,
        project_id=project_id,
    )


def _project_id(request: web.Request) -> str:
    project_id = request.match_info["project_id"]
    if not re.fullmatch(PROJECT_ID, project_id):
        raise wrong_field("project_id", "letters, digits, dots, hyphens and underscores, at most 64")
    return project_id


def _recording(owner_id: str, project_id: str, filename: str, kind: Kind) -> Recording:
    recording_id, created = new_id(), now()
    name = bare_filename(filename) or f"recording.{kind.ending}"
    return Recording(
        id=recording_id,
        owner_id=owner_id,
        project_id=project_id,
        job_id=new_id(),
        title=PurePosixPath(name).stem[:200],
        filename=name,
        source=Source.MULTIPART,
        size_bytes=0,
        object_key=keys.original(recording_id),
        content_type=kind.content_type,
        created_at=created,
        updated_at=created,
    )


async def _store(app: web.Application, file: Incoming, recording: Recording) -> Recording:
    """Stores the document, then the bytes: so bytes never lie there unknown. On any error neither is left."""
    await app[RECORDINGS].create(recording)
    try:
        await _receive(app, file, recording)
        fields = {"size_bytes": file.size_bytes}
        stored = await app[RECORDINGS].update_owned(recording.owner_id, recording.id, fields)
        if stored is None:
            raise Problem("not_found", "The recording was deleted meanwhile.")
    except BaseException:
        await asyncio.shield(_forget(app, recording))
        raise
    return stored


async def _receive(app: web.Application, file: Incoming, recording: Recording) -> None:
    assert recording.content_type is not None
    async with app[OBJECTS].upload(recording.object_key, recording.content_type) as upload:
        async for chunk in file.chunks():
            app[METRICS].upload_bytes.inc(len(chunk))
            await upload.write(chunk)


async def _forget(app: web.Application, recording: Recording) -> None:
    try:
        await app[OBJECTS].delete(recording.object_key)
        await app[RECORDINGS].delete_owned(recording.owner_id, recording.id)
    except StoreUnavailable as error:
        log.warning("an upload's remains could not be removed", recording_id=recording.id, reason=str(error))
