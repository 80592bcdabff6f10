"""Lectures as clients name and see them: downloads from a lecture-capture system, shared by those who ask for them."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field

from schemas.jobs import Failure
from schemas.model import Frozen
from schemas.requests import PROJECT_ID, Page, Request, Title
from schemas.responses import RenditionView, TranscriptLink

_SESSION = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_URL = 8192


class LectureStatus(StrEnum):
    """Where a lecture is on its way."""

    DOWNLOADING = "downloading"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


def session_of(panopto_url: str) -> str:
    """The session's id in the address of a viewer page: its parameter `id`. Raises ValueError where there is none."""
    try:
        given = parse_qsl(urlsplit(panopto_url).query, max_num_fields=100)
    except ValueError as error:
        raise ValueError("is not the address of a viewer page") from error
    session = next((value for name, value in given if name.lower() == "id"), "")
    if not _SESSION.fullmatch(session):
        raise ValueError("must name a session, as …/Panopto/Pages/Viewer.aspx?id=… does")
    return session.lower()


def _viewer(url: str) -> str:
    session_of(url)
    return url


Address = Annotated[str, Field(min_length=1, max_length=_LONGEST_URL, json_schema_extra={"format": "uri"})]


class LectureRequest(Request):
    """A lecture that somebody wants to have. `stream_url` leads to a media file or an HLS playlist.

    What belongs to one course, one session and one address (without its signature) is one lecture, whoever asks for it.
    """

    course_id: str = Field(pattern=PROJECT_ID, examples=["algebra-1"])
    panopto_url: Annotated[Address, AfterValidator(_viewer)] = Field(
        examples=["https://uni.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id=5e0c9c5e-4d4f-4a0a-9d3c-aa0f00c0ffee"]
    )
    stream_url: Address = Field(examples=["https://media.example.org/sessions/5e0c9c5e/master.m3u8?token=…"])
    title: Title | None = Field(default=None, examples=["Groups and rings"])

    @property
    def session_id(self) -> str:
        """The session that the viewer page shows."""
        return session_of(self.panopto_url)


class LectureQuery(Page):
    """Which of the caller's lectures to list."""

    course_id: str | None = Field(default=None, pattern=PROJECT_ID, description="In this course.")


class LectureAccepted(Frozen):
    """A lecture is the caller's to read, and is being downloaded unless it was already. The job can be watched."""

    id: str
    status: LectureStatus
    job_id: str


class LectureState(Frozen):
    """How far a lecture is. `progress` is its job's, from 0 to 100; `error_message` says why it failed."""

    id: str
    status: LectureStatus
    progress: float
    job_id: str
    error: Failure | None = None
    error_message: str | None = None


class LectureItem(Frozen):
    """A lecture in a list. Its id is that of a recording as well, which its readers may read by that route."""

    id: str
    course_id: str
    session_id: str
    title: str
    status: LectureStatus
    error: Failure | None = None
    error_message: str | None = None
    job_id: str
    size_bytes: int
    duration_seconds: float | None
    has_video: bool | None
    has_audio: bool | None
    created_at: datetime
    linked_at: datetime
    renditions: tuple[RenditionView, ...]


class LectureView(LectureItem):
    """A lecture, with what is ready of it."""

    transcript: TranscriptLink | None


class LectureList(Frozen):
    """A page of lectures, newest first. `next_cursor` is None on the last page."""

    items: tuple[LectureItem, ...]
    next_cursor: str | None = None
