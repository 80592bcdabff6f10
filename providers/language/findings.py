"""What a model is asked to answer, how it is checked against the transcript, and how the parts become the analyses.

The field descriptions are part of the schema that the model gets. A statement about a segment that does not exist, or
was not in the part that was asked about, is dropped; times are the segment's own, never the model's.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field

from providers.language.face import cite
from schemas.analyses import (
    ActionItem,
    ActionItems,
    Analyses,
    Citation,
    KeyPoint,
    KeyPoints,
    Sentiment,
    SentimentLabel,
    SentimentSpan,
    Summary,
)
from schemas.transcripts import Segment

T = TypeVar("T", ActionItem, KeyPoint)

_CLEAR = 0.15
_NOT_UNDERSTOOD = ("title", "default")
"""Words of JSON Schema that Pydantic writes and Gemini does not document."""


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


Said = Annotated[str, AfterValidator(_not_empty)]


class FoundPoint(BaseModel):
    """A point worth remembering."""

    text: str = Field(description="The point, in one sentence.")
    segment: int = Field(description="The number of the segment that says it.")


class FoundAction(FoundPoint):
    """Something that is to be done."""

    owner: str | None = Field(default=None, description="Who is to do it, as named by the speaker; null if not said.")
    due: str | None = Field(default=None, description="Until when, in the speaker's words; null if not said.")


class FoundMood(BaseModel):
    """The sentiment of a stretch."""

    first_segment: int
    last_segment: int
    label: SentimentLabel
    score: float = Field(description="From -1, negative, to 1, positive.")


class Findings(BaseModel):
    """What the model found in one part of a transcript."""

    summary: Said
    summary_segments: list[int] = Field(description="The numbers of the segments that the summary rests on most.")
    action_items: list[FoundAction]
    key_points: list[FoundPoint]
    sentiment_label: SentimentLabel
    sentiment_score: float = Field(description="From -1, negative, to 1, positive.")
    sentiment_over_time: list[FoundMood]


class Merged(BaseModel):
    """The one summary of a recording that was summarised in parts."""

    summary: Said


def schema_of(shape: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of an answer, in the words that Gemini documents."""
    return _plain(shape.model_json_schema())


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {word: value for word, value in schema.items() if word not in _NOT_UNDERSTOOD}
    return {word: _plain(value) if isinstance(value, dict) else value for word, value in kept.items()}


class Checked:
    """The findings of one part, reduced to what its segments bear out."""

    def __init__(self, found: Findings, segments: Sequence[Segment]) -> None:
        self._found = found
        self._segments = {segment.id: segment for segment in segments}
        self.summary = found.summary
        self.label = found.sentiment_label
        self.score = _clamped(found.sentiment_score)
        self.seconds = max(segments[-1].end - segments[0].start, 0.001)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What the summary rests on, in order."""
        return tuple(
            cite(self._segments[number])
            for number in sorted(set(self._found.summary_segments))
            if number in self._segments
        )

    def action_items(self) -> Iterable[ActionItem]:
        """The action items of segments that exist."""
        for item in self._found.action_items:
            if segment := self._segments.get(item.segment):
                yield ActionItem(
                    text=item.text, at=segment.start, owner=item.owner, due=item.due, citations=(cite(segment),)
                )

    def key_points(self) -> Iterable[KeyPoint]:
        """The key points of segments that exist."""
        for point in self._found.key_points:
            if segment := self._segments.get(point.segment):
                yield KeyPoint(text=point.text, at=segment.start, citations=(cite(segment),))

    def moods(self) -> Iterable[SentimentSpan]:
        """The stretches between segments that exist, in the right order."""
        for mood in self._found.sentiment_over_time:
            first, last = self._segments.get(mood.first_segment), self._segments.get(mood.last_segment)
            if first and last and first.start <= last.end:
                yield SentimentSpan(start=first.start, end=last.end, label=mood.label, score=_clamped(mood.score))


def assemble(parts: Sequence[Checked], summary: str, provider: str) -> Analyses:
    """The analyses of the whole from the findings of its parts, in order of their moments, nothing said twice."""
    actions = _in_order(parts, Checked.action_items)
    points = _in_order(parts, Checked.key_points)
    citations = tuple(citation for part in parts for citation in part.citations)
    return Analyses(
        summary=Summary(text=summary, provider=provider, citations=citations),
        action_items=ActionItems(items=actions, provider=provider, citations=_cited(actions)),
        key_points=KeyPoints(items=points, provider=provider, citations=_cited(points)),
        sentiment=_sentiment(parts, provider),
    )


def _in_order(parts: Sequence[Checked], items: Callable[[Checked], Iterable[T]]) -> tuple[T, ...]:
    unique: dict[str, T] = {}
    for item in sorted((item for part in parts for item in items(part)), key=lambda item: item.at or 0):
        unique.setdefault(" ".join(item.text.casefold().split()).rstrip("."), item)
    return tuple(unique.values())


def _cited(items: Sequence[ActionItem] | Sequence[KeyPoint]) -> tuple[Citation, ...]:
    return tuple(citation for item in items for citation in item.citations)


def _sentiment(parts: Sequence[Checked], provider: str) -> Sentiment:
    score = sum(part.score * part.seconds for part in parts) / sum(part.seconds for part in parts)
    timeline = sorted((mood for part in parts for mood in part.moods()), key=lambda mood: mood.start or 0)
    return Sentiment(
        label=_label({part.label for part in parts}, score),
        score=round(_clamped(score), 3),
        timeline=tuple(timeline),
        provider=provider,
    )


def _label(labels: set[SentimentLabel], score: float) -> SentimentLabel:
    if len(labels) == 1:
        return next(iter(labels))
    if {"positive", "negative"} <= labels or "mixed" in labels:
        return "mixed"
    return "positive" if score >= _CLEAR else "negative" if score <= -_CLEAR else "neutral"


def _clamped(score: float) -> float:
    return min(max(score, -1.0), 1.0)
