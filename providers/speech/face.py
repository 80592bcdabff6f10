"""The face of every speech-to-text provider: sound goes in as it comes, final segments come out."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

from pydantic import Field

from schemas.model import Frozen
from schemas.transcripts import Segment


class Heard(Frozen):
    """What became final. Segment ids go on from the previous Heard; a segment is never said again or changed.

    `until` is how many seconds of sound are covered so far and only grows. `language` is a BCP 47 tag, None while
    nothing was said.
    """

    segments: tuple[Segment, ...] = ()
    until: float = Field(ge=0)
    language: str | None = None


class SpeechToText(Protocol):
    """One way of turning speech into text. Safe to share between tasks; a repeat gives the same result or a better."""

    @property
    def name(self) -> str:
        """The provider's name as a transcript carries it."""

    def transcribe(self, pcm: AsyncIterator[bytes]) -> AsyncGenerator[Heard, None]:
        """Yields at least one Heard; the last one covers all of the sound.

        `pcm` is signed 16-bit little-endian mono at 16 kHz in pieces of any length, cut anywhere; it may come slowly,
        and waiting for it counts against no timeout. Silence gives no segments and is no failure. Raises Retryable and
        Permanent. Closing the iterator ends the work and whatever it opened.
        """
