"""A recording: what a client sent, and what was made of it."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from schemas.jobs import Failure
from schemas.media import Rendition, Scene, Thumbnail
from schemas.model import Document


class RecordingStatus(StrEnum):
    """Where a recording is on its way."""

    AWAITING_UPLOAD = "awaiting_upload"
    LIVE = "live"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class Source(StrEnum):
    """The door that a recording came in by."""

    PRESIGNED = "presigned"
    MULTIPART = "multipart"


class Recording(Document):
    """A recording's document. `fences` holds, by stage, the highest fence that has written: see stores/recordings."""

    id: str
    owner_id: str
    project_id: str | None = None
    job_id: str
    title: str
    filename: str
    source: Source
    status: RecordingStatus = RecordingStatus.AWAITING_UPLOAD
    size_bytes: int = Field(ge=0)
    object_key: str
    content_type: str | None = None
    quality: str | None = None
    fps: float | None = None
    has_system_audio: bool = False
    has_microphone: bool = False
    duration_seconds: float | None = None
    has_video: bool | None = None
    has_audio: bool | None = None
    language: str | None = None
    renditions: list[Rendition] = Field(default_factory=list)
    thumbnails: list[Thumbnail] = Field(default_factory=list)
    scenes: list[Scene] = Field(default_factory=list)
    error: Failure | None = None
    fences: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
