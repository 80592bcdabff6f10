"""What a client sends to put a transcript or an action item right."""

from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.requests import Plain, Request, plain


def _said(text: str) -> str:
    if not text:
        raise ValueError("must not be empty; null brings back what was heard")
    return text


Said = Annotated[str, Field(max_length=5000), AfterValidator(plain), AfterValidator(_said)]
Named = Annotated[str, Field(max_length=100), AfterValidator(plain), AfterValidator(_said)]


class SpeakerChange(Request):
    """The name of whoever a transcript calls `speaker`; null takes it back."""

    speaker: Plain = Field(max_length=200)
    name: Named | None


class SegmentChange(Request):
    """What was really said in a segment; null brings back what was heard."""

    id: int = Field(ge=0, le=2**31)
    text: Said | None


class TranscriptChange(Request):
    """What of a transcript is to be another. What is left out stays."""

    speakers: tuple[SpeakerChange, ...] = Field(default=(), max_length=100)
    segments: tuple[SegmentChange, ...] = Field(default=(), max_length=200)


class ActionItemChange(Request):
    """Whether an action item is done."""

    done: bool
