"""A recording: what a client sent, and what was made of it.

A document is one too, of another kind: it comes in, is worked on, kept, found again and deleted in the same way.
"""

import re
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath

from pydantic import Field

from schemas.holds import Hold
from schemas.jobs import Failure
from schemas.materials import Material
from schemas.media import Rendition, Scene, Thumbnail
from schemas.model import Document
from schemas.parts import Parts
from schemas.pipeline import OF_DOCUMENTS, OF_RECORDINGS, JobType

SOURCE_MISSING = "source_missing"
"""The code of a recording whose original is no longer in the object store."""

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")


class RecordingStatus(StrEnum):
    """Where a recording is on its way."""

    AWAITING_UPLOAD = "awaiting_upload"
    LIVE = "live"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class RecordingKind(StrEnum):
    """What was sent: something to be heard or seen, or something to be read."""

    RECORDING = "recording"
    DOCUMENT = "document"


class Source(StrEnum):
    """The door that a recording came in by."""

    PRESIGNED = "presigned"
    MULTIPART = "multipart"
    LECTURE = "lecture"
    DOCUMENT = "document"
    TUS = "tus"
    WEBSOCKET = "websocket"


class Link(Document):
    """Somebody who may read a lecture, and since when."""

    user_id: str
    at: datetime


class Lecture(Document):
    """What a recording has that is a lecture: its course and session, and what it is found by (stores/lectures).

    `url` is where it is to be downloaded from, and is forgotten when it has been: it may carry a signature.
    """

    key: str
    course_id: str
    session_id: str
    url: str | None = Field(default=None, repr=False)


class Recording(Document):
    """A recording's document. `fences` holds, by stage, the highest fence that has written: see stores/recordings.

    `job_ids` are the jobs that were asked for later, and `job_id` the newest that took the recording in from the start.
    `etag` is the object store's mark of the bytes that were accepted, `parts` how they came, if in parts. `lecture` and
    `links` are a lecture's, which belongs to whoever is linked to it. `course_id` of a document is kept as its
    `project_id`; `sha256` is that of its bytes, and `pages` how many it has. `vanished_at` is when it was
    closed since nothing more came of it: its recorder may still go on with it. `deleted_at` is set when the recording
    is deleted, and from then on nobody sees it; the document itself goes last.
    """

    id: str
    revision: int = 1
    kind: RecordingKind = RecordingKind.RECORDING
    owner_id: str
    project_id: str | None = None
    section_id: str | None = None
    tags: list[str] = Field(default_factory=list)
    material_types: list[Material] = Field(default_factory=list)
    job_id: str
    job_ids: list[str] = Field(default_factory=list)
    title: str
    filename: str
    source: Source
    status: RecordingStatus = RecordingStatus.AWAITING_UPLOAD
    size_bytes: int = Field(ge=0)
    object_key: str
    content_type: str | None = None
    etag: str | None = None
    sha256: str | None = None
    quality: str | None = None
    fps: float | None = None
    has_system_audio: bool = False
    has_microphone: bool = False
    duration_seconds: float | None = None
    has_video: bool | None = None
    has_audio: bool | None = None
    language: str | None = None
    pages: int | None = None
    renditions: list[Rendition] = Field(default_factory=list)
    thumbnails: list[Thumbnail] = Field(default_factory=list)
    scenes: list[Scene] = Field(default_factory=list)
    lecture: Lecture | None = None
    links: list[Link] = Field(default_factory=list)
    error: Failure | None = None
    vanished_at: datetime | None = None
    hold: Hold | None = None
    parts: Parts | None = None
    original_expired_at: datetime | None = None
    renditions_expired_at: datetime | None = None
    fences: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    @property
    def ending(self) -> str:
        """The ending of the client's file name, with its dot, where it is a plain one; else nothing."""
        found = _ENDING.fullmatch(PurePosixPath(self.filename).suffix)
        return found[0] if found else ""

    @property
    def resumable(self) -> bool:
        """Whether it comes, or came, piece by piece: see stores/resumable."""
        return self.source in (Source.TUS, Source.WEBSOCKET)

    @property
    def taken_in_by(self) -> JobType:
        """The kind of job that takes it in from the start."""
        return JobType.DOCUMENT if self.kind is RecordingKind.DOCUMENT else JobType.INGEST

    @property
    def possible_work(self) -> frozenset[JobType]:
        """The kinds of job that make sense with it."""
        return OF_DOCUMENTS if self.kind is RecordingKind.DOCUMENT else OF_RECORDINGS

    @property
    def original_lost(self) -> bool:
        """Whether what the client sent is known to be no longer in the object store."""
        return self.error is not None and self.error.code == SOURCE_MISSING

    @property
    def original_there(self) -> bool:
        """Whether what the client sent was accepted, and neither went by a rule nor is known to be lost."""
        uploaded = self.status is not RecordingStatus.AWAITING_UPLOAD and self.content_type is not None
        return uploaded and self.original_expired_at is None and not self.original_lost

    @property
    def to_be_downloaded(self) -> bool:
        """Whether it is a lecture whose bytes have not come yet."""
        return self.lecture is not None and self.etag is None

    def linked(self, user_id: str) -> bool:
        """Whether the account is one of those that the lecture is linked to."""
        return any(link.user_id == user_id for link in self.links)

    def readable_by(self, user_id: str) -> bool:
        """Whether the account may see it: its owner, and whoever a lecture is linked to."""
        return self.owner_id == user_id or self.linked(user_id)

    @property
    def everybody(self) -> tuple[str, ...]:
        """All who may see it: its owner, and the readers of a lecture."""
        return (self.owner_id, *(link.user_id for link in self.links))

    @property
    def every_job_id(self) -> tuple[str, ...]:
        """The ids of all its jobs: those that are there, and some that were never made."""
        return tuple(dict.fromkeys((self.job_id, *self.job_ids)))
