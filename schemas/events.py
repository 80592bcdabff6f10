"""Every event that is ever put on a topic.

The value is JSON; the headers are CloudEvents 1.0 in Kafka's binary mode (`ce_id`, `ce_type`, `ce_source`, `ce_time`,
`ce_subject`). An event's id is made from what it is about, so a step that is repeated repeats the id, and a reader
that remembers ids sees each fact once. Facts carry ids, figures and object keys; never media, never a transcript.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter

from schemas.ids import derived_id
from schemas.jobs import AttemptRecord, JobView, Status
from schemas.model import Document
from schemas.pipeline import JobType
from schemas.time import now
from schemas.topics import Topic

SOURCE = "/tidemark"
UNKNOWN = "unknown"
"""The job, recording and owner of a dead letter about a message that could not be read."""


class Event(Document):
    """What all events have. Unknown fields are ignored: a reader of version 1 reads what a later version adds."""

    topic: ClassVar[Topic]

    id: str
    type: str
    schema_version: Literal[1] = 1
    occurred_at: datetime = Field(default_factory=now)
    recording_id: str
    owner_id: str
    job_id: str

    @property
    def key(self) -> str:
        """The Kafka key."""
        return self.recording_id


class RecordingLive(Event):
    """The first bytes of a recording that is still being made are durable, and its job exists; more will come."""

    topic = Topic.UPLOADS
    type: Literal["recording.live"] = "recording.live"
    source: str


class RecordingUploaded(Event):
    """A recording's bytes are complete in the object store and its job exists.

    `etag` is the store's mark of the bytes that were accepted, where others could have been put in their place since.
    """

    topic = Topic.UPLOADS
    type: Literal["recording.uploaded"] = "recording.uploaded"
    object_key: str
    content_type: str
    size_bytes: int
    source: str
    etag: str | None = None


class DocumentUploaded(Event):
    """A document's bytes are complete in the object store and its job exists. Its id is that of a recording."""

    topic = Topic.UPLOADS
    type: Literal["document.uploaded"] = "document.uploaded"
    object_key: str
    content_type: str
    size_bytes: int
    sha256: str


class JobRequested(Event):
    """Work on a recording that is there was asked for, or a failed job was set going again: at those steps."""

    topic = Topic.JOBS
    type: Literal["job.requested"] = "job.requested"
    job_type: JobType
    steps: tuple[str, ...]


class AudioAvailable(Event):
    """The first audio for speech is there; more parts follow under the same prefix while the step goes on."""

    topic = Topic.AUDIO
    type: Literal["audio.available"] = "audio.available"
    parts_prefix: str
    sample_rate: int


class AudioExtracted(Event):
    """All audio is there. Keys are None where the recording has no audio."""

    topic = Topic.AUDIO
    type: Literal["audio.extracted"] = "audio.extracted"
    duration_seconds: float
    has_audio: bool
    has_video: bool
    parts_prefix: str
    parts: int
    sample_rate: int
    wav_key: str | None = None
    m4a_key: str | None = None


class LiveTranscribed(Event):
    """The whole transcript of a live recording is stored; its upload has ended."""

    topic = Topic.AUDIO
    type: Literal["live.transcribed"] = "live.transcribed"
    segments: int


class LiveEnded(Event):
    """A recording is live no more, and what was heard of it is not all: it is transcribed anew."""

    topic = Topic.AUDIO
    type: Literal["live.ended"] = "live.ended"
    segments: int


class MediaRendered(Event):
    """The playable video, its poster, thumbnails and scenes are there; or the recording has no picture."""

    topic = Topic.RENDITIONS
    type: Literal["media.rendered"] = "media.rendered"
    duration_seconds: float
    has_video: bool
    copied: bool = False
    width: int | None = None
    height: int | None = None
    mp4_key: str | None = None
    mp4_bytes: int | None = None
    thumbnails: int = 0
    scenes: int = 0


class ScenesDetected(Event):
    """The changes of scene are stored."""

    topic = Topic.RENDITIONS
    type: Literal["scenes.detected"] = "scenes.detected"
    scenes: int


class RecordingTranscribed(Event):
    """The whole transcript is stored. `language` is None where nothing was said."""

    topic = Topic.TRANSCRIPTS
    type: Literal["recording.transcribed"] = "recording.transcribed"
    language: str | None = None
    provider: str
    segments: int
    words: int
    duration_seconds: float


class DocumentRead(Event):
    """The text of a whole document is stored, and a picture of each page. `words` is 0 where it holds no text.

    `unreadable` counts the pages that are broken and were passed over.
    """

    topic = Topic.TRANSCRIPTS
    type: Literal["document.read"] = "document.read"
    language: str | None = None
    pages: int
    words: int
    unreadable: int = 0


class RecordingAnalysed(Event):
    """The analyses are stored."""

    topic = Topic.ANALYSES
    type: Literal["recording.analysed"] = "recording.analysed"
    provider: str
    kinds: tuple[str, ...]
    action_items: int
    key_points: int
    sentiment: str


class RecordingExported(Event):
    """A package of what is there of a recording is stored."""

    topic = Topic.EXPORTS
    type: Literal["recording.exported"] = "recording.exported"
    object_key: str
    size_bytes: int
    files: int


class RecordingDeleted(Event):
    """A recording was deleted by its owner. Whoever keeps anything of it is to forget it."""

    topic = Topic.DELETIONS
    type: Literal["recording.deleted"] = "recording.deleted"


class JobProgressed(Event):
    """A job's newest state, whole. Readers keep the highest version.

    `version` and `status` are the job's own, where a reader finds them without taking the state apart; `job` stays the
    last field, because api/frames hands its bytes on as they are.
    """

    topic = Topic.PROGRESS
    type: Literal["job.progressed"] = "job.progressed"
    version: int
    status: Status
    job: JobView

    @property
    def key(self) -> str:
        """The Kafka key: the job's id, so that its versions stay in order."""
        return self.job_id


class DeadLetter(Event):
    """A message that could not be read, or a step that is out of attempts. `original` is what it was about.

    Of a message it is the value as text, or in base64 where it is none; `cut` says that there was more of it than is
    kept. `original_key` is the message's key.
    """

    topic = Topic.DEAD_LETTERS
    type: Literal["dead.letter"] = "dead.letter"
    stage: str
    code: str
    detail: str
    attempts: int
    history: tuple[AttemptRecord, ...] = ()
    original_topic: str
    original: dict[str, Any] | str
    original_key: str | None = None
    encoding: Literal["text", "base64"] = "text"
    cut: bool = False


AnyEvent = Annotated[
    RecordingLive
    | RecordingUploaded
    | DocumentUploaded
    | JobRequested
    | AudioAvailable
    | AudioExtracted
    | LiveTranscribed
    | LiveEnded
    | MediaRendered
    | ScenesDetected
    | RecordingTranscribed
    | DocumentRead
    | RecordingAnalysed
    | RecordingExported
    | RecordingDeleted
    | JobProgressed
    | DeadLetter,
    Field(discriminator="type"),
]
_ANY: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def read_event(value: bytes | str | dict[str, Any]) -> AnyEvent:
    """The typed event of a message's value. Raises pydantic.ValidationError for anything else."""
    return _ANY.validate_python(value) if isinstance(value, dict) else _ANY.validate_json(value)


def event_id(event_type: str, job_id: str, *more: str) -> str:
    """The id of the event of that type that the job brings about: the same at every repeat."""
    return derived_id(event_type, job_id, *more)


def headers(event: Event) -> list[tuple[str, str | bytes | None]]:
    """The event's CloudEvents headers."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_type", f"tidemark.{event.type}".encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_subject", event.key.encode()),
        ("ce_time", event.occurred_at.isoformat().encode()),
        ("content-type", b"application/json"),
    ]
