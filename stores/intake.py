"""From bytes that are stored to work that is accepted: the same end for every door that a recording comes in by.

Accepted means durable: the job's document is written. What is accepted is what the store has at that moment; its ETag
is remembered, since whoever has a presigned URL can still put something else in its place.
"""

from typing import Any

import structlog

from schemas.events import DocumentUploaded, Event, RecordingLive, RecordingUploaded, event_id
from schemas.jobs import Job
from schemas.model import Frozen
from schemas.recordings import Recording, RecordingKind
from schemas.time import now
from stores import lifecycle
from stores.jobs import Jobs
from stores.objects import Objects, ObjectStat
from stores.recordings import Recordings
from stores.signatures import HEAD_BYTES, PDF, Kind, looks_like, recognise

log = structlog.get_logger(__name__)

_MB = 1024 * 1024
_TOLD = ("owner_id", "job_id", "object_key", "content_type", "size_bytes")
"""What either fact of an upload says as the recording's document does."""


class Unacceptable(Exception):
    """What is stored cannot be processed. `code` is stable (see schemas/problems), `detail` is for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class RecordingGone(Exception):
    """The recording was deleted meanwhile; nothing was made for it."""


class Stored(Frozen):
    """What a recording's object is, as the recording's document keeps it."""

    content_type: str
    size_bytes: int
    etag: str

    def fields(self) -> dict[str, Any]:
        """As fields of the recording."""
        return self.model_dump()


def media_kind(head: bytes) -> Kind:
    """What a file is that begins so. Raises Unacceptable unless it is sound or picture in time."""
    kind = recognise(head)
    if kind is None or not kind.media:
        found = looks_like(head)
        named = "an empty file" if found == "empty" else found
        raise Unacceptable("unsupported_media", f"The file is neither audio nor video: it looks like {named}.")
    return kind


def document_kind(head: bytes) -> Kind:
    """What a document is that begins so. Raises Unacceptable unless it is a PDF."""
    kind = recognise(head)
    if kind != PDF:
        found = looks_like(head)
        named = "an empty file" if found == "empty" else found
        raise Unacceptable("unsupported_media", f"The file is no PDF document: it looks like {named}.")
    return PDF


def expect_size(size: int, most: int) -> None:
    """Raises Unacceptable for more than `most` bytes."""
    if size > most:
        raise Unacceptable("too_large", f"At most {most // _MB} MB are accepted.")


async def examine(objects: Objects, recording: Recording, most: int) -> Stored:
    """What the recording's object is, by what the store says and by its first bytes.

    Raises Unacceptable when there is none, when it is not what was announced, larger than `most` bytes, or no media;
    StoreUnavailable. A document is accepted by the form that brings it, or not at all: nobody has its hash otherwise,
    and whoever sent it was told that it did not arrive.
    """
    if recording.kind is RecordingKind.DOCUMENT:
        raise Unacceptable("object_missing", "The form that brought the document broke off.")
    found = await objects.beginning(recording.object_key, HEAD_BYTES)
    if found is None:
        raise Unacceptable("object_missing", "Nothing has been uploaded to the address yet.")
    stat, head = found
    expect_size(stat.size_bytes, most)
    _expect_announced(recording, stat)
    return Stored(content_type=media_kind(head).content_type, size_bytes=stat.size_bytes, etag=stat.etag)


def _expect_announced(recording: Recording, stat: ObjectStat) -> None:
    """A recording that came as a form announces no size: what is stored of it is whole, or not there at all."""
    if recording.size_bytes not in (0, stat.size_bytes):
        detail = f"{recording.size_bytes} bytes were announced, {stat.size_bytes} are there."
        raise Unacceptable("size_mismatch", detail)


async def accept(
    jobs: Jobs,
    recordings: Recordings,
    recording: Recording,
    attempts: int,
    *,
    stored: Stored | None = None,
    asked_by: str | None = None,
) -> tuple[Job, bool]:
    """Creates the recording's job, or tells the job of a live one that all is there; and whether it was new: a repeat
    finds the same one. What it owes is not yet paid.

    `stored` is what its object is, where the recording's document does not say so yet. The job says it too: should
    this process die before the recording follows, whoever pays what the job owes sees to it. The job of a lecture
    which is to be downloaded is the work of `asked_by`, or of who was linked to it first. Raises RecordingGone when
    the recording was deleted before it followed: then the job is taken back, since the deletion may have looked for
    jobs already.
    """
    taken_in = recording.model_copy(update=stored.fields()) if stored else recording
    if recording.to_be_downloaded:
        asker = asked_by or next((link.user_id for link in recording.links), recording.owner_id)
        new = lifecycle.lecture_job(recording, asker, attempts, now())
    else:
        new = lifecycle.new_job(recording, _uploaded(taken_in), attempts, now())
    job = await jobs.create(new)
    accepted = job is new
    if job.live:
        uploaded = _uploaded(taken_in)
        job, accepted = await jobs.change(job.id, lambda job: lifecycle.take_in(job, uploaded, now()), known=job)
    if not await recordings.follow(job, recording):
        await jobs.delete(job.id)
        raise RecordingGone(recording.id)
    if accepted:
        log.info("accepted", recording_id=recording.id, job_id=job.id, size_bytes=taken_in.size_bytes)
    return job, accepted


async def go_live(jobs: Jobs, recordings: Recordings, recording: Recording, attempts: int) -> Job:
    """Creates the job of a recording whose first bytes are there. A repeat is harmless. What it owes is not yet paid.

    Raises RecordingGone.
    """
    begun = RecordingLive(
        id=event_id("recording.live", recording.job_id),
        recording_id=recording.id,
        owner_id=recording.owner_id,
        job_id=recording.job_id,
        source=recording.source,
    )
    new = lifecycle.live_job(recording, begun, attempts, now())
    job = await jobs.create(new)
    if not await recordings.follow(job, recording):
        await jobs.delete(job.id)
        raise RecordingGone(recording.id)
    return job


def _uploaded(recording: Recording) -> Event:
    kept = {name: getattr(recording, name) for name in _TOLD}
    if recording.kind is RecordingKind.DOCUMENT:
        named = event_id("document.uploaded", recording.job_id)
        return DocumentUploaded(id=named, recording_id=recording.id, sha256=recording.sha256, **kept)
    named = event_id("recording.uploaded", recording.job_id)
    return RecordingUploaded(id=named, recording_id=recording.id, source=recording.source, etag=recording.etag, **kept)
