"""What is known about a piece of media: its probe, its renditions, its scenes. Positions and durations in seconds."""

from enum import StrEnum

from pydantic import Field

from schemas.model import Frozen

SPEECH_SAMPLE_RATE = 16_000
"""Samples a second of the audio that speech is made from: mono, signed 16-bit little-endian."""

WAVEFORM_POINTS = 600


class RenditionKind(StrEnum):
    """The renditions a recording can have. Each kind exists at most once a recording."""

    VIDEO = "mp4"
    AUDIO = "m4a"
    SPEECH = "wav"
    POSTER = "poster"
    WAVEFORM = "waveform"
    """JSON: `peaks`, at most WAVEFORM_POINTS numbers from 0 to 1 over the whole length."""
    ORIGINAL = "original"
    PACKAGE = "package"


class Probe(Frozen):
    """What the container and its first packets say. `duration_seconds` is None where the container does not know."""

    container: str
    duration_seconds: float | None = None
    has_video: bool = False
    has_audio: bool = False
    video_codec: str | None = None
    audio_codec: str | None = None
    width: int | None = None
    height: int | None = None


class Rendition(Frozen):
    """One object made from a recording. `key` is its place in the object store and never leaves the service."""

    kind: RenditionKind
    content_type: str
    size_bytes: int = Field(ge=0)
    key: str
    copied: bool = Field(default=False, description="True where the streams were copied, not encoded again.")


class Thumbnail(Frozen):
    """A small JPEG of the picture at a position."""

    at: float = Field(ge=0)
    key: str
    width: int
    height: int


class Scene(Frozen):
    """A change of scene: the position of its first picture and the score (0 to 100) of the change into it."""

    at: float = Field(ge=0)
    score: float = Field(ge=0, le=100)
