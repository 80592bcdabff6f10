"""What happened in an account, by day: what people see of their own activity, and what usage is counted from.

Made of the public facts alone (schemas/events); days and months are those of UTC.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from schemas.events import (
    DocumentRead,
    DocumentUploaded,
    Event,
    JobRequested,
    RecordingAnalysed,
    RecordingDeleted,
    RecordingExported,
    RecordingTranscribed,
    RecordingUploaded,
)
from schemas.model import Document, Frozen
from schemas.topics import Topic

TOPICS = (Topic.UPLOADS, Topic.JOBS, Topic.TRANSCRIPTS, Topic.ANALYSES, Topic.EXPORTS, Topic.DELETIONS)
"""Where the facts come from that activity is made of."""


class Counts(Document):
    """What is counted of a day or a month. Audio that is transcribed again counts again: it is work done."""

    uploads: int = 0
    uploaded_bytes: int = 0
    jobs: int = 0
    transcribed_seconds: float = 0
    pages: int = Field(default=0, description="Of documents that were read.")
    analyses: int = 0
    exports: int = 0
    deletions: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, others = self.model_dump(), other.model_dump()
        return Counts(**{name: mine[name] + others[name] for name in mine})


class Entry(Frozen):
    """One thing that happened. `id` is the fact's, `type` as well (see the topics' contract)."""

    id: str
    type: str
    at: datetime
    recording_id: str
    job_id: str


class Day(Document):
    """A day of an account, `id` is "owner/2026-11-21": everything counted, and the newest entries, newest last.

    `offsets` holds, by topic and partition, up to where the topic has been counted into this document.
    """

    id: str
    revision: int = 1
    counts: Counts = Field(default_factory=Counts)
    entries: list[Entry] = Field(default_factory=list)
    offsets: dict[str, int] = Field(default_factory=dict)


class ActivityQuery(BaseModel):
    """Which part of one's own activity to list."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(
        default=None, pattern=r"^[0-9]{1,14}\.[0-9a-f-]{36}$", description="The next_cursor of a list."
    )


class ActivityList(Frozen):
    """A page of what happened, newest first. Of a very busy day only the newest entries are kept."""

    items: tuple[Entry, ...]
    next_cursor: str | None = None


class Streak(Frozen):
    """Days in a row on which something happened; a streak lasts until a whole day has gone by without."""

    current_days: int
    longest_days: int = Field(description="Within the last 366 days.")
    active_today: bool


class UsageQuery(BaseModel):
    """Which month's usage is wanted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    month: str | None = Field(
        default=None, pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Of UTC; this month if left out."
    )


class MonthUsage(Counts):
    """What an account has used in a month, whether it is still there or not. Everything is always told."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)

    month: str


_COUNTED: dict[type[Event], Callable[[Any], Counts]] = {
    RecordingUploaded: lambda event: Counts(uploads=1, uploaded_bytes=event.size_bytes),
    DocumentUploaded: lambda event: Counts(uploads=1, uploaded_bytes=event.size_bytes),
    DocumentRead: lambda event: Counts(pages=event.pages),
    JobRequested: lambda _: Counts(jobs=1),
    RecordingTranscribed: lambda event: Counts(transcribed_seconds=event.duration_seconds),
    RecordingAnalysed: lambda _: Counts(analyses=1),
    RecordingExported: lambda _: Counts(exports=1),
    RecordingDeleted: lambda _: Counts(deletions=1),
}


def counted(event: Event) -> Counts | None:
    """What the fact counts as; None for one that is no activity of a person."""
    count = _COUNTED.get(type(event))
    return count(event) if count else None


def streak_of(active: set[date], today: date) -> Streak:
    """The streak that those days make."""
    last = today if today in active else today - timedelta(days=1)
    current = longest = run = 0
    for day in sorted(active):
        run = run + 1 if day - timedelta(days=1) in active else 1
        longest = max(longest, run)
        current = run if day == last else current
    return Streak(current_days=current, longest_days=longest, active_today=today in active)
