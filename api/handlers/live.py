"""The recorder's websocket: a recording is sent while it is made, and each chunk is acknowledged once it is durable.

The recorder says in a text what it begins or resumes, then sends the recording's bytes in binary messages of any size;
`stop` ends it. Whoever loses the connection resumes at the offset that he is told. Everything else is as for an upload
by tus of unknown length (api/handlers/tus), under the same id.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from api.coming import announce, told
from api.finishing import finish
from api.keys import ASSEMBLY, CALLER, METRICS, RECEPTIONS, RECORDINGS, REOPENINGS, SETTINGS
from api.problems import wrong_fields
from api.rights import Right
from api.websockets import STALL_SECONDS, opened
from schemas.failures import Retryable
from schemas.live import LiveState, RecorderOpens, Resume, Stop
from schemas.problems import Problem
from schemas.recordings import Recording, Source
from schemas.time import now
from stores.resumable import Arrival, Gone, Moved
from stores.resumable.arrival import close

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 4 * 1024 * 1024
_OPENING_SECONDS = 15.0

M = TypeVar("M", bound=BaseModel)


class _Chunk:
    """One message as what bytes come from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def readany(self) -> bytes:
        data, self._data = self._data, b""
        return data


class _Ended(Exception):
    """The recorder is done, or gone."""


async def record(request: web.Request) -> web.StreamResponse:
    """Takes a recording in while it is made; tells after each message how much of it is durable."""
    ws = await opened(request, _CHUNK_BYTES)
    with request.app[METRICS].watchers.labels("recorder").track_inprogress():
        try:
            await _take_in(request, ws)
        except Problem as problem:
            await _refuse(ws, problem)
        except Retryable as error:
            log.warning("a recorder is sent away", code=error.code, reason=str(error))
            await _refuse(ws, Problem("store_unavailable", "A part of the service is away; resume in a moment."))
        except (_Ended, ConnectionError):
            pass
    return ws


async def _take_in(request: web.Request, ws: web.WebSocketResponse) -> None:
    recording, upload = await _opened(request, ws)
    await _tell(ws, _state(recording, upload))
    right = Right(request)
    while (message := await _received(ws)).type is not WSMsgType.TEXT:
        await right.expect()
        upload = await _added(request, upload, message.data)
        await _tell(ws, _state(recording, upload))
    _read(message, Stop)
    await _end(request, upload)
    await _tell(ws, LiveState(type="ended", id=recording.id, job_id=recording.job_id, offset=upload.offset))
    await ws.close()


async def _opened(request: web.Request, ws: web.WebSocketResponse) -> tuple[Recording, Arrival]:
    """The recording that the first message begins, or goes on with."""
    try:
        message = await asyncio.wait_for(_received(ws), _OPENING_SECONDS)
    except TimeoutError as error:
        raise Problem("request_timeout", "Say first what is to be recorded.") from error
    if message.type is not WSMsgType.TEXT:
        raise Problem("invalid_request", "Say first what is to be recorded, as text.")
    opening = _read(message, RecorderOpens).root
    if isinstance(opening, Resume):
        return await _resumed(request, opening.id)
    upload, recording = await announce(request.app, request[CALLER], Source.WEBSOCKET, opening, length=None, said="")
    return recording, upload


async def _resumed(request: web.Request, recording_id: str) -> tuple[Recording, Arrival]:
    recording = await request.app[RECORDINGS].get_owned(request[CALLER], recording_id)
    if recording is None or not recording.resumable:
        raise Problem("not_found", "There is no such recording.")
    await request.app[RECEPTIONS].calm(recording_id)
    upload = await request.app[ASSEMBLY].arrivals.get(recording_id)
    if upload is None and request.app[REOPENINGS].may_go_on(recording):
        with told():
            upload = await request.app[REOPENINGS].reopen(recording)
        recording = await request.app[RECORDINGS].get_owned(request[CALLER], recording_id) or recording
    if upload is None or (upload.expired(now()) and not upload.whole):
        raise Problem("upload_gone", "The recording has ended; nothing can be added.")
    return recording, upload


async def _added(request: web.Request, upload: Arrival, chunk: bytes) -> Arrival:
    """The upload with the chunk, which is durable."""
    if not chunk:
        return upload
    most = request.app[SETTINGS].max_upload_bytes
    room = (most if upload.length is None else upload.length) - upload.offset
    if len(chunk) > room:
        raise Problem("too_large", f"The upload has room for {room} more bytes.")
    with told():
        return await request.app[RECEPTIONS].take(
            request, upload, size=len(chunk), most=room, check=None, content=_Chunk(chunk)
        )


async def _end(request: web.Request, upload: Arrival) -> None:
    """Takes in what has come. A repeat is harmless."""
    at = now()

    def rule(arrival: Arrival) -> Arrival:
        if arrival.offset != upload.offset:
            raise Moved(f"{arrival.id} is at {arrival.offset}")
        return close(arrival, at, at)

    with told():
        try:
            closed = await request.app[ASSEMBLY].arrivals.change(upload.id, rule)
        except Gone:  # somebody else has brought it to its end
            return
        await finish(request.app, closed)


async def _received(ws: web.WebSocketResponse) -> WSMessage:
    """The next message with something in it. Raises _Ended when the recorder has left."""
    message = await ws.receive()
    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
        raise _Ended
    return message


def _read(message: WSMessage, model: type[M]) -> M:
    try:
        return model.model_validate_json(message.data)
    except ValidationError as error:
        raise wrong_fields(error) from error


def _state(recording: Recording, upload: Arrival) -> LiveState:
    return LiveState(type="offset", id=recording.id, job_id=recording.job_id, offset=upload.offset)


async def _refuse(ws: web.WebSocketResponse, problem: Problem) -> None:
    await _tell(ws, LiveState(type="refused", problem=problem.body()))
    await ws.close(code=WSCloseCode.POLICY_VIOLATION)


async def _tell(ws: web.WebSocketResponse, state: LiveState) -> None:
    """Raises _Ended when the recorder does not take it."""
    try:
        await _in_time(ws.send_str(state.model_dump_json(exclude_none=True)))
    except (TimeoutError, ConnectionError) as error:
        raise _Ended from error


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(STALL_SECONDS):
        await sending
