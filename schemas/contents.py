"""Everything that was generated for somebody, in one list: transcripts, analyses, packages."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from schemas.model import Frozen
from schemas.requests import PROJECT_ID, Request


class ContentType(StrEnum):
    """What can be generated from a recording; in the order in which one recording's are listed."""

    TRANSCRIPT = "transcript"
    ANALYSES = "analyses"
    PACKAGE = "package"


class ContentQuery(Request):
    """Which generated content to list."""

    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(
        default=None, pattern=r"^[0-9a-f-]{36}\.[a-z]{1,20}$", description="The next_cursor of a list."
    )
    type: ContentType | None = Field(default=None, description="Of this kind alone.")
    course_id: str | None = Field(default=None, pattern=PROJECT_ID, description="A course or project.")


class ContentItem(Frozen):
    """One thing that was generated. `complete` is false while it grows; `url` is where it is."""

    id: str
    type: ContentType
    recording_id: str
    title: str
    course_id: str | None
    complete: bool
    created_at: datetime = Field(description="When its recording was made.")
    url: str


class ContentList(Frozen):
    """A page of generated content, that of the newest recording first. `next_cursor` is None on the last page.

    A page may be short, and even empty, with others after it.
    """

    items: tuple[ContentItem, ...]
    next_cursor: str | None = None
