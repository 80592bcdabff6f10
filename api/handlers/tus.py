"""The resumable door: tus 1.0.0 with creation, deferred length, expiration, termination and checksums.

An upload is a recording that awaits its bytes, under the same id; when the last byte has come it is taken in like any
other. What is left to be done for one whose bytes are all there is done by whoever asks next: a repeated PATCH, a HEAD,
or the reconciler.
"""

import structlog
from aiohttp import hdrs, web

from api import tus
from api.checksums import Checksum
from api.coming import announce, told
from api.finishing import finish
from api.intake import expect_media, expect_size
from api.keys import ASSEMBLY, CALLER, DELETION, RECEPTIONS, RECORDINGS, REOPENINGS, SETTINGS
from api.ownership import owned, owned_upload
from schemas.problems import Problem
from schemas.recordings import Source
from schemas.time import now
from stores.recordings import WITHOUT_BYTES
from stores.resumable import Arrival, Gone, Held
from stores.resumable.arrival import declare

log = structlog.get_logger(__name__)


async def discover(request: web.Request) -> web.Response:
    """What of tus is spoken here."""
    headers = {
        tus.VERSIONS: tus.VERSION,
        tus.EXTENSION: tus.EXTENSIONS,
        tus.MAX_SIZE: str(request.app[SETTINGS].max_upload_bytes),
        tus.ALGORITHMS: tus.CHECKSUMS,
    }
    return _answer(204, headers)


async def create(request: web.Request) -> web.Response:
    """Makes a recording that awaits its bytes, and takes those in that came along. Its address is in Location."""
    tus.expect_version(request.headers)
    length, metadata = tus.length_of_new(request.headers), tus.metadata_of(request.headers)
    check = tus.checksum_of(request.headers)
    if length == 0:
        expect_media(b"")
    expect_size(length or 0, request.app[SETTINGS])
    said = request.headers.get(tus.METADATA, "")
    upload, _ = await announce(request.app, request[CALLER], Source.TUS, metadata, length=length, said=said)
    if request.content_type == tus.CONTENT_TYPE and request.body_exists:
        with told():
            upload = await _received(request, upload, check)
    location = {hdrs.LOCATION: f"{request.path.rstrip('/')}/{upload.id}"}
    return _answer(201, location | _progress(upload))


async def state(request: web.Request) -> web.Response:
    """How far the upload has come. What lies between its last byte and its job is made up for."""
    tus.expect_version(request.headers)
    with told():
        if await owned_upload(request, known=True):
            await request.app[RECEPTIONS].calm(request.match_info["id"])
        found = await owned_upload(request)
        if found is None:
            return await _state_of_ended(request)
        _expect_alive(found)
        if found.whole:
            await finish(request.app, found)
    length = {tus.DEFER: "1"} if found.length is None else {tus.LENGTH: str(found.length)}
    metadata = {tus.METADATA: found.metadata} if found.metadata else {}
    return _answer(200, _progress(found) | length | metadata)


async def _state_of_ended(request: web.Request) -> web.Response:
    """An upload that has become a recording is all there, unless it was closed and may go on."""
    recording = await owned(request)
    if not recording.resumable or recording.status in WITHOUT_BYTES:
        raise Problem("not_found", "There is no such upload.")
    size = str(recording.size_bytes)
    length = {tus.DEFER: "1"} if request.app[REOPENINGS].may_go_on(recording) else {tus.LENGTH: size}
    return _answer(200, {tus.OFFSET: size} | length)


async def receive(request: web.Request) -> web.Response:
    """Takes in bytes that follow the offset. What is answered is durable; with the last byte the work begins."""
    tus.expect_version(request.headers)
    if request.content_type != tus.CONTENT_TYPE:
        raise Problem("wrong_content_type", f"Send the bytes as {tus.CONTENT_TYPE}.")
    offset, check = tus.offset_of(request.headers), tus.checksum_of(request.headers)
    length = tus.length_of(request.headers)
    with told():
        if await owned_upload(request, known=True):
            await request.app[RECEPTIONS].admit(request.match_info["id"])
        elif await _was_all(request, offset, length):
            return _answer(204, {tus.OFFSET: str(offset)})
        found = await _declared(request, await _at(request, offset), length)
        return _answer(204, _progress(await _received(request, found, check)))


async def _at(request: web.Request, offset: int) -> Arrival:
    """The caller's upload. Raises Problem where it is not at that offset, Held where somebody else is sending."""
    found = await owned_upload(request, known=True)
    if found is None or found.offset != offset or found.holder:
        found = await owned_upload(request)
    if found is None:
        found = await _reopened(request, offset)
    _expect_alive(found)
    if found.held_until and found.held_by_other("", now()):
        raise Held(found.held_until)
    if found.offset != offset:
        raise Problem("wrong_offset", f"The upload is at {found.offset}, not at {offset}.")
    return found


async def _was_all(request: web.Request, offset: int, length: int | None) -> bool:
    """Whether the request says only that a recording which was closed was whole."""
    if length != offset or await owned_upload(request) is not None:
        return False
    recording = await owned(request)
    if not request.app[REOPENINGS].may_go_on(recording) or recording.size_bytes != length:
        return False
    await request.app[RECORDINGS].update_owned(recording.owner_id, recording.id, {"vanished_at": None})
    return True


async def _reopened(request: web.Request, offset: int) -> Arrival:
    """The upload of a recording that was closed since its recorder had vanished. Raises Problem, Gone, Moved."""
    recording = await owned(request)
    if not request.app[REOPENINGS].may_go_on(recording):
        raise await _ended(request)
    if recording.size_bytes != offset:
        raise Problem("wrong_offset", f"The upload is at {recording.size_bytes}, not at {offset}.")
    return await request.app[REOPENINGS].reopen(recording)


async def _ended(request: web.Request) -> Problem:
    recording = await owned(request)
    if not recording.resumable:
        return Problem("not_found", "There is no such upload.")
    return Problem("upload_gone", "The upload has ended; nothing can be added, and as a recording it is deleted.")


def _expect_alive(found: Arrival) -> None:
    if found.expired(now()) and not found.whole:
        raise Problem("upload_gone", "The upload has expired; begin anew.")


async def _declared(request: web.Request, found: Arrival, length: int | None) -> Arrival:
    """The upload with its length, if that is told only now. Raises Problem, Moved."""
    if length is None or length == found.length:
        return found
    if found.length is not None or length < found.offset:
        raise Problem("size_mismatch", "The upload has another length already, or more of it is there.")
    expect_size(length, request.app[SETTINGS])
    declared = await request.app[ASSEMBLY].arrivals.change(found.id, lambda arrival: declare(arrival, length))
    recording = await request.app[RECORDINGS].update_owned(found.owner_id, found.id, {"size_bytes": declared.length})
    if recording is None:
        raise Gone(found.id)
    return declared


async def _received(request: web.Request, found: Arrival, check: Checksum | None) -> Arrival:
    """The upload after the request's body; taken in, if that was the rest of it."""
    size, most = request.content_length, request.app[SETTINGS].max_upload_bytes
    room = (most if found.length is None else found.length) - found.offset
    if (size or 0) > room:
        raise Problem("too_large", f"The upload has room for {room} more bytes.")
    received = await request.app[RECEPTIONS].take(request, found, size=size, most=room, check=check)
    if received.whole:
        await finish(request.app, received)
    return received


async def terminate(request: web.Request) -> web.Response:
    """Ends the upload, and forgets all that came of it."""
    tus.expect_version(request.headers)
    found = await owned_upload(request)
    if found is None:
        raise await _ended(request)
    await request.app[RECEPTIONS].stop(found.id)
    if recording := await request.app[RECORDINGS].stored(found.id):
        await request.app[DELETION].destroy(recording)
    return _answer(204, {})


async def override(request: web.Request) -> web.Response:
    """What the header X-HTTP-Method-Override names, for clients that can only POST: PATCH, DELETE or HEAD."""
    named = request.headers.get(tus.METHOD, "").upper()
    handler = {"PATCH": receive, "DELETE": terminate, "HEAD": state}.get(named)
    if handler is None:
        raise Problem("method_not_allowed", f"Send {tus.METHOD}: PATCH, DELETE or HEAD.")
    return await handler(request)


def _progress(upload: Arrival) -> dict[str, str]:
    return {tus.OFFSET: str(upload.offset), tus.EXPIRES: tus.expires(upload.expires_at)}


def _answer(status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, headers={**headers, hdrs.CACHE_CONTROL: "no-store"})
