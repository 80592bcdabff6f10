"""What a file says about itself before anything of it is decoded."""

from pathlib import Path

from schemas.media import Probe
from streams.media.source import Source, opened


def probe(source: str | Path) -> Probe:
    """Reads the headers of the recording at a local path or http(s) address. Blocks. Raises as `source.opened` does."""
    with opened(source) as recording:
        return described(recording)


def described(recording: Source) -> Probe:
    """The probe of a recording that is already open."""
    video, audio = recording.video, recording.audio
    return Probe(
        container=recording.container.format.name,
        duration_seconds=recording.duration,
        has_video=video is not None,
        has_audio=audio is not None,
        video_codec=video.codec_context.codec.canonical_name if video else None,
        audio_codec=audio.codec_context.codec.canonical_name if audio else None,
        width=video.width if video else None,
        height=video.height if video else None,
    )
