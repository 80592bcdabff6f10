"""Jobs: their state, and their news as an event stream and as a websocket."""

import asyncio

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp_sse import EventSourceResponse

from api.keys import CALLER, JOBS, METRICS, PROGRESS
from api.slots import Slot, frame_of
from schemas.jobs import Job, JobView, view
from schemas.problems import Problem

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 20.0
"""A watcher that does not take what it is sent for so long is closed."""
_LOOK_SECONDS = 5.0
_CLIENT_MESSAGE_BYTES = 4096


async def _owned(request: web.Request) -> Job:
    job = await request.app[JOBS].get_owned(request[CALLER], request.match_info["id"])
    if job is None:
        raise Problem("not_found", "There is no such job.")
    return job


async def detail(request: web.Request) -> JobView:
    """A job's present state."""
    return view(await _owned(request))


async def events(request: web.Request) -> web.StreamResponse:
    """The job's states as server-sent events: the present one unless Last-Event-ID has it, then every newer one.

    For a job that has ended and whose end the client has seen, the answer is 204: an EventSource stops at that.
    """
    with request.app[PROGRESS].subscribed(request.match_info["id"]) as slot:
        job = await _owned(request)
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
    async with stream:
        while stream.is_connected() and request.transport is not None and not slot.closed:
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
        slot.put(frame_of(await _owned(request)))
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
    """Sends until the job ends, or the client leaves; its messages are read so that its leaving is seen."""
    sending = asyncio.create_task(_send_frames(request, ws, slot))
    reading = asyncio.create_task(_read_on(ws))
    try:
        await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        reading.cancel()
        await asyncio.wait((sending, reading))
    await ws.close(code=WSCloseCode.GOING_AWAY if slot.closed else WSCloseCode.OK)


async def _read_on(ws: web.WebSocketResponse) -> None:
    async for _ in ws:
        pass


async def _send_frames(request: web.Request, ws: web.WebSocketResponse, slot: Slot) -> None:
    while not slot.closed:
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
