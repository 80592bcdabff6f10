"""The presigned doors: a client asks for an address, or one a part, puts the bytes there, and says that they are."""

from aiohttp import web

from api.announcing import described, write_down
from api.intake import accept, examine, expect_size, settle
from api.keys import ADMISSION, CALLER, DELETION, JOBS, OBJECTS, PARTS, RECORDINGS, SETTINGS
from api.ownership import owned
from api.parts import addresses, chosen_part_size, ended, expect_open, join, parts_of, stored_parts
from api.problems import wrong_field
from schemas.jobs import Job
from schemas.multipart import (
    FIRST_ADDRESSES,
    MultipartAddress,
    MultipartComplete,
    MultipartRequest,
    PartAddresses,
    PartList,
    PartsWanted,
)
from schemas.parts import Parts
from schemas.problems import Problem
from schemas.recordings import Recording, RecordingStatus, Source
from schemas.requests import UploadComplete, UploadRequest
from schemas.responses import Accepted, UploadAddress


async def request_upload(request: web.Request, body: UploadRequest) -> UploadAddress:
    """Makes a recording that awaits its bytes, and the address to put them."""
    settings = request.app[SETTINGS]
    expect_size(body.file_size, settings)
    await request.app[ADMISSION].expect_room(request[CALLER])
    recording = described(request[CALLER], Source.PRESIGNED, body, body.file_size)
    async with request.app[ADMISSION].upload(request[CALLER]):
        await write_down(request.app, recording)
    seconds = settings.presigned_url_seconds
    return UploadAddress(
        id=recording.id,
        upload_url=request.app[OBJECTS].presign_put(recording.object_key, seconds),
        s3_key=recording.object_key,
        expires_in=seconds,
        job_id=recording.job_id,
    )


async def upload_complete(request: web.Request, body: UploadComplete) -> Accepted:
    """Checks what was put and starts its processing. Every repeat answers the same."""
    recording = await owned(request)
    if body.s3_key != recording.object_key:
        raise wrong_field("s3_key", "is not the key of this recording")
    job = await _job_of(request.app, recording) if _tried(recording) else None
    if job is None:
        job = await _take_in(request, recording)
    else:
        await settle(request.app, job)
    return Accepted(id=recording.id, job_id=job.id)


async def request_multipart(request: web.Request, body: MultipartRequest) -> MultipartAddress:
    """Makes a recording that awaits its bytes in parts, and the addresses of the first parts."""
    expect_size(body.file_size, request.app[SETTINGS])
    part_size = chosen_part_size(body)
    await request.app[ADMISSION].expect_room(request[CALLER])
    recording = described(request[CALLER], Source.PRESIGNED, body, body.file_size)
    async with request.app[ADMISSION].upload(request[CALLER]):
        upload_id = await request.app[PARTS].begin(recording.object_key)
        recording = recording.model_copy(update={"parts": Parts(upload_id=upload_id, part_size=part_size)})
        await write_down(request.app, recording)
    first = range(1, min(parts_of(recording).count(recording.size_bytes), FIRST_ADDRESSES) + 1)
    return MultipartAddress(
        **dict(addresses(request.app, recording, first)),
        s3_key=recording.object_key,
        job_id=recording.job_id,
        part_size=part_size,
        parts=parts_of(recording).count(recording.size_bytes),
    )


async def sign_parts(request: web.Request, body: PartsWanted) -> PartAddresses:
    """Addresses for parts that are to be sent, once or again. It is a sign of life: the upload is not given up."""
    recording = await owned(request)
    expect_open(recording)
    if max(body.numbers) > parts_of(recording).count(recording.size_bytes):
        raise wrong_field("numbers", "there are not so many parts")
    if await request.app[RECORDINGS].update_owned(request[CALLER], recording.id, {}) is None:
        raise Problem("not_found", "The recording was deleted meanwhile.")
    return addresses(request.app, recording, dict.fromkeys(body.numbers))


async def list_parts(request: web.Request) -> PartList:
    """The parts that are there, so that an upload that broke off goes on with those that are not."""
    recording = await owned(request)
    expect_open(recording)
    return await stored_parts(request.app, recording)


async def multipart_complete(request: web.Request, body: MultipartComplete) -> Accepted:
    """Checks all parts, makes one object of them and starts its processing. Every repeat answers the same."""
    recording = await owned(request)
    parts_of(recording)
    job = await request.app[JOBS].get(recording.job_id)
    if job is None:
        async with request.app[ADMISSION].place(request[CALLER]):
            await join(request.app, recording, body)
            await accept(request.app, recording, await examine(request.app, recording))
    else:
        await settle(request.app, job)
    return Accepted(id=recording.id, job_id=recording.job_id)


async def multipart_abort(request: web.Request) -> None:
    """Throws away an upload in parts that is not complete, and its recording with it."""
    recording = await owned(request)
    expect_open(recording)
    if await request.app[JOBS].get(recording.job_id) is not None:
        raise ended()
    await request.app[DELETION].destroy(recording)


def _tried(recording: Recording) -> bool:
    """Whether somebody has completed the upload before: the recording of most says that nobody has."""
    return recording.etag is not None or recording.status is not RecordingStatus.AWAITING_UPLOAD


async def _job_of(app: web.Application, recording: Recording) -> Job | None:
    return await app[JOBS].get(recording.job_id)


async def _take_in(request: web.Request, recording: Recording) -> Job:
    app = request.app
    try:
        async with app[ADMISSION].place(request[CALLER]):
            return await accept(app, recording, await examine(app, recording))
    except Problem:
        if (job := await _job_of(app, recording)) is None:
            raise
    await settle(app, job)  # it was made by somebody who died before the recording said so
    return job
