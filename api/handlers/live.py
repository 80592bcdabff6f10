"""The recorder's websocket: a recording is sent while it is made, and each chunk is acknowledged once it is durable.

The recorder says in a text what it begins or resumes, then sends the recording's bytes in binary messages of at most
MESSAGE_BYTES, cut wherever it likes; `stop` ends it. Whoever loses the connection resumes at the offset that he is
told. Everything else is as for an upload by tus of unknown length (api/handlers/tus), under the same id.
"""

from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from api.binding import count
from api.coming import announce, told
from api.finishing import finish
from api.keys import ASSEMBLY, CALLER, METRICS, RECEPTIONS, RECORDERS, RECORDINGS, REOPENINGS, SETTINGS
from api.problems import wrong_fields
from api.recorders import MESSAGE_BYTES, Left, Recorder
from api.rights import Right
from api.websockets import opened
from schemas.failures import Retryable
from schemas.live import LiveState, RecorderOpens, Resume, Stop
from schemas.problems import Problem
from schemas.rates import RateClass
from schemas.recordings import Recording, Source
from schemas.time import now
from stores.resumable import Arrival, Gone, Moved
from stores.resumable.arrival import close

log = structlog.get_logger(__name__)

_OPENING_SECONDS = 15.0

M = TypeVar("M", bound=BaseModel)


class _Chunk:
    """One message as what bytes come from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def readany(self) -> bytes:
        data, self._data = self._data, b""
        return data


async def record(request: web.Request) -> web.StreamResponse:
    """Takes a recording in while it is made; tells after each message how much of it is durable.

    A message has 256 KiB at most. Whoever sends nothing, or next to nothing, for LIVE_IDLE_SECONDS is sent away.
    """
    with (
        request.app[RECORDERS].place(request[CALLER]),
        request.app[METRICS].watchers.labels("recorder").track_inprogress(),
    ):
        ws = await opened(request, MESSAGE_BYTES)
        recorder = Recorder(ws, Right(request), request.app[SETTINGS].live_idle_seconds)
        try:
            await _take_in(request, recorder)
        except Problem as problem:
            await _refuse(recorder, problem)
        except Retryable as error:
            log.warning("a recorder is sent away", code=error.code, reason=str(error))
            await _refuse(recorder, Problem("store_unavailable", "A part of the service is away; resume in a moment."))
        except (Left, ConnectionError):
            pass
    return ws


async def _take_in(request: web.Request, recorder: Recorder) -> None:
    recording, upload = await _opened(request, recorder)
    await recorder.tell(_state(recording, upload))
    recorder.right = Right(request, partial(_expect_there, request, recording.id))
    while (message := await recorder.hear()).type is not WSMsgType.TEXT:
        await count(request, RateClass.UPLOAD)
        upload = await _added(request, upload, message.data)
        await recorder.tell(_state(recording, upload))
    _read(message, Stop)
    await _end(request, upload)
    await recorder.tell(LiveState(type="ended", id=recording.id, job_id=recording.job_id, offset=upload.offset))
    await recorder.ws.close()


async def _opened(request: web.Request, recorder: Recorder) -> tuple[Recording, Arrival]:
    """The recording that the first message begins, or goes on with."""
    message = await recorder.hear(_OPENING_SECONDS)
    if message.type is not WSMsgType.TEXT:
        raise Problem("invalid_request", "Say first what is to be recorded, as text.")
    opening = _read(message, RecorderOpens).root
    if isinstance(opening, Resume):
        return await _resumed(request, opening.id)
    upload, recording = await announce(request.app, request[CALLER], Source.WEBSOCKET, opening, length=None, said="")
    return recording, upload


async def _expect_there(request: web.Request, recording_id: str) -> None:
    """Raises Problem not_found once the recording is deleted, or somebody else's."""
    if await request.app[RECORDINGS].get_owned(request[CALLER], recording_id) is None:
        raise Problem("not_found", "There is no such recording.")


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


def _read(message: WSMessage, model: type[M]) -> M:
    try:
        return model.model_validate_json(message.data)
    except ValidationError as error:
        raise wrong_fields(error) from error


def _state(recording: Recording, upload: Arrival) -> LiveState:
    return LiveState(type="offset", id=recording.id, job_id=recording.job_id, offset=upload.offset)


async def _refuse(recorder: Recorder, problem: Problem) -> None:
    with suppress(Left):
        await recorder.tell(LiveState(type="refused", problem=problem.body()))
    await recorder.ws.close(code=WSCloseCode.POLICY_VIOLATION)
