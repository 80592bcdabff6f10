"""The audio pass: speech audio in parts as soon as it is decoded, then the WAV and the .m4a. No picture is decoded."""

from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.stream import AudioStream

from schemas.failures import Permanent
from streams.media.limits import Allowance
from streams.media.messages import AudioDone, AudioMessage, MediaFile
from streams.media.probe import described
from streams.media.progress import ProgressMeter
from streams.media.sound import FAST_START, sound_track
from streams.media.source import Source, first_picture, opened, translated
from streams.media.speech import SpeechFiles


def extract_audio(source: str | Path, workdir: Path, decoded_bytes: int | None = None) -> Iterator[AudioMessage]:
    """Reads the recording once, decoding only its sound. Yields its Probe, SpeechParts and Progress, then AudioDone.

    Position N seconds in the WAV is position N seconds in the recording, also across gaps. A recording without sound
    yields no part. Blocks. Raises Permanent (not_media, no_streams, picture_too_large, media_too_long, undecodable,
    memory_limit, or decoded_limit beyond `decoded_bytes`) or Retryable (source_unreadable, disk_full).
    """
    with translated(), opened(source, Allowance(decoded_bytes)) as recording:
        yield described(recording)
        if recording.audio is None:
            yield from _silent(recording)
        else:
            yield from _sounding(source, recording, recording.audio, workdir)


def _silent(recording: Source) -> Iterator[AudioMessage]:
    meter = ProgressMeter(recording)
    for packet in recording.packets():
        yield from meter.after(packet)
    yield AudioDone(has_audio=False, duration_seconds=recording.timeline.head)


def _sounding(source: str | Path, recording: Source, sound: AudioStream, workdir: Path) -> Iterator[AudioMessage]:
    path = workdir / "audio.m4a"
    with SpeechFiles(workdir) as speech, av.open(path, "w", format="ipod", options=FAST_START) as output, translated():
        track, meter = sound_track(output, sound), ProgressMeter(recording)
        for packet in recording.packets():
            yield from meter.after(packet)
            if packet.stream_index == sound.index:
                frames = recording.sound_frames(packet)
                for frame in frames:
                    yield from speech.feed(frame)
                track.write(packet, frames)
        yield from speech.drain()
        track.close()
    yield _done(source, recording, speech, path, copied=track.copied)


def _done(source: str | Path, recording: Source, speech: SpeechFiles, path: Path, *, copied: bool) -> AudioDone:
    media_seconds = recording.timeline.head
    if speech.seconds == 0:
        if recording.video is None or first_picture(source, recording.allowance) is None:
            raise Permanent("undecodable", "Nothing of what is in the file could be decoded.")
        return AudioDone(has_audio=False, duration_seconds=media_seconds)
    return AudioDone(
        has_audio=True,
        duration_seconds=max(media_seconds, speech.seconds),
        audio_seconds=speech.seconds,
        wav=MediaFile.at(speech.path),
        m4a=MediaFile.at(path, copied=copied),
        loudness=speech.loudness(),
        waveform=MediaFile.at(speech.waveform()),
    )
