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


class SpeakerName(Frozen):
    """The name that a person has given to whoever the segments call `speaker`."""

    speaker: str
    name: str


class Transcript(Frozen):
    """A whole transcript. `language` is a BCP 47 tag, None where nothing was said. `complete` is false while
    transcription runs. `speakers` has the names that people gave.
    """

    language: str | None = None
    provider: str | None = None
    text: str = ""
    complete: bool = True
    speakers: tuple[SpeakerName, ...] = ()
    segments: tuple[Segment, ...] = ()

    def named(self) -> tuple[Segment, ...]:
        """The segments, with the names that people gave in the place of the labels."""
        names: dict[str | None, str] = {entry.speaker: entry.name for entry in self.speakers}
        return tuple(
            segment.model_copy(update={"speaker": names[segment.speaker]}) if segment.speaker in names else segment
            for segment in self.segments
        )
