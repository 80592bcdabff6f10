"""Projects: what they hold and take up, and how it is deleted. A project is there as soon as something is in it.

A video sent as a form goes to the object store as it arrives, never whole in memory or on disk.
"""

import asyncio
import contextlib
import re
import time
from pathlib import PurePosixPath

import structlog
from aiohttp import web

from api import folders, views
from api.destroying import destroy_contents, expect_none_on_hold
from api.forms import Incoming, incoming
from api.intake import accept, expect_media, expect_size
from api.keys import ADMISSION, CALLER, METRICS, OBJECTS, RECORDINGS, SETTINGS
from api.paging import page_of
from api.problems import wrong_field
from schemas.folders import (
    FolderChange,
    FolderGone,
    FolderKind,
    FolderList,
    FolderNew,
    FolderQuery,
    FolderRemoval,
    FolderView,
)
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.requests import PROJECT_ID, VideoQuery, bare_filename
from schemas.responses import StorageFreed, StorageStats, VideoAccepted, VideoList
from schemas.time import now
from stores import keys
from stores.errors import StoreUnavailable
from stores.signatures import HEAD_BYTES, Kind

log = structlog.get_logger(__name__)

_AROUND_BYTES = 1024 * 1024
"""What a form may have around its file."""
_SIGN_SECONDS = 15.0
"""How often a form that is being received is marked as alive."""


async def upload_video(request: web.Request) -> VideoAccepted:
    """Stores the form's `file` as a recording of the project and starts its processing."""
    project_id, settings = _project_id(request), request.app[SETTINGS]
    expect_size((request.content_length or 0) - _AROUND_BYTES, settings)
    admission, caller = request.app[ADMISSION], request[CALLER]
    with admission.form(caller):
        async with admission.place(caller):
            return await _take_in(request, project_id)


async def _take_in(request: web.Request, project_id: str) -> VideoAccepted:
    file = await incoming(request, "file", request.app[SETTINGS].max_upload_bytes)
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


def project_of(request: web.Request) -> str | None:
    """The project that the path names, if it names one. Raises Problem invalid_field for what cannot be one."""
    return _project_id(request) if "project_id" in request.match_info else None


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
    except BaseException as error:
        await asyncio.shield(_forget(app, recording, error))
        raise
    return stored


async def _receive(app: web.Application, file: Incoming, recording: Recording) -> None:
    assert recording.content_type is not None
    async with app[OBJECTS].upload(recording.object_key, recording.content_type) as upload:
        signed = time.monotonic()
        async for chunk in file.chunks():
            app[METRICS].upload_bytes.inc(len(chunk))
            await upload.write(chunk)
            if time.monotonic() - signed > _SIGN_SECONDS:
                await _sign_of_life(app, recording)
                signed = time.monotonic()


async def _sign_of_life(app: web.Application, recording: Recording) -> None:
    """Says in the document that bytes still come, however slowly: see stores/reconciler. Problem once it is deleted."""
    with contextlib.suppress(StoreUnavailable):
        if await app[RECORDINGS].update_owned(recording.owner_id, recording.id, {}) is None:
            raise Problem("not_found", "The recording was deleted meanwhile.")


async def _forget(app: web.Application, recording: Recording, why: BaseException) -> None:
    """Removes what is there. A store that is away is not asked again: whoever waits for the answer has waited enough.

    An upload that broke off shows nothing; should its end have been taken after all, the reconciler finds the object.
    """
    try:
        if not (isinstance(why, StoreUnavailable) and why.store == "object store"):
            await app[OBJECTS].delete(recording.object_key)
        await app[RECORDINGS].delete_owned(recording.owner_id, recording.id)
    except StoreUnavailable as error:
        log.warning("an upload's remains could not be removed", recording_id=recording.id, reason=str(error))


async def videos(request: web.Request, query: VideoQuery) -> VideoList:
    """The caller's recordings in the project, newest first, a page at a time."""
    found = await request.app[RECORDINGS].list_owned(
        request[CALLER],
        limit=query.limit + 1,
        before=query.cursor,
        status=query.status,
        project_id=_project_id(request),
        title=query.q,
        section_id=query.section_id,
        tag=query.tag,
    )
    page, next_cursor = page_of(found, query.limit)
    return VideoList(
        items=tuple(views.video(recording) for recording in page),
        next_cursor=next_cursor,
    )


async def clear(request: web.Request) -> StorageFreed:
    """Destroys every recording that the caller has in the project at this moment. What broke off can be repeated."""
    owner_id, project_id = request[CALLER], _project_id(request)
    await expect_none_on_hold(request.app, owner_id, project_id)
    freed = await destroy_contents(request.app, owner_id, project_id)
    return StorageFreed(project_id=project_id, recordings=freed.recordings, total_bytes=freed.total_bytes)


async def index(request: web.Request, query: FolderQuery) -> FolderList:
    """The caller's projects with what is in each, newest first, a page at a time."""
    return await folders.listed(request, FolderKind.PROJECT, query)


async def create(request: web.Request, body: FolderNew) -> FolderView:
    """Makes a project, under the id that is given or one that is made."""
    return await folders.create(request, FolderKind.PROJECT, body)


async def detail(request: web.Request) -> FolderView:
    """A project with its sections, and how much is in each."""
    return await folders.detail(request, _project_id(request), FolderKind.PROJECT)


async def change(request: web.Request, body: FolderChange) -> FolderView:
    """Changes a project; what is in a section that goes stays in the project."""
    return await folders.change(request, _project_id(request), FolderKind.PROJECT, body)


async def remove(request: web.Request, query: FolderRemoval) -> FolderGone:
    """Deletes a project: an empty one, or with `contents` one whose recordings go along or stay without it."""
    return await folders.remove(request, _project_id(request), FolderKind.PROJECT, query)


async def stats(request: web.Request) -> StorageStats:
    """What the caller's recordings in the project take up."""
    project_id = _project_id(request)
    return views.storage(await request.app[RECORDINGS].usage(request[CALLER], project_id), project_id)


async def total_stats(request: web.Request) -> StorageStats:
    """What the caller's recordings take up, in every project and in none."""
    return views.storage(await request.app[RECORDINGS].usage(request[CALLER]))
