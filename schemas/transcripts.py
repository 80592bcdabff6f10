"""A transcript: segments of speech with times. Positions are seconds from the start of the recording."""

from pydantic import Field

from schemas.model import Frozen


class Word(Frozen):
    """One word. `estimated` where the engine gave no time for it and the segment's time was shared out."""

    text: str
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    confidence: float | None = Field(default=None, ge=0, le=1)
    estimated: bool = False


class Segment(Frozen):
    """A run of speech by one speaker. `id` counts from 0 within the transcript and never changes."""

    id: int = Field(ge=0)
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    speaker: str | None = None
    text: str
    words: tuple[Word, ...] = ()


class Transcript(Frozen):
    """A whole transcript. `language` is a BCP 47 tag, None where nothing was said. `complete` is false while
    transcription runs.
    """

    language: str | None = None
    provider: str | None = None
    text: str = ""
    complete: bool = True
    segments: tuple[Segment, ...] = ()
