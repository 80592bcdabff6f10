"""What clients see of a recording: made of its documents, with our own addresses and no storage detail."""

from typing import Any

from schemas.analyses import Analyses
from schemas.documents import DocumentItem, DocumentOutline, DocumentView, Page, PageView
from schemas.jobs import Job
from schemas.lectures import LectureItem, LectureState, LectureStatus, LectureView
from schemas.media import RenditionKind
from schemas.recordings import Recording, RecordingKind, RecordingStatus
from schemas.responses import (
    AnalysesView,
    RecordingItem,
    RecordingView,
    RenditionView,
    StorageStats,
    ThumbnailView,
    TranscriptLink,
    VideoItem,
)
from schemas.transcripts import Transcript
from stores.recordings import Usage

_PATHS = {RecordingKind.RECORDING: "/api/v1/recordings", RecordingKind.DOCUMENT: "/api/v1/documents"}
_SHARED = (
    "id",
    "title",
    "filename",
    "source",
    "status",
    "project_id",
    "section_id",
    "tags",
    "material_types",
    "size_bytes",
    "duration_seconds",
    "has_video",
    "has_audio",
    "quality",
    "fps",
    "created_at",
    "original_expired_at",
    "job_id",
    "error",
)
_OF_LECTURES = (
    *("id", "title", "error", "job_id", "size_bytes", "duration_seconds", "has_video", "has_audio", "created_at"),
)

_OF_DOCUMENTS = (
    *("id", "title", "filename", "status", "size_bytes", "pages", "language", "created_at", "job_id", "error"),
)


def item(recording: Recording) -> RecordingItem:
    """A recording as lists show it."""
    return RecordingItem(renditions=_renditions(recording), **{name: getattr(recording, name) for name in _SHARED})


def video(recording: Recording) -> VideoItem:
    """A recording as a project's list shows it."""
    return VideoItem(
        renditions=_renditions(recording),
        asset_id=recording.id,
        original_filename=recording.filename,
        **{name: getattr(recording, name) for name in _SHARED},
    )


def storage(usage: Usage, project_id: str | None = None) -> StorageStats:
    """What recordings take up, with its sums."""
    renditions = sum(usage.by_rendition.values())
    return StorageStats(
        project_id=project_id,
        recordings=sum(usage.by_status.values()),
        by_status=usage.by_status,
        originals_bytes=usage.originals_bytes,
        renditions_bytes=renditions,
        by_rendition=usage.by_rendition,
        total_bytes=usage.originals_bytes + renditions,
    )


def whole(recording: Recording, transcript: Transcript | None, analyses: Analyses | None) -> RecordingView:
    """A recording with everything that is ready of it."""
    return RecordingView(
        **{name: getattr(recording, name) for name in _SHARED},
        renditions=_renditions(recording),
        thumbnails=_thumbnails(recording),
        scenes=tuple(recording.scenes),
        transcript=_transcript(recording, transcript),
        analyses=AnalysesView(**dict(analyses)) if analyses else None,
    )


def lecture_status(recording: Recording) -> LectureStatus:
    """Where a lecture is: what has not come yet is downloading."""
    if recording.status in (RecordingStatus.COMPLETED, RecordingStatus.FAILED):
        return LectureStatus(recording.status.value)
    return LectureStatus.DOWNLOADING if recording.to_be_downloaded else LectureStatus.PROCESSING


def lecture_state(recording: Recording, job: Job | None) -> LectureState:
    """How far a lecture is."""
    return LectureState(
        id=recording.id,
        status=lecture_status(recording),
        progress=job.progress if job else 0,
        job_id=recording.job_id,
        error=recording.error,
        error_message=recording.error.detail if recording.error else None,
    )


def lecture_item(recording: Recording, reader: str) -> LectureItem:
    """A lecture as lists show it to one who is linked to it."""
    return LectureItem(**_of_lecture(recording, reader))


def lecture(recording: Recording, reader: str, transcript: Transcript | None) -> LectureView:
    """A lecture as one sees it who is linked to it."""
    return LectureView(**_of_lecture(recording, reader), transcript=_transcript(recording, transcript))


def _of_lecture(recording: Recording, reader: str) -> dict[str, Any]:
    assert recording.lecture is not None
    return {
        **{name: getattr(recording, name) for name in _OF_LECTURES},
        "course_id": recording.lecture.course_id,
        "session_id": recording.lecture.session_id,
        "status": lecture_status(recording),
        "error_message": recording.error.detail if recording.error else None,
        "linked_at": next((link.at for link in recording.links if link.user_id == reader), recording.created_at),
        "renditions": _renditions(recording),
    }


def document(recording: Recording) -> DocumentItem:
    """A document as lists show it."""
    return DocumentItem(**_of_document(recording))


def whole_document(recording: Recording, text: DocumentOutline | None, analyses: Analyses | None) -> DocumentView:
    """A document with everything that is ready of it."""
    return DocumentView(
        **_of_document(recording), text=text, analyses=AnalysesView(**dict(analyses)) if analyses else None
    )


def _of_document(recording: Recording) -> dict[str, Any]:
    return {
        **{name: getattr(recording, name) for name in _OF_DOCUMENTS},
        "course_id": recording.project_id,
        "file_url": address(recording, "file"),
        "renditions": _renditions(recording),
    }


def page(recording: Recording, found: Page) -> PageView:
    """A page of a document."""
    image = address(recording, "pages", str(found.number), "image") if found.readable else None
    return PageView(**dict(found), image_url=image)


def address(recording: Recording, *parts: str) -> str:
    """The path of a recording or document, or of what is under it."""
    return "/".join((_PATHS[recording.kind], recording.id, *parts))


def _renditions(recording: Recording) -> tuple[RenditionView, ...]:
    made = [
        RenditionView(
            kind=rendition.kind,
            content_type=rendition.content_type,
            size_bytes=rendition.size_bytes,
            url=address(recording, "renditions", rendition.kind),
        )
        for rendition in recording.renditions
        if rendition.kind is not RenditionKind.ORIGINAL
    ]
    return (*made, *_original(recording))


def _original(recording: Recording) -> tuple[RenditionView, ...]:
    if not recording.original_there or recording.content_type is None:
        return ()
    return (
        RenditionView(
            kind=RenditionKind.ORIGINAL,
            content_type=recording.content_type,
            size_bytes=recording.size_bytes,
            url=address(recording, "renditions", RenditionKind.ORIGINAL),
        ),
    )


def _thumbnails(recording: Recording) -> tuple[ThumbnailView, ...]:
    return tuple(
        ThumbnailView(
            at=thumbnail.at,
            width=thumbnail.width,
            height=thumbnail.height,
            url=address(recording, "thumbnails", str(number)),
        )
        for number, thumbnail in enumerate(recording.thumbnails)
    )


def _transcript(recording: Recording, transcript: Transcript | None) -> TranscriptLink | None:
    if transcript is None:
        return None
    return TranscriptLink(
        language=transcript.language, complete=transcript.complete, url=address(recording, "transcript")
    )
