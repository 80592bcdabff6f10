"""Projects: what they hold and take up, and how it is deleted. A project is there as soon as something is in it."""

import re

from aiohttp import web

from api import folders, views
from api.destroying import destroy_contents, expect_none_on_hold
from api.forms import incoming
from api.intake import accept, expect_media
from api.keys import ADMISSION, CALLER, RECORDINGS, SETTINGS
from api.paging import page_of
from api.problems import wrong_field
from api.receiving import announced_form, expect_length, kept_whole, noted, receive
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
from schemas.requests import PROJECT_ID, VideoQuery
from schemas.responses import StorageFreed, StorageStats, VideoAccepted, VideoList
from stores.signatures import HEAD_BYTES


async def upload_video(request: web.Request) -> VideoAccepted:
    """Stores the form's `file` as a recording of the project and starts its processing."""
    project_id = _project_id(request)
    expect_length(request)
    admission, caller = request.app[ADMISSION], request[CALLER]
    with admission.form(caller):
        async with admission.place(caller):
            return await _take_in(request, project_id)


async def _take_in(request: web.Request, project_id: str) -> VideoAccepted:
    file = await incoming(request, "file", request.app[SETTINGS].max_upload_bytes)
    kind = expect_media(await file.head(HEAD_BYTES))
    announced = announced_form(request[CALLER], file.filename, kind).model_copy(update={"project_id": project_id})
    async with kept_whole(request.app, announced):
        await receive(request.app, file, announced)
        recording = await noted(request.app, announced, {"size_bytes": file.size_bytes})
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


async def videos(request: web.Request, query: VideoQuery) -> VideoList:
    """The caller's recordings in the project, newest first, a page at a time."""
    found = await request.app[RECORDINGS].lists.owned(
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
    return views.storage(await request.app[RECORDINGS].lists.usage(request[CALLER], project_id), project_id)


async def total_stats(request: web.Request) -> StorageStats:
    """What the caller's recordings take up, in every project and in none."""
    return views.storage(await request.app[RECORDINGS].lists.usage(request[CALLER]))
