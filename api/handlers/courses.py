"""Courses: made, listed with counts, changed, deleted. What a course holds are recordings: see there."""

from aiohttp import web

from api import folders
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

_COURSE = FolderKind.COURSE


async def index(request: web.Request, query: FolderQuery) -> FolderList:
    """The caller's courses with what is in each, newest first, a page at a time."""
    return await folders.listed(request, _COURSE, query)


async def create(request: web.Request, body: FolderNew) -> FolderView:
    """Makes a course, under the id that is given or one that is made."""
    return await folders.create(request, _COURSE, body)


async def detail(request: web.Request) -> FolderView:
    """A course with its sections, and how much is in each."""
    return await folders.detail(request, folder_id(request), _COURSE)


async def change(request: web.Request, body: FolderChange) -> FolderView:
    """Changes a course; what is in a section that goes stays in the course."""
    return await folders.change(request, folder_id(request), _COURSE, body)


async def remove(request: web.Request, query: FolderRemoval) -> FolderGone:
    """Deletes a course: an empty one, or with `contents` one whose recordings go along or stay without it."""
    return await folders.remove(request, folder_id(request), _COURSE, query)


def folder_id(request: web.Request) -> str:
    """The course that the path names."""
    return request.match_info["course_id"]
