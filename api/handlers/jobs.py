"""Jobs: asked for, listed, stopped and set going again; their state, and their news as events and over websockets."""

import asyncio

import structlog
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from aiohttp_sse import EventSourceResponse

from api.binding import answer
from api.handlers.projects import project_of
from api.keys import ADMISSION, CALLER, JOBS, METRICS, PROGRESS, RECORDINGS
from api.orders import order, resume, stop
from api.ownership import owned_job, readable_job
from api.paging import page_of
from api.rights import Right
from api.slots import Slot, frame_of
from schemas.jobs import Job, JobView, item, view
from schemas.problems import FieldProblem, Problem
from schemas.recordings import Recording
from schemas.requests import JobQuery, JobRequest, ProjectJobQuery
from schemas.responses import JobAccepted, JobList
from stores.errors import answering

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 20.0
"""A watcher that does not take what it is sent for so long is closed."""
_LOOK_SECONDS = 5.0
_CLIENT_MESSAGE_BYTES = 4096


async def create(request: web.Request, body: JobRequest) -> web.Response:
    """Makes a job on a recording whose upload is complete, and starts it. Location says where the job is.

    Of jobs that do the same work on a recording only one runs at a time.
    """
    recording = await _recording(request, body.payload.recording_id)
    async with request.app[ADMISSION].place(request[CALLER]):
        job = await order(request.app, recording, body)
    return _accepted(job)


async def _recording(request: web.Request, recording_id: str) -> Recording:
    """The caller's recording, in the project that the path names. Raises Problem not_found."""
    recording, project_id = await request.app[RECORDINGS].get_owned(request[CALLER], recording_id), project_of(request)
    if recording is None or project_id not in (None, recording.project_id):
        wrong = FieldProblem(field="payload.recording_id", message="is not the id of a recording here")
        raise Problem("not_found", "There is no such recording.", fields=(wrong,))
    return recording


def _accepted(job: Job) -> web.Response:
    """Says that the work was accepted, and where it can be seen."""
    accepted = JobAccepted(
        id=job.id, status=job.status, job_id=job.id, job_type=job.job_type, recording_id=job.recording_id
    )
    response = answer(accepted, 202)
    response.headers[hdrs.LOCATION] = f"/api/v1/jobs/{job.id}"
    return response


async def index(request: web.Request, query: JobQuery) -> JobList:
    """The caller's jobs, newest first, a page at a time."""
    return await _page(request, query, query.project_id)


async def of_project(request: web.Request, query: ProjectJobQuery) -> JobList:
    """The caller's jobs in a project, newest first, a page at a time."""
    return await _page(request, query, project_of(request))


async def _page(request: web.Request, query: ProjectJobQuery, project_id: str | None) -> JobList:
    async with answering():
        found = await request.app[JOBS].list_owned(
            request[CALLER],
            limit=query.limit + 1,
            before=query.cursor,
            project_id=project_id,
            statuses=query.status,
        )
    page, next_cursor = page_of(found, query.limit)
    return JobList(
        items=tuple(item(job) for job in page),
        next_cursor=next_cursor,
    )


async def detail(request: web.Request) -> JobView:
    """A job's present state."""
    return view(await readable_job(request))


async def cancel(request: web.Request) -> JobView:
    """Ends the job's steps that have not ended, wherever they run; what is done stays. A repeat is harmless."""
    return view(await stop(request.app, await owned_job(request)))


async def retry(request: web.Request) -> web.Response:
    """Sets a failed or cancelled job going again, at the steps that have no result; nothing is uploaded again."""
    job = await owned_job(request)
    async with request.app[ADMISSION].place(request[CALLER]):
        job = await resume(request.app, job)
    return _accepted(job)


async def events(request: web.Request) -> web.StreamResponse:
    """The job's states as server-sent events: the present one unless Last-Event-ID has it, then every newer one.

    For a job that has ended and whose end the client has seen, the answer is 204: an EventSource stops at that.
    """
    with request.app[PROGRESS].subscribed(request.match_info["id"]) as slot:
        job = await readable_job(request)
        slot.seen = last_seen(request.headers.get("Last-Event-ID"), job.version)
        if job.status.ended and slot.seen == job.version:
            return web.Response(status=204)
        slot.put(frame_of(job))
        stream = EventSourceResponse(ping_interval=HEARTBEAT_SECONDS, send_timeout=STALL_SECONDS, sep="\n")
        await stream.prepare(request)
        with request.app[METRICS].watchers.labels("sse").track_inprogress():
            await _send_events(request, stream, slot)
        return stream


def last_seen(header: str | None, version: int) -> int:
    """The version that a Last-Event-ID stands for; 0 for none, and for what this job has never sent."""
    if header is None or not (header.isascii() and header.isdigit()) or len(header) > 15:
        return 0
    return int(header) if int(header) <= version else 0


async def _send_events(request: web.Request, stream: EventSourceResponse, slot: Slot) -> None:
    right = Right(request)
    async with stream:
        while stream.is_connected() and request.transport is not None and not slot.closed and await right.lasts():
            frame = await slot.take(_LOOK_SECONDS)
            if frame is None:
                continue
            try:
                await stream.send(frame.body.decode(), id=str(frame.version))
            except TimeoutError:
                request.app[METRICS].stalled.inc()
                return
            if frame.ended:
                return


async def socket(request: web.Request) -> web.StreamResponse:
    """The job's states over a websocket: the present one first, then every newer one; closes after the last."""
    with request.app[PROGRESS].subscribed(request.match_info["id"]) as slot:
        slot.put(frame_of(await readable_job(request)))
        ws = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, compress=False, max_msg_size=_CLIENT_MESSAGE_BYTES)
        if not _upgrades(ws, request):
            raise Problem("invalid_request", "This address is a websocket.")
        await ws.prepare(request)
        with request.app[METRICS].watchers.labels("websocket").track_inprogress():
            await _converse(request, ws, slot)
        return ws


def _upgrades(ws: web.WebSocketResponse, request: web.Request) -> bool:
    try:
        return ws.can_prepare(request).ok
    except ValueError:  # a key that is not even ASCII
        return False


async def _converse(request: web.Request, ws: web.WebSocketResponse, slot: Slot) -> None:
    """Sends until the job ends, the client leaves or may not read it any more.

    Its messages are read so that its leaving is seen.
    """
    right = Right(request)
    sending = asyncio.create_task(_send_frames(request, ws, slot, right))
    reading = asyncio.create_task(_read_on(ws))
    try:
        await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        reading.cancel()
        await asyncio.wait((sending, reading))
    refused = WSCloseCode.POLICY_VIOLATION if right.ended else WSCloseCode.OK
    await ws.close(code=WSCloseCode.GOING_AWAY if slot.closed else refused)


async def _read_on(ws: web.WebSocketResponse) -> None:
    async for _ in ws:
        pass


async def _send_frames(request: web.Request, ws: web.WebSocketResponse, slot: Slot, right: Right) -> None:
    while not slot.closed and await right.lasts():
        frame = await slot.take(_LOOK_SECONDS)
        if frame is None:
            continue
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await ws.send_frame(frame.body, WSMsgType.TEXT)
        except TimeoutError:
            return _cut_off(request)
        except ConnectionError:
            return None  # the client has left
        if frame.ended:
            return None
    return None


def _cut_off(request: web.Request) -> None:
    log.info("a watcher stalled", path=request.path)
    request.app[METRICS].stalled.inc()
    if request.transport is not None:
        request.transport.abort()
