"""What is wrong with one recording: a pure function of its document, its objects, its job and the time.

Nothing is judged that somebody may be at: everything has an age before it counts. An upload is given up only when its
address has been invalid for ABANDONED_UPLOAD_MINUTES, so that a slow PUT that began at the last moment can still end. A
form that is being received says so in its document every few seconds, so that its age is that of the last such sign. A
resumable upload has a document of its own that says until when it lasts; one without has no chance to go on.
"""

from collections.abc import Iterator, Mapping, Sized
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.model import Frozen
from schemas.recordings import Recording, RecordingStatus, Source
from schemas.settings import Settings
from stores.keys import tail_prefix
from stores.objects import Listed
from stores.reconciler.findings import Finding, Kind
from stores.resumable import Arrival
from stores.retention import leftovers


class Ages(Frozen):
    """From when on something counts. `settled`: nobody is at it any more."""

    settled: timedelta = timedelta(seconds=60)
    abandoned: timedelta
    address: timedelta
    parts: timedelta

    @property
    def trace(self) -> timedelta:
        """When all that was put at an address of a deleted recording has been old for a day, and so has been found."""
        return self.address + 2 * self.abandoned + timedelta(days=1)

    @classmethod
    def of(cls, settings: Settings) -> "Ages":
        """Those of the settings."""
        abandoned = timedelta(minutes=settings.abandoned_upload_minutes)
        return cls(
            abandoned=abandoned,
            address=timedelta(seconds=settings.presigned_url_seconds),
            parts=max(
                abandoned,
                timedelta(seconds=settings.media_step_seconds),
                timedelta(seconds=settings.download_seconds),
            ),
        )


class Subject(NamedTuple):
    """All that is known of a recording at one moment. `recording` is None where there is no document.

    `deleted` says that there was one, and that it was taken away on purpose.
    """

    recording_id: str
    recording: Recording | None
    objects: Mapping[str, Listed]
    has_job: bool
    upload: Arrival | None = None
    deleted: bool = False


def judge(subject: Subject, ages: Ages, at: datetime) -> list[Finding]:
    """What is wrong; in the order in which it is to be repaired. Whether stored bytes are media is not looked at."""
    return list(_judge(subject, ages, at))


def _judge(subject: Subject, ages: Ages, at: datetime) -> Iterator[Finding]:
    recording = subject.recording
    if recording is None:
        yield from _orphans(subject, ages, at)
    elif recording.deleted_at is not None:
        if at - recording.deleted_at > ages.settled:
            yield _found(Kind.DELETION_UNFINISHED, subject, "It was deleted, and something is left of it.")
    elif recording.status is RecordingStatus.AWAITING_UPLOAD and not subject.has_job:
        yield from _awaiting(subject, recording, ages, at)
    elif recording.status is RecordingStatus.LIVE:
        yield from _live(subject, recording, ages, at)
    elif at - recording.updated_at > ages.settled and remains(subject):
        yield _found(Kind.UPLOAD_REMAINS, subject, "Its upload was taken in, and something is left of how it came.")
    elif recording.status is RecordingStatus.AWAITING_UPLOAD:
        return
    elif at - recording.updated_at > ages.settled:
        yield from _processed(subject, recording)


def _orphans(subject: Subject, ages: Ages, at: datetime) -> Iterator[Finding]:
    orphans = old_orphans(subject, ages, at)
    if orphans:
        size = sum(orphan.size_bytes for orphan in orphans)
        kind, of = (Kind.OBJECT_LATE, "a deleted") if subject.deleted else (Kind.OBJECT_ORPHANED, "no")
        yield _found(kind, subject, f"Of {of} recording: {_objects(orphans)}, {size} bytes.")


def old_orphans(subject: Subject, ages: Ages, at: datetime) -> list[Listed]:
    """The objects of a recording that is not there: those that nobody can be writing for any more."""
    return [found for found in subject.objects.values() if at - found.modified > ages.abandoned]


def _awaiting(subject: Subject, recording: Recording, ages: Ages, at: datetime) -> Iterator[Finding]:
    stored = subject.objects.get(recording.object_key)
    whole = stored is not None and recording.size_bytes in (0, stored.size_bytes) and not _reopened(subject.upload)
    if recording.resumable and subject.upload is not None and not whole:
        yield from _coming(subject, subject.upload, ages, at)
    elif whole:
        if _due(recording, ages, at):
            yield _found(Kind.UPLOAD_STORED, subject, "The upload is stored and was never completed.")
    elif given_up(recording, ages, at):
        what = "is not what was announced" if stored else "never came"
        yield _found(Kind.UPLOAD_ABANDONED, subject, f"The upload {what}.")


def _live(subject: Subject, recording: Recording, ages: Ages, at: datetime) -> Iterator[Finding]:
    """A recording whose upload has a job already. One whose recorder has vanished is closed by stores/closing."""
    there = recording.object_key in subject.objects and not _reopened(subject.upload)
    if subject.upload is not None and not (subject.upload.whole or there):
        return
    last = max(recording.updated_at, subject.upload.updated_at if subject.upload else recording.updated_at)
    if at - last <= ages.settled or (subject.upload and subject.upload.held_by_other("", at)):
        return
    if recording.object_key in subject.objects or subject.upload is not None:
        yield _found(Kind.UPLOAD_STORED, subject, "All of a live recording is there, and nobody took it in.")
    else:
        yield _found(Kind.UPLOAD_ABANDONED, subject, "What came of a live recording is gone.")


def _reopened(upload: Arrival | None) -> bool:
    """Whether the object that is there is what the recording was before it went on."""
    return upload is not None and upload.reopened is not None


def _coming(subject: Subject, upload: Arrival, ages: Ages, at: datetime) -> Iterator[Finding]:
    """An upload whose bytes do not lie there as one object."""
    if at - upload.updated_at <= ages.settled or upload.held_by_other("", at):
        return
    if upload.whole:
        yield _found(Kind.UPLOAD_STORED, subject, "All of the upload is there, and nobody put it together.")
    elif upload.expired(at):
        yield _found(Kind.UPLOAD_ABANDONED, subject, f"The upload has expired at {upload.offset} bytes.")


def remains(subject: Subject) -> bool:
    """Whether something is left of how an upload came: pieces, or how far it had come."""
    tail = tail_prefix(subject.recording_id)
    return subject.upload is not None or any(key.startswith(tail) for key in subject.objects)


def _due(recording: Recording, ages: Ages, at: datetime) -> bool:
    """Whether nobody is going to complete the upload. With an ETag somebody tried, and was broken off."""
    if recording.etag is not None or recording.resumable:  # nobody else has an address for it
        return at - recording.updated_at > ages.settled
    return at - _last_sign(recording) > ages.abandoned


def given_up(recording: Recording, ages: Ages, at: datetime) -> bool:
    """Whether nothing can come of an upload any more that is not there, or not as announced."""
    address = ages.address if recording.source is Source.PRESIGNED else timedelta()
    if recording.hold is not None:
        return False
    untouched = at - recording.updated_at > ages.settled
    return untouched and at - _last_sign(recording) > ages.abandoned + address


def _last_sign(recording: Recording) -> datetime:
    """When somebody was seen to be at it. One who sends parts asks for addresses now and then."""
    asked_once = recording.source is Source.PRESIGNED and recording.parts is None
    return recording.created_at if asked_once else recording.updated_at


def _processed(subject: Subject, recording: Recording) -> Iterator[Finding]:
    if missing := missing_keys(subject, recording):
        yield _found(Kind.RENDITION_MISSING, subject, f"Listed, but not there: {_objects(missing)}.")
    if recording.hold is None and (left := leftovers(recording, subject.objects)):
        yield _found(Kind.EXPIRY_UNFINISHED, subject, f"Gone by a rule, but still there: {_objects(left)}.")
    if recording.original_expired_at is None:
        yield from _original(subject, recording)


def _original(subject: Subject, recording: Recording) -> Iterator[Finding]:
    original = subject.objects.get(recording.object_key)
    working = recording.status is RecordingStatus.PROCESSING
    if recording.to_be_downloaded:
        if working and not subject.has_job:
            yield _found(Kind.JOB_MISSING, subject, "Its job is not there.")
    elif original is None:
        if not (working and subject.has_job) and not recording.original_lost:
            yield _found(Kind.SOURCE_MISSING, subject, "The stored upload is no longer there.")
    elif working and not subject.has_job:
        yield _found(Kind.JOB_MISSING, subject, "Its job is not there.")
    elif recording.etag not in (None, original.etag) and not _told(recording, Kind.SOURCE_CHANGED):
        detail = f"{recording.size_bytes} bytes were accepted; others, {original.size_bytes}, are in their place."
        yield _found(Kind.SOURCE_CHANGED, subject, detail)


def _told(recording: Recording, kind: Kind) -> bool:
    """Whether the recording itself says so already."""
    return recording.error is not None and recording.error.code == kind.value


def missing_keys(subject: Subject, recording: Recording) -> list[str]:
    """The keys of renditions and thumbnails that the document lists and the store does not have."""
    renditions = [made.key for made in recording.renditions]
    thumbnails = [made.key for made in recording.thumbnails]
    return [key for key in (*renditions, *thumbnails) if key not in subject.objects]


def _objects(some: Sized) -> str:
    return f"{len(some)} object{'s' if len(some) > 1 else ''}"


def _found(kind: Kind, subject: Subject, detail: str) -> Finding:
    return Finding(kind=kind, recording_id=subject.recording_id, detail=detail)
