"""An upload in parts, as its client sees it: how it is cut, where its parts go, which are there, and joining them."""

from collections.abc import Iterable

from aiohttp import web

from api.keys import OBJECTS, PARTS, SETTINGS
from api.problems import wrong_field
from schemas.multipart import (
    DEFAULT_PART,
    MB,
    MOST_PARTS,
    MultipartComplete,
    MultipartRequest,
    PartAddress,
    PartAddresses,
    PartList,
    PartView,
)
from schemas.parts import Parts
from schemas.problems import FieldProblem, Problem
from schemas.recordings import Recording, RecordingStatus
from stores.multipart import UploadMissing
from stores.parts import StoredPart

_MOST_TOLD = 20
"""How many wrong parts are named."""


def chosen_part_size(body: MultipartRequest) -> int:
    """How large each part is to be. Raises Problem invalid_field for one of which there would be too many."""
    least = -(-body.file_size // MOST_PARTS)
    if body.part_size is None:
        return max(DEFAULT_PART, -(-least // MB) * MB)
    if body.part_size < least:
        raise wrong_field("part_size", f"at least {least}: an upload has {MOST_PARTS} parts at most")
    return body.part_size


def parts_of(recording: Recording) -> Parts:
    """How the upload is cut. Raises Problem upload_ended for one that is not in parts."""
    if recording.parts is None:
        raise Problem("upload_ended", "This recording is not uploaded in parts.")
    return recording.parts


def expect_open(recording: Recording) -> None:
    """Raises Problem upload_ended unless parts are still awaited."""
    parts_of(recording)
    if recording.status is not RecordingStatus.AWAITING_UPLOAD:
        raise ended()


def ended() -> Problem:
    """The problem of an upload that takes no more parts."""
    return Problem("upload_ended", "The upload takes no more parts: it was completed or thrown away.")


def addresses(app: web.Application, recording: Recording, numbers: Iterable[int]) -> PartAddresses:
    """Where to PUT the parts of those numbers."""
    seconds, parts = app[SETTINGS].presigned_url_seconds, parts_of(recording)
    urls = (
        PartAddress(
            number=number,
            size_bytes=parts.size_of(number, recording.size_bytes),
            url=app[PARTS].presign(recording.object_key, parts.upload_id, number, seconds),
        )
        for number in numbers
    )
    return PartAddresses(id=recording.id, expires_in=seconds, urls=tuple(urls))


async def stored_parts(app: web.Application, recording: Recording) -> PartList:
    """The parts that the store has. Raises Problem upload_ended where it knows nothing of the upload any more."""
    parts = parts_of(recording)
    try:
        found = await app[PARTS].listed(recording.object_key, parts.upload_id)
    except UploadMissing as error:
        raise ended() from error
    items = tuple(PartView(number=part.number, size_bytes=part.size_bytes, etag=part.etag) for part in found)
    count = parts.count(recording.size_bytes)
    return PartList(id=recording.id, part_size=parts.part_size, parts=count, items=items)


async def join(app: web.Application, recording: Recording, body: MultipartComplete) -> None:
    """Makes one object of the parts, if that is not done yet. Raises Problem parts_mismatch, object_missing."""
    parts, key = parts_of(recording), recording.object_key
    if await app[OBJECTS].stat(key) is not None:  # joined by somebody who did not get further
        return
    try:
        found = await app[PARTS].listed(key, parts.upload_id)
        await app[PARTS].complete(key, parts.upload_id, _expect_all(recording, found, body))
    except (UploadMissing, Problem) as error:
        if await app[OBJECTS].stat(key) is not None:  # somebody else has joined them meanwhile: the parts are gone
            return
        if isinstance(error, Problem):
            raise
        raise Problem("object_missing", "The upload was thrown away.") from error


def _expect_all(recording: Recording, found: list[StoredPart], body: MultipartComplete) -> list[StoredPart]:
    """The parts to be joined, in order. Raises Problem parts_mismatch, which names those that are not right."""
    parts, told = parts_of(recording), {part.number: part.etag.strip('"') for part in body.parts or ()}
    numbers = range(1, parts.count(recording.size_bytes) + 1)
    chosen: list[StoredPart] = []
    wrong: dict[int, str] = {number: "is one too many" for number in told if number not in numbers}
    for number in numbers:
        there = [part for part in found if part.number == number]
        if body.parts is not None:
            there = [part for part in there if part.etag == told.get(number)]
        if why := _wrong(there, parts.size_of(number, recording.size_bytes)):
            wrong[number] = why
        else:
            chosen.append(there[0])
    if wrong:
        raise _mismatch(wrong)
    return chosen


def _wrong(there: list[StoredPart], size_bytes: int) -> str | None:
    """Why what there is of a part, the newest first, is not to be joined; None where it is."""
    if not there:
        return "is not there, or with another ETag"
    if len(there) > 1 and there[0].sent_at == there[1].sent_at:
        return "was sent twice, with different bytes: say with its ETag which is meant"
    if there[0].size_bytes != size_bytes:
        return f"has {there[0].size_bytes} bytes, {size_bytes} were to come"
    return None


def _mismatch(wrong: dict[int, str]) -> Problem:
    told = sorted(wrong.items())[:_MOST_TOLD]
    fields = tuple(FieldProblem(field=f"parts.{number}", message=why) for number, why in told)
    names = ", ".join(field.field for field in fields)
    return Problem("parts_mismatch", f"Not as they should be: {names}.", fields=fields)
