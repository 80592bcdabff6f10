"""The face of every analyst: a transcript goes in, the four analyses come out, each statement with its moment."""

from typing import Protocol

from schemas.analyses import Analyses, Citation
from schemas.transcripts import Segment, Transcript

NO_SPEECH = "No speech was found in this recording."
"""The summary of a transcript without words, whoever analyses."""


class Analyst(Protocol):
    """One way of analysing a transcript. Safe to share between tasks, and a repeat is harmless."""

    @property
    def name(self) -> str:
        """The provider's name as the analyses carry it."""

    async def analyse(self, transcript: Transcript) -> Analyses:
        """The four analyses. Each citation names a segment of the transcript, and times lie within it.

        A transcript without words gives NO_SPEECH and empty lists. Never holds the loop for more than a few
        milliseconds. Raises Retryable and Permanent.
        """


def has_words(transcript: Transcript) -> bool:
    """Whether anything was said."""
    return any(segment.text.strip() for segment in transcript.segments)


def cite(segment: Segment) -> Citation:
    """The citation of a whole segment."""
    return Citation(start=segment.start, end=max(segment.start, segment.end), segment_id=segment.id)
