"""The face of every analyst: a text goes in, the four analyses come out, each statement with its moment or page."""

from typing import Protocol

from schemas.analyses import Analyses, Citation
from schemas.documents import DocumentText
from schemas.transcripts import Segment, Transcript

NO_SPEECH = "No speech was found in this recording."
NO_TEXT = "No text was found in this document."
"""The summaries of what has no words, whoever analyses."""

Material = Transcript | DocumentText
"""What can be analysed."""


class Analyst(Protocol):
    """One way of analysing texts. Safe to share between tasks, and a repeat is harmless."""

    @property
    def name(self) -> str:
        """The provider's name as the analyses carry it."""

    async def analyse(self, material: Material) -> Analyses:
        """The four analyses. Each citation names a segment of the transcript, and times lie within it; or a page.

        What is without words gives NO_SPEECH or NO_TEXT, and empty lists. Never holds the loop for more than a few
        milliseconds. Raises Retryable and Permanent.
        """


def has_words(transcript: Transcript) -> bool:
    """Whether anything was said."""
    return any(segment.text.strip() for segment in transcript.segments)


def cite(segment: Segment) -> Citation:
    """The citation of a whole segment."""
    return Citation(start=segment.start, end=max(segment.start, segment.end), segment_id=segment.id)
