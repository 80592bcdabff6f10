"""Opens the source of a recording, which is hostile, and translates what FFmpeg says about it.

Only real containers, only decoders of the list, only pictures of a sane size, and nothing but the one source: a
playlist, a list of files or a subtitle in the clothes of a recording can never open another file or address.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from schemas.failures import Permanent, Retryable
from streams.media.allowed import DECODER_LIST, DECODERS, FORMATS, GROWING_FORMATS
from streams.media.limits import MAX_PIXELS, Allowance
from streams.media.memory import short_of_memory
from streams.media.picture import with_known_colours
from streams.media.reading import Unreadable, reading
from streams.media.timeline import Timeline

F = TypeVar("F", AudioFrame, VideoFrame)

_NO_PROTOCOL = "none"
_BUFFER_BYTES = 128 * 1024
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_OPTIONS = {
    "format_whitelist": FORMATS,
    "codec_whitelist": DECODER_LIST,
    "protocol_whitelist": _NO_PROTOCOL,
    "max_pixels": str(MAX_PIXELS),
}
_OPTIONS_WHILE_GROWING = {**_OPTIONS, "format_whitelist": GROWING_FORMATS, "probesize": "32768"}
"""By default FFmpeg reads the first seconds of a recording before it gives out anything of it."""

_BUFFER_BYTES_WHILE_GROWING = 32 * 1024


class Following(Protocol):
    """Bytes that come one after the other, as FFmpeg reads them: without a way back."""

    name: str

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end. Blocks."""


@dataclass
class Source:
    """An open recording: its container, the one picture and the one sound stream that count, and its clock."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    timeline: Timeline
    allowance: Allowance

    @property
    def duration(self) -> float | None:
        """Seconds, as the container claims; None where it does not know."""
        claimed = self.container.duration
        return claimed / av.time_base if claimed and claimed > 0 else None

    def packets(self) -> "Iterator[Packet[Stream]]":
        """Every packet of the two streams with its times made positions, then one empty packet for each decoder.

        A file that breaks off or turns to garbage ends there; a source that cannot be read raises.
        """
        demuxer = self.container.demux([stream for stream in (self.video, self.audio) if stream is not None])
        while (packet := _next(demuxer)) is not None:
            if packet.size:
                self._place(packet)
            yield packet

    def fraction(self, packet: "Packet[Stream]") -> float:
        """How far `packet` is, 0 to 1: by position where the duration is known, else by bytes read."""
        if self.duration:
            return min(self.timeline.head / self.duration, 1.0)
        size = self.container.size
        return min(packet.pos / size, 1.0) if packet.pos and packet.pos > 0 and size > 0 else 0.0

    def sound_frames(self, packet: "Packet[Stream]") -> list[AudioFrame]:
        """The sound that `packet` completes: none where it is damaged. Raises Permanent(decoded_limit)."""
        return self._counted([frame for frame in _decoded(packet) if isinstance(frame, AudioFrame)])

    def picture_frames(self, packet: "Packet[Stream]") -> list[VideoFrame]:
        """The pictures that `packet` completes: none where it is damaged, or a picture larger than may be.

        Raises Permanent(decoded_limit).
        """
        frames = [frame for frame in _decoded(packet) if isinstance(frame, VideoFrame)]
        return self._counted([with_known_colours(frame) for frame in frames])

    def _counted(self, frames: list[F]) -> list[F]:
        for frame in frames:
            self.allowance.take(frame)
        return frames

    def _place(self, packet: "Packet[Stream]") -> None:
        base = packet.time_base
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            packet.pts = packet.dts = round(self.timeline.end_of(packet.stream.index) / base)
            return
        lasting = float((packet.duration or 0) * base)
        ticks = round(self.timeline.shift(packet.stream.index, float(stamp * base), lasting) / base)
        packet.pts = stamp - ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts - ticks


@contextmanager
def opened(source: str | Path, allowance: Allowance | None = None) -> Iterator[Source]:
    """The recording at a local path or an http(s) address, open for the length of the block.

    What is decoded of it is counted against `allowance`. Raises Permanent (not_media, no_streams, picture_too_large) or
    Retryable (source_unreadable): that one also at the end of the block, in the place of whatever else was raised or
    made of a source that broke off because it could not be read.
    """
    with translated(), reading(source) as file:
        try:
            with _container(file) as container:
                yield _source(container, allowance or Allowance())
        except Exception as error:
            if file.failure is not None:
                raise file.failure from error
            raise
        if file.failure is not None:
            raise file.failure


@contextmanager
def followed(file: Following) -> Iterator[Source]:
    """A recording that is still growing, open for the length of the block. Blocks until its tracks are known.

    Raises Permanent (not_media, no_streams, picture_too_large).
    """
    with _container(file, _OPTIONS_WHILE_GROWING, _BUFFER_BYTES_WHILE_GROWING) as container:
        yield _source(container, Allowance())


@contextmanager
def translated() -> Iterator[None]:
    """Turns what FFmpeg raises inside the block into a step's failure, but for a file that is too large to be written.

    To be the innermost of blocks that free memory on leaving: how much is in use tells what the matter was.
    """
    try:
        yield
    except Unreadable as failure:
        raise Retryable("source_unreadable", "The stored file could not be read to its end.") from failure
    except MemoryError as failure:
        raise _out_of_memory() from failure
    except (av.error.FFmpegError, OSError) as failure:
        if getattr(failure, "errno", None) in _NO_ROOM:
            raise Retryable("disk_full", "There is no room left to work on the file.") from failure
        if getattr(failure, "errno", None) == errno.EFBIG:
            raise  # the limit of what may be written: see providers/child_limits
        if short_of_memory():
            raise _out_of_memory() from failure
        if not isinstance(failure, av.error.FFmpegError) or failure.errno == errno.EIO:
            raise  # our own disk: the source reads as Unreadable, or is taken for broken where it is read
        raise Permanent("undecodable", "The file could not be decoded.") from failure


def _out_of_memory() -> Permanent:
    return Permanent("memory_limit", "The file needs more memory than its decoder may have (MEDIA_MEMORY_MB).")


def first_picture(source: str | Path, allowance: Allowance | None = None) -> VideoFrame | None:
    """The first picture that decodes, read by an opening of its own; None where there is none."""
    with opened(source, allowance) as recording:
        if recording.video is None:
            return None
        if recording.audio is not None:
            recording.audio.discard = Discard.all
            recording.audio = None
        return next((frame for packet in recording.packets() for frame in recording.picture_frames(packet)), None)


def _container(
    file: Following, options: dict[str, str] = _OPTIONS, buffer_bytes: int = _BUFFER_BYTES
) -> InputContainer:
    try:
        return av.open(file, "r", options=options, metadata_errors="replace", buffer_size=buffer_bytes)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as failure:
        raise Permanent("not_media", "The file is not a recording in a known format, or it is cut off.") from failure


def _source(container: InputContainer, allowance: Allowance) -> Source:
    video, audio = _video(container), _audio(container)
    if video is None and audio is None:
        raise Permanent("no_streams", "The file has neither a picture nor a sound that can be decoded.")
    for stream in container.streams:
        if stream not in (video, audio):
            stream.discard = Discard.all
    timeline = Timeline((container.start_time or 0) / av.time_base, sound=audio is not None)
    return Source(container, video, audio, timeline, allowance)


def _video(container: InputContainer) -> VideoStream | None:
    for stream in container.streams.video:
        cover = stream.disposition & (Disposition.attached_pic | Disposition.still_image)
        if cover or not _decodable(stream):
            continue
        if stream.width * stream.height > MAX_PIXELS:
            raise Permanent("picture_too_large", f"The picture is {stream.width} by {stream.height} pixels: too large.")
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.thread_type = "AUTO"
        return stream
    return None


def _audio(container: InputContainer) -> AudioStream | None:
    best = container.streams.best("audio")
    streams: Iterable[Stream] = (*([best] if best is not None else ()), *container.streams.audio)
    return next((stream for stream in streams if isinstance(stream, AudioStream) and _decodable(stream)), None)


def _decodable(stream: AudioStream | VideoStream) -> bool:
    return stream.codec_context is not None and stream.codec_context.codec.name in DECODERS


def _next(demuxer: "Iterator[Packet[Stream]]") -> "Packet[Stream] | None":
    try:
        return next(demuxer, None)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return None


def _decoded(packet: "Packet[Stream]") -> Sequence[object]:
    try:
        return packet.decode()
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as failure:
        if short_of_memory():
            raise MemoryError from failure
        return ()
