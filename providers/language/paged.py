"""Documents as analysts read them: each page is a segment, and what is a clock to a transcript counts pages.

A page lasts from its number to the next; so a place between is a place on that page, and what an analyst says of a
time says of a page as well. Afterwards numbers and times are put back as pages.
"""

import math
from typing import TypeVar

from schemas.analyses import ActionItem, Analyses, Citation, KeyPoint, SentimentSpan
from schemas.documents import DocumentText
from schemas.transcripts import Segment, Transcript

T = TypeVar("T", ActionItem, KeyPoint)


def as_transcript(document: DocumentText) -> Transcript:
    """The document laid out as a transcript, a segment each page."""
    segments = tuple(
        Segment(id=page.number, start=page.number, end=page.number + 1, text=page.text) for page in document.pages
    )
    return Transcript(language=document.language, segments=segments)


def on_pages(analyses: Analyses) -> Analyses:
    """The analyses of such a transcript, with pages in the place of times and segments."""
    summary, actions, points, mood = analyses.summary, analyses.action_items, analyses.key_points, analyses.sentiment
    actions = actions.model_copy(update={"items": tuple(map(_placed, actions.items))})
    points = points.model_copy(update={"items": tuple(map(_placed, points.items))})
    mood = mood.model_copy(update={"timeline": tuple(map(_spread, mood.timeline))})
    return Analyses(
        summary=summary.model_copy(update=_cited(summary.citations)),
        action_items=actions.model_copy(update=_cited(actions.citations)),
        key_points=points.model_copy(update=_cited(points.citations)),
        sentiment=mood.model_copy(update=_cited(mood.citations)),
    )


def _placed(item: T) -> T:
    page = None if item.at is None else math.floor(item.at)
    return item.model_copy(update={"at": None, "page": page, **_cited(item.citations)})


def _cited(citations: tuple[Citation, ...]) -> dict[str, tuple[Citation, ...]]:
    """Each page once, in the order in which they are cited."""
    pages = dict.fromkeys(citation.segment_id for citation in citations)
    return {"citations": tuple(Citation(page=page) for page in pages)}


def _spread(span: SentimentSpan) -> SentimentSpan:
    assert span.start is not None
    assert span.end is not None
    first = math.floor(span.start)
    last = max(first, math.ceil(span.end) - 1)
    return SentimentSpan(first_page=first, last_page=last, label=span.label, score=span.score)
