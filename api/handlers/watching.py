"""The news of jobs: as server-sent events, over a websocket a job, and over one websocket for many."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog
from aiohttp import WSCloseCode, web
from aiohttp_sse import EventSourceResponse

from api.following import Following, state
from api.frames import frame_of
from api.keys import METRICS, PROGRESS
from api.outlets import Outlet
from api.ownership import readable_job
from api.rights import Right
from api.slots import Slot
from api.websockets import HEARTBEAT_SECONDS, STALL_SECONDS, opened
from schemas.jobs import Job
from schemas.pipeline import JobType
from schemas.problems import Problem
from schemas.watching import MESSAGE_BYTES

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 5.0


async def events(request: web.Request) -> web.StreamResponse:
    """The job's states as server-sent events: the present one unless Last-Event-ID has it, then every newer one.

    For a job that has ended and whose end the client has seen, the answer is 204: an EventSource stops at that.
    """
    with request.app[PROGRESS].subscribed(request.match_info["id"]) as slot:
        job = await readable_job(request)
        right = _right(request, job)
        slot.seen = last_seen(request.headers.get("Last-Event-ID"), job.version)
        if job.status.ended and slot.seen == job.version:
            return web.Response(status=204)
        slot.put(frame_of(job))
        stream = EventSourceResponse(ping_interval=HEARTBEAT_SECONDS, send_timeout=STALL_SECONDS, sep="\n")
        await stream.prepare(request)
        with request.app[METRICS].watchers.labels("sse").track_inprogress():
            await _send_events(request, stream, slot, right)
        return stream


def last_seen(header: str | None, version: int) -> int:
    """The version that a Last-Event-ID stands for; 0 for none, and for what this job has never sent."""
    if header is None or not (header.isascii() and header.isdigit()) or len(header) > 15:
        return 0
    return int(header) if int(header) <= version else 0


async def _send_events(request: web.Request, stream: EventSourceResponse, slot: Slot, right: Right) -> None:
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
    job_id, progress = request.match_info["id"], request.app[PROGRESS]
    outlet = Outlet(request)
    outlet.follow(job_id)
    progress.add(job_id, outlet)

    def over() -> bool:
        if outlet.take_gone():
            outlet.close()
        return outlet.ended

    try:
        job = await readable_job(request)
        outlet.put(frame_of(job))
        ws = await opened(request, MESSAGE_BYTES)
        await _converse(request, ws, outlet, _right(request, job), _read_on(ws), over)
    finally:
        progress.remove(job_id, outlet)
    return ws


async def sockets(request: web.Request) -> web.StreamResponse:
    """The states of many jobs over one websocket, as its client subscribes to them: see schemas/watching."""
    outlet = Outlet(request, state)
    ws = await opened(request, MESSAGE_BYTES)
    with request.app[PROGRESS].hosted(outlet), Following(request, outlet) as following:
        right = Right(request, following.look)
        await _converse(request, ws, outlet, right, following.listen(ws, STALL_SECONDS), following.report)
    return ws


def _right(request: web.Request, job: Job) -> Right:
    """Of a lecture it ends with the caller's link to it; any other job stays his, and its deletion is told."""
    return Right(request, partial(readable_job, request) if job.job_type is JobType.LECTURE else _nothing)


async def _nothing() -> None:
    """Has nothing to look at."""


async def _converse(
    request: web.Request,
    ws: web.WebSocketResponse,
    outlet: Outlet,
    right: Right,
    listening: Coroutine[Any, Any, None],
    over: Callable[[], bool],
) -> None:
    """Sends and listens until it is over, the client leaves or stalls, or may not read any more."""
    outlet.open(ws)
    tasks = (asyncio.create_task(_send_on(outlet, right, over)), asyncio.create_task(listening))
    with request.app[METRICS].watchers.labels("websocket").track_inprogress():
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        await _close(request, ws, outlet, right, ended)


async def _send_on(outlet: Outlet, right: Right, over: Callable[[], bool]) -> None:
    while not outlet.closed and not over() and await right.lasts():
        await outlet.flush(_LOOK_SECONDS, STALL_SECONDS)


async def _read_on(ws: web.WebSocketResponse) -> None:
    """Reads what the client says, so that its leaving is seen."""
    async for _ in ws:
        pass


async def _close(
    request: web.Request, ws: web.WebSocketResponse, outlet: Outlet, right: Right, ended: Sequence[BaseException | None]
) -> None:
    """Says why it is over. Raises what neither a stall nor the end explains."""
    errors = [error for error in ended if isinstance(error, Exception)]
    if any(isinstance(error, TimeoutError) for error in errors):
        return _cut_off(request)
    for error in errors:
        if not isinstance(error, Problem):
            raise error
    refused = WSCloseCode.POLICY_VIOLATION if right.ended or errors else WSCloseCode.OK
    await ws.close(code=WSCloseCode.GOING_AWAY if outlet.closed else refused)
    return None


def _cut_off(request: web.Request) -> None:
    log.info("a watcher stalled", path=request.path)
    request.app[METRICS].stalled.inc()
    if request.transport is not None:
        request.transport.abort()
