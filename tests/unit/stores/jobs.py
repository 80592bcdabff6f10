"""Jobs for tests: a new one, and the facts that its steps put out."""

from datetime import UTC, datetime, timedelta

from schemas.events import (
    AudioAvailable,
    AudioExtracted,
    DocumentRead,
    DocumentUploaded,
    Event,
    LiveTranscribed,
    MediaRendered,
    RecordingAnalysed,
    RecordingExported,
    RecordingLive,
    RecordingTranscribed,
    RecordingUploaded,
    ScenesDetected,
    event_id,
)
from schemas.ids import new_id
from schemas.jobs import Job
from schemas.recordings import Lecture, Link, Recording, RecordingKind, RecordingStatus, Source
from stores import keys, lifecycle

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def a_recording(**fields) -> Recording:
    recording_id = new_id()
    return Recording(
        **{
            "id": recording_id,
            "owner_id": "ada",
            "job_id": new_id(),
            "title": "Stand-up",
            "filename": "standup.webm",
            "source": Source.PRESIGNED,
            "status": RecordingStatus.PROCESSING,
            "size_bytes": 1000,
            "object_key": keys.original(recording_id),
            "content_type": "video/webm",
            "created_at": START,
            "updated_at": START,
            **fields,
        }
    )


def a_lecture(**fields) -> Recording:
    """A lecture whose bytes have not come, linked to ada."""
    lecture = Lecture(key="key", course_id="algebra", session_id="one", url="https://media.example/one.mp4?secret")
    nothing = {"source": Source.LECTURE, "status": RecordingStatus.AWAITING_UPLOAD, "size_bytes": 0}
    links = [Link(user_id="ada", at=START)]
    given = {"owner_id": "lectures", "content_type": None, "lecture": lecture, "links": links, **nothing}
    return a_recording(**{**given, **fields})


def a_document(**fields) -> Recording:
    given = {
        "kind": RecordingKind.DOCUMENT,
        "source": Source.DOCUMENT,
        "title": "Notes",
        "filename": "notes.pdf",
        "content_type": "application/pdf",
        "sha256": "0" * 64,
    }
    return a_recording(**{**given, **fields})


def uploaded(recording: Recording) -> RecordingUploaded | DocumentUploaded:
    if recording.kind is RecordingKind.DOCUMENT:
        return DocumentUploaded(
            **about(recording, "document.uploaded"),
            object_key=recording.object_key,
            content_type="application/pdf",
            size_bytes=recording.size_bytes,
            sha256=recording.sha256,
        )
    return RecordingUploaded(
        **about(recording, "recording.uploaded"),
        object_key=recording.object_key,
        content_type="video/webm",
        size_bytes=recording.size_bytes,
        source=recording.source,
    )


def a_live_job(recording: Recording) -> Job:
    begun = RecordingLive(**about(recording, "recording.live"), source=recording.source)
    return lifecycle.live_job(recording, begun, 3, START)


def a_job(recording: Recording | None = None, attempts: int = 3, at: datetime = START) -> Job:
    recording = recording or a_recording()
    return lifecycle.new_job(recording, uploaded(recording), attempts, at)


def about(work: Recording | Job, event_type: str) -> dict[str, object]:
    job_id = work.job_id if isinstance(work, Recording) else work.id
    recording_id = work.id if isinstance(work, Recording) else work.recording_id
    return {
        "id": event_id(event_type, job_id),
        "job_id": job_id,
        "recording_id": recording_id,
        "owner_id": work.owner_id,
        "occurred_at": START,
    }


def available(job: Job) -> AudioAvailable:
    return AudioAvailable(
        **about(job, "audio.available"), parts_prefix=keys.speech_prefix(job.recording_id), sample_rate=16_000
    )


def result_of(job: Job, stage: str) -> Event:
    """The fact that a stage ends with."""
    if stage == "pages":
        return DocumentRead(**about(job, "document.read"), pages=2, words=4)
    return _of_a_recording(job, stage)


def _of_a_recording(job: Job, stage: str) -> Event:  # noqa: PLR0911 - one for each stage
    match stage:
        case "download":
            return RecordingUploaded(
                **about(job, "recording.uploaded"),
                object_key=keys.original(job.recording_id),
                content_type="video/webm",
                size_bytes=1000,
                source=Source.LECTURE,
            )
        case "live":
            return LiveTranscribed(**about(job, "live.transcribed"), segments=2)
        case "audio":
            return AudioExtracted(
                **about(job, "audio.extracted"),
                duration_seconds=3,
                has_audio=True,
                has_video=True,
                parts_prefix=keys.speech_prefix(job.recording_id),
                parts=1,
                sample_rate=16_000,
            )
        case "render":
            return MediaRendered(**about(job, "media.rendered"), duration_seconds=3, has_video=True)
        case "transcribe":
            return RecordingTranscribed(
                **about(job, "recording.transcribed"), provider="fake", segments=1, words=2, duration_seconds=3
            )
        case "scenes":
            return ScenesDetected(**about(job, "scenes.detected"), scenes=1)
        case "export":
            return RecordingExported(**about(job, "recording.exported"), object_key="package", size_bytes=1, files=1)
    return RecordingAnalysed(
        **about(job, "recording.analysed"),
        provider="fake",
        kinds=("summary",),
        action_items=0,
        key_points=0,
        sentiment="neutral",
    )


_WAKES = {
    "live": ("recording.live",),
    "download": ("job.requested",),
    "audio": ("recording.uploaded",),
    "pages": ("document.uploaded",),
    "render": ("recording.uploaded",),
    "transcribe": ("audio.extracted", "audio.available", "live.transcribed"),
    "analyse": ("recording.transcribed", "document.read"),
    "scenes": ("job.requested",),
    "export": ("job.requested",),
}


def wake_of(job: Job, stage: str) -> str | None:
    """The id of the newest fact that the stage waits for; None before there is one."""
    ids = [fact["id"] for fact in job.facts if fact["type"] in _WAKES[stage]]
    return ids[-1] if ids else None
