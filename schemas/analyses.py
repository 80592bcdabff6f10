"""What is made from a transcript, or from the text of a document.

Every statement cites where it came from: of a recording the moment, in seconds, and of a document the page, from 1.
What belongs to the other kind is None.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.model import Frozen


class AnalysisKind(StrEnum):
    """The four analyses of every recording and document."""

    SUMMARY = "summary"
    ACTION_ITEMS = "action_items"
    KEY_POINTS = "key_points"
    SENTIMENT = "sentiment"


class Citation(Frozen):
    """Where a statement comes from: a position in seconds, and the segment there; or a page."""

    start: float | None = Field(default=None, ge=0)
    end: float | None = Field(default=None, ge=0)
    segment_id: int | None = Field(default=None, ge=0)
    page: int | None = Field(default=None, ge=1)


class ActionItem(Frozen):
    """Something that somebody said is to be done. `owner` and `due` in the speaker's own words.

    `done` is what a person has said of it since.
    """

    text: str
    at: float | None = Field(default=None, ge=0)
    page: int | None = Field(default=None, ge=1)
    owner: str | None = None
    due: str | None = None
    done: bool = False
    citations: tuple[Citation, ...] = ()


class KeyPoint(Frozen):
    """A point worth remembering."""

    text: str
    at: float | None = Field(default=None, ge=0)
    page: int | None = Field(default=None, ge=1)
    citations: tuple[Citation, ...] = ()


SentimentLabel = Literal["positive", "neutral", "negative", "mixed"]


class SentimentSpan(Frozen):
    """The mood of a stretch of the recording, or of some pages. `score` from -1 (negative) to 1 (positive)."""

    start: float | None = Field(default=None, ge=0)
    end: float | None = Field(default=None, ge=0)
    first_page: int | None = Field(default=None, ge=1)
    last_page: int | None = Field(default=None, ge=1)
    label: SentimentLabel
    score: float = Field(ge=-1, le=1)


class Summary(Frozen):
    """The summary, with the passages it rests on. `extractive`: made of sentences of the original."""

    text: str = ""
    provider: str
    extractive: bool = False
    citations: tuple[Citation, ...] = ()


class ActionItems(Frozen):
    """All action items, in order of their place."""

    items: tuple[ActionItem, ...] = ()
    provider: str
    extractive: bool = False
    citations: tuple[Citation, ...] = ()


class KeyPoints(Frozen):
    """All key points, in order of their place."""

    items: tuple[KeyPoint, ...] = ()
    provider: str
    extractive: bool = False
    citations: tuple[Citation, ...] = ()


class Sentiment(Frozen):
    """The mood overall, and over time or pages."""

    label: SentimentLabel = "neutral"
    score: float = Field(default=0, ge=-1, le=1)
    timeline: tuple[SentimentSpan, ...] = ()
    provider: str
    extractive: bool = False
    citations: tuple[Citation, ...] = ()


class Analyses(Frozen):
    """The four analyses of one transcript or document."""

    summary: Summary
    action_items: ActionItems
    key_points: KeyPoints
    sentiment: Sentiment
