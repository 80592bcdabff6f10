"""What the API answers. Built from documents by api/views; no storage detail is part of any of these."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.analyses import ActionItems, KeyPoints, Sentiment, Summary
from schemas.jobs import Failure, JobItem, Status
from schemas.materials import Material
from schemas.media import RenditionKind, Scene
from schemas.model import Frozen
from schemas.pipeline import JobType
from schemas.problems import FieldProblem
from schemas.recordings import RecordingStatus, Source
from schemas.workers import StageHealth


class ProblemBody(Frozen):
    """RFC 9457: what went wrong. `code` is stable; `detail` is for a person; `errors` names wrong fields."""

    type: str = Field(examples=["urn:tidemark:problem:invalid_field"])
    title: str
    status: int
    code: str = Field(examples=["invalid_field"])
    detail: str
    instance: str | None = Field(default=None, description="The request's id, as in X-Request-ID.")
    errors: tuple[FieldProblem, ...] = ()


class Tokens(Frozen):
    """`access` for the bearer header, valid for `expires_in` seconds; `refresh` buys the next pair, once."""

    access: str
    refresh: str
    expires_in: int


class SessionView(Frozen):
    """A browser's session: it is signed in for `expires_in` seconds, and can be renewed until `renewable_in`."""

    expires_in: int
    renewable_in: int


class TicketView(Frozen):
    """Opens one websocket or event stream as `?ticket=`, once, within `expires_in` seconds."""

    ticket: str
    expires_in: int


class UploadAddress(Frozen):
    """Where to PUT the bytes, and the key to name afterwards."""

    id: str
    upload_url: str
    s3_key: str
    expires_in: int
    job_id: str


class Accepted(Frozen):
    """Work was accepted: it is durable, and the job can be watched."""

    id: str
    status: Literal["processing"] = "processing"
    job_id: str


class VideoAccepted(Accepted):
    """A project's video was stored and its processing accepted."""

    asset_id: str
    filename: str = Field(description="A safe name for the stored file.")
    original_filename: str
    size_bytes: int
    project_id: str


class JobAccepted(Frozen):
    """Work on a recording that is there was accepted: it is durable, and the job can be watched."""

    id: str
    status: Status
    job_id: str
    job_type: JobType
    recording_id: str


class JobList(Frozen):
    """A page of jobs, newest first. `next_cursor` is None on the last page."""

    items: tuple[JobItem, ...]
    next_cursor: str | None = None


class RenditionView(Frozen):
    """One playable or downloadable form of a recording, at a path of this service."""

    kind: RenditionKind
    content_type: str
    size_bytes: int
    url: str


class ThumbnailView(Frozen):
    """A small picture of the moment `at`."""

    at: float
    width: int
    height: int
    url: str


class TranscriptLink(Frozen):
    """Where the transcript is. `complete` is false while it grows."""

    language: str | None
    complete: bool
    url: str


class AnalysesView(Frozen):
    """The four analyses."""

    summary: Summary
    action_items: ActionItems
    key_points: KeyPoints
    sentiment: Sentiment


class RecordingItem(Frozen):
    """A recording in a list."""

    id: str
    title: str
    filename: str
    source: Source
    status: RecordingStatus
    project_id: str | None
    section_id: str | None
    tags: tuple[str, ...]
    material_types: tuple[Material, ...] = Field(description="What was asked for, where that was said.")
    size_bytes: int
    duration_seconds: float | None
    has_video: bool | None
    has_audio: bool | None
    quality: str | None
    fps: float | None
    created_at: datetime
    original_expired_at: datetime | None = Field(description="When the original went by a rule of retention.")
    job_id: str
    error: Failure | None
    renditions: tuple[RenditionView, ...]


class RecordingView(RecordingItem):
    """A recording with everything that is ready of it."""

    thumbnails: tuple[ThumbnailView, ...]
    scenes: tuple[Scene, ...]
    transcript: TranscriptLink | None
    analyses: AnalysesView | None


class RecordingList(Frozen):
    """A page of recordings, newest first. `next_cursor` is None on the last page."""

    items: tuple[RecordingItem, ...]
    next_cursor: str | None = None


class VideoItem(RecordingItem):
    """A recording in a project's list."""

    asset_id: str
    original_filename: str


class VideoList(Frozen):
    """A page of a project's recordings, newest first. `next_cursor` is None on the last page."""

    items: tuple[VideoItem, ...]
    next_cursor: str | None = None


class StorageStats(Frozen):
    """What recordings take up in the object store, as their documents say; sizes in bytes.

    `originals` are the uploads that are there, `renditions` what was made of them. Thumbnails and working files are
    left out.
    """

    project_id: str | None = Field(default=None, description="None: of all projects, and of what is in none.")
    recordings: int
    by_status: dict[RecordingStatus, int]
    originals_bytes: int
    renditions_bytes: int
    by_rendition: dict[RenditionKind, int]
    total_bytes: int


class StorageFreed(Frozen):
    """What a deletion took away: how many recordings, and about how many bytes."""

    project_id: str
    recordings: int
    total_bytes: int


class RecordingState(Frozen):
    """How far a recording is. `progress` is its job's, from 0 to 100."""

    id: str
    status: RecordingStatus
    progress: float
    job_id: str
    error: Failure | None


class HealthPart(Frozen):
    """A part that the service needs: whether it answered in time, and what was said where not.

    The part `workers` lists the stages.
    """

    name: str
    ok: bool
    detail: str | None = None
    stages: tuple[StageHealth, ...] = ()


class Health(Frozen):
    """How the service is."""

    status: Literal["ok", "degraded"]
    parts: tuple[HealthPart, ...] = ()


class Limits(Frozen):
    """What the service accepts."""

    max_upload_bytes: int
    presigned_url_seconds: int
    access_token_seconds: int
    refresh_token_seconds: int
    ticket_seconds: int


class Info(Frozen):
    """What this service is, and who answers behind it."""

    name: str
    version: str
    environment: str
    limits: Limits
