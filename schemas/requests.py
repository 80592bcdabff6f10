"""What a client sends: bodies and queries. Bodies are read strictly: a number in quotes is not a number."""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from schemas.jobs import Status
from schemas.options import ExportOptions, ScenesOptions
from schemas.pipeline import JobType
from schemas.recordings import RecordingStatus

PROJECT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""A project's id, as a client chooses it: scoped to that client, never a path."""

LONGEST_NAME = 255
_USERNAME = re.compile(r"[\w.@+-]+")
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def plain(text: str) -> str:
    """The text on one line, without control characters or characters that turn the direction of writing."""
    kept = (" " if c in "\t\r\n" else c for c in unicodedata.normalize("NFC", text))
    return " ".join("".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")).split())


def bare_filename(text: str) -> str:
    """The last part of a client's file name, plain and at most LONGEST_NAME characters; may be empty."""
    name = plain(text.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if len(name) <= LONGEST_NAME or not dot or len(ending) > 10:
        return name[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


def _wanted(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _once_each(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


def _username(name: str) -> str:
    if not _USERNAME.fullmatch(name) or plain(name) != name:
        raise ValueError("only letters, digits and . _ @ + - are possible")
    return name


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address) or plain(address) != address:
        raise ValueError("is not an email address")
    return address


Plain = Annotated[str, AfterValidator(plain)]
Filename = Annotated[str, Field(max_length=1024), AfterValidator(bare_filename), AfterValidator(_wanted)]
Title = Annotated[str, Field(max_length=200), AfterValidator(plain), AfterValidator(_wanted)]
Tag = Annotated[str, Field(max_length=50), AfterValidator(plain), AfterValidator(_wanted)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50, examples=[["exam"]]), AfterValidator(_once_each)]
Username = Annotated[str, Field(min_length=3, max_length=64), AfterValidator(_username)]
Email = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_email)]
Password = Annotated[str, Field(min_length=8, max_length=256)]


Sought = Annotated[str, Field(max_length=100), AfterValidator(plain)]
SoughtTag = Annotated[str, Field(max_length=50), AfterValidator(plain)]


class Request(BaseModel):
    """What all bodies and queries have: frozen; unknown fields are ignored, as clients of several ages are served."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Registration(Request):
    """A new account."""

    username: Username = Field(examples=["ada"])
    email: Email = Field(examples=["ada@example.org"])
    password: Password = Field(examples=["correct horse battery"])


class Credentials(Request):
    """What somebody logs in with."""

    username: str = Field(max_length=254, examples=["ada"])
    password: str = Field(max_length=256, examples=["correct horse battery"])


class Refresh(Request):
    """A refresh token to be exchanged."""

    refresh: str = Field(min_length=1, max_length=512, examples=["q2Wv…"])


class UploadRequest(Request):
    """What a client is about to upload."""

    filename: Filename = Field(examples=["standup.webm"])
    file_size: int = Field(gt=0, le=2**53, description="In bytes.", examples=[4_211_734])
    quality: Plain | None = Field(default=None, max_length=32, examples=["1080p"])
    fps: float | None = Field(default=None, gt=0, le=1000, allow_inf_nan=False, examples=[30])
    has_system_audio: bool = False
    has_microphone: bool = False
    title: Title | None = Field(default=None, examples=["Stand-up of Monday"])
    project_id: str | None = Field(default=None, pattern=PROJECT_ID, examples=["website"])


class UploadComplete(Request):
    """The upload under that key is done."""

    s3_key: str = Field(max_length=1024, examples=["recordings/0199e2a4-7c1e-7d32-9a41-5be2f03c11aa/original"])


class RecordingChange(Request):
    """What of a recording is to be another. What is left out stays.

    `project_id` is the course or project that it is moved to, `section_id` a section there; null takes it out.
    """

    title: Title | None = Field(default=None, examples=["Stand-up of Monday"])
    project_id: str | None = Field(default=None, pattern=PROJECT_ID, examples=["biology-101"])
    section_id: str | None = Field(default=None, pattern=PROJECT_ID)
    tags: Tags | None = None


class Page(Request):
    """Which page of a list, newest first."""

    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(default=None, pattern=r"^[0-9a-f-]{36}$", description="The next_cursor of a list.")


class VideoQuery(Page):
    """Which of a project's recordings to list."""

    status: RecordingStatus | None = Field(default=None, description="Where they are on their way.")
    q: Sought | None = Field(default=None, description="Part of the title, in any case.")
    tag: SoughtTag | None = Field(default=None, description="With this tag.")
    section_id: str | None = Field(default=None, pattern=PROJECT_ID, description="In this section.")


class RecordingQuery(VideoQuery):
    """Which recordings to list."""

    project_id: str | None = Field(default=None, pattern=PROJECT_ID, description="In this course or project.")


class DocumentQuery(VideoQuery):
    """Which documents to list."""

    course_id: str | None = Field(default=None, pattern=PROJECT_ID, description="In this course or project.")


class ProjectJobQuery(Page):
    """Which of a project's jobs to list."""

    status: tuple[Status, ...] = Field(default=(), max_length=20, description="May be repeated: any of these.")


class JobQuery(ProjectJobQuery):
    """Which jobs to list."""

    project_id: str | None = Field(
        default=None, pattern=PROJECT_ID, description="About what is in this course or project."
    )


def _can_be_asked_for(kind: JobType) -> JobType:
    if kind is JobType.LECTURE:
        raise ValueError("is what /api/v1/lectures/download is for")
    return kind


def _asked_for(schema: JsonDict) -> None:
    """In the schema: what can be asked for, by name."""
    schema.clear()
    schema |= {"type": "string", "enum": [kind.value for kind in JobType if kind is not JobType.LECTURE]}


class JobPayload(ScenesOptions, ExportOptions):
    """What a job is about, and what is asked of its kind; an option of another kind changes nothing."""

    recording_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$", examples=["0199e2a4-7c1e-7d32-9a41-5be2f03c11aa"])


class JobRequest(Request):
    """Work that is asked for on a recording that is there. What is left out is as the service is set up."""

    job_type: Annotated[JobType, Field(json_schema_extra=_asked_for), AfterValidator(_can_be_asked_for)]
    payload: JobPayload
    max_attempts: int | None = Field(default=None, ge=1, le=20, description="Attempts at a step before it fails.")
    retry_delay_seconds: float | None = Field(
        default=None, ge=0, le=3600, allow_inf_nan=False, description="Pause before the second attempt; then doubled."
    )


class ArchiveQuery(Request):
    """What of an account's data is wanted."""

    media: bool = Field(
        default=True, description="False: the texts alone, without recordings and what was made of them."
    )


class LetterQuery(Request):
    """Which dead letters to list."""

    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(default=None, pattern=r"^[0-9]{1,18}$", description="The next_cursor of a list.")


class TranscriptQuery(Request):
    """In which form the transcript is wanted."""

    format: Literal["json", "txt", "srt", "vtt"] = Field(
        default="json", description="As data, as text, or as subtitles: SubRip or WebVTT."
    )
