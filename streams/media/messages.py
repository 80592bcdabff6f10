"""What the media functions tell their caller while they work: small, frozen, picklable. Positions are in seconds."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import Base64Bytes

from schemas.media import Probe, Scene


@dataclass(frozen=True)
class Progress:
    """How far the work is, from 0 to 1. Never goes back."""

    fraction: float


@dataclass(frozen=True)
class SpeechPart:
    """The next stretch of speech audio: raw mono s16le at SPEECH_SAMPLE_RATE, complete on disk."""

    index: int
    start: float
    end: float
    path: Path


@dataclass(frozen=True)
class MediaFile:
    """A finished file in the working directory. `copied` where its streams were not encoded again."""

    path: Path
    size_bytes: int
    copied: bool = False

    @classmethod
    def at(cls, path: Path, *, copied: bool = False) -> "MediaFile":
        """The file at `path`, with the size it has now."""
        return cls(path, path.stat().st_size, copied)


@dataclass(frozen=True)
class Loudness:
    """How loud the speech audio is. dBFS of the whole and of its peak, and the share of it (0 to 1) that is silence."""

    rms_dbfs: float
    peak_dbfs: float
    silent_share: float


@dataclass(frozen=True)
class AudioDone:
    """The end of `extract_audio`. Without sound only `duration_seconds` (of the whole medium) is set."""

    has_audio: bool
    duration_seconds: float
    audio_seconds: float = 0.0
    wav: MediaFile | None = None
    m4a: MediaFile | None = None
    loudness: Loudness | None = None
    waveform: MediaFile | None = None


@dataclass(frozen=True)
class Picture:
    """A JPEG of the picture at a position."""

    at: float
    path: Path
    width: int
    height: int


@dataclass(frozen=True)
class RenderDone:
    """The end of `render`. Without a picture `video` is None and nothing was written."""

    duration_seconds: float
    has_video: bool = False
    width: int = 0
    height: int = 0
    frames: int = 0
    video: MediaFile | None = None
    poster: Picture | None = None
    thumbnails: tuple[Picture, ...] = ()
    scenes: tuple[Scene, ...] = ()


@dataclass(frozen=True)
class ScenesFound:
    """The end of `find_scenes`. Without a picture there are none."""

    has_video: bool
    scenes: tuple[Scene, ...] = ()


@dataclass(frozen=True)
class LiveTracks:
    """What a growing recording has, as soon as enough of it came to know."""

    has_sound: bool


@dataclass(frozen=True)
class LiveSound:
    """The next stretch of the speech audio of a growing recording: raw mono s16le at SPEECH_SAMPLE_RATE."""

    start: float
    pcm: Base64Bytes


AudioMessage = Probe | Progress | SpeechPart | AudioDone
RenderMessage = Progress | RenderDone
ScenesMessage = Progress | ScenesFound
LiveMessage = LiveTracks | LiveSound
