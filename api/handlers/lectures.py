"""Lectures: downloads that people share. Their recordings are read by the routes of recordings."""

from aiohttp import hdrs, web

from api import views
from api.access import is_admin
from api.binding import answer
from api.keys import CALLER, JOBS, LECTURES, SETTINGS, TRANSCRIPTS
from api.lectures import let_go, take_in
from api.ownership import linked
from api.paging import page_of
from schemas.lectures import (
    LectureAccepted,
    LectureList,
    LectureQuery,
    LectureRequest,
    LectureState,
    LectureView,
)
from schemas.problems import Problem


async def download(request: web.Request, body: LectureRequest) -> web.Response:
    """Links the lecture to the caller, and downloads it unless that was done. Every repeat finds the same lecture.

    One that failed is tried again, from the address that is named now. Location says where it is.
    """
    recording = await take_in(request.app, request[CALLER], body)
    accepted = LectureAccepted(id=recording.id, status=views.lecture_status(recording), job_id=recording.job_id)
    response = answer(accepted, 202)
    response.headers[hdrs.LOCATION] = f"/api/v1/lectures/{recording.id}"
    return response


async def index(request: web.Request, query: LectureQuery) -> LectureList:
    """The lectures that the caller is linked to, newest first, a page at a time."""
    found = await request.app[LECTURES].list_linked(
        request[CALLER], limit=query.limit + 1, before=query.cursor, course_id=query.course_id
    )
    page, next_cursor = page_of(found, query.limit)
    return LectureList(
        items=tuple(views.lecture_item(recording, request[CALLER]) for recording in page), next_cursor=next_cursor
    )


async def development(request: web.Request, query: LectureQuery) -> LectureList:
    """As the list of lectures; there only where DEV_ROUTES_ENABLED is set."""
    if not request.app[SETTINGS].dev_routes_enabled:
        raise Problem("not_found", "There is no such address.")
    return await index(request, query)


async def detail(request: web.Request) -> LectureView:
    """A lecture, with what is ready of it."""
    recording = await linked(request)
    return views.lecture(recording, request[CALLER], await request.app[TRANSCRIPTS].outline(recording.id))


async def state(request: web.Request) -> LectureState:
    """How far the lecture is, and why it failed."""
    recording = await linked(request)
    return views.lecture_state(recording, await request.app[JOBS].get(recording.job_id))


async def delete(request: web.Request) -> None:
    """Takes the caller's link to the lecture away. With the last one, or for an administrator, all of it goes."""
    await let_go(request.app, request[CALLER], request.match_info["id"], admin=is_admin(request))
