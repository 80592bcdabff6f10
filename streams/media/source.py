"""Opens the source of a recording, which is hostile, and translates what FFmpeg says about it.

Only real containers, only the one protocol of the source itself, only pictures of a sane size: a playlist, a list of
files or a subtitle in the clothes of a recording can never open another file or address.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
from streams.media.limits import MAX_PIXELS, READ_TIMEOUT
from streams.media.timeline import Timeline

FORMATS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,ogg,wav,w64,mp3,flac,aac,mpegts,mpeg,flv,asf,aiff,caf,amr"
_PROTOCOLS = {"file": "file", "http": "http,tcp", "https": "https,tls,tcp"}
_READ_FAILURES = (av.error.HTTPError, av.error.HTTPClientError, av.error.ExitError, OSError)
_OUR_FAILURES = {errno.ENOSPC, errno.EDQUOT}


@dataclass
class Source:
    """An open recording: its container, the one picture and the one sound stream that count, and its clock."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    timeline: Timeline

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
def opened(source: str | Path) -> Iterator[Source]:
    """The recording at a local path or an http(s) address, open for the length of the block.

    Raises Permanent (not_media, no_streams, picture_too_large) or Retryable (source_unreadable).
    """
    with translated(), _container(str(source)) as container:
        video, audio = _video(container), _audio(container)
        if video is None and audio is None:
            raise Permanent("no_streams", "The file has neither a picture nor a sound that can be decoded.")
        for stream in container.streams:
            if stream not in (video, audio):
                stream.discard = Discard.all
        yield Source(container, video, audio, Timeline((container.start_time or 0) / av.time_base))


@contextmanager
def translated() -> Iterator[None]:
    """Turns what FFmpeg raises inside the block into a step's failure."""
    try:
        yield
    except _READ_FAILURES as failure:
        if getattr(failure, "errno", None) in _OUR_FAILURES:
            raise Retryable("disk_full", "There is no room left to work on the file.") from failure
        raise Retryable("source_unreadable", "The stored file could not be read to its end.") from failure
    except av.error.MemoryError as failure:
        raise Permanent("undecodable", "The file asks for more memory than a recording needs.") from failure
    except av.error.FFmpegError as failure:
        raise Permanent("undecodable", "The file could not be decoded.") from failure


def sound_frames(packet: "Packet[Stream]") -> list[AudioFrame]:
    """The sound that `packet` completes: none where it is damaged."""
    return [frame for frame in _decoded(packet) if isinstance(frame, AudioFrame)]


def picture_frames(packet: "Packet[Stream]") -> list[VideoFrame]:
    """The pictures that `packet` completes: none where it is damaged, or a picture larger than may be."""
    return [frame for frame in _decoded(packet) if isinstance(frame, VideoFrame)]


def first_picture(source: str | Path) -> VideoFrame | None:
    """The first picture that decodes, read by an opening of its own; None where there is none."""
    with opened(source) as recording:
        if recording.video is None:
            return None
        if recording.audio is not None:
            recording.audio.discard = Discard.all
            recording.audio = None
        return next((frame for packet in recording.packets() for frame in picture_frames(packet)), None)


def _container(source: str) -> InputContainer:
    scheme = source.partition("://")[0] if source.startswith(("http://", "https://")) else "file"
    address = f"file:{source}" if scheme == "file" else source
    try:
        return av.open(address, "r", options=_options(scheme), metadata_errors="replace", timeout=READ_TIMEOUT)
    except (av.error.InvalidDataError, av.error.ArgumentError, av.error.EOFError) as failure:
        raise Permanent("not_media", "The file is not a recording in a known format, or it is cut off.") from failure


def _options(scheme: str) -> dict[str, str]:
    limits = {"format_whitelist": FORMATS, "protocol_whitelist": _PROTOCOLS[scheme], "max_pixels": str(MAX_PIXELS)}
    if scheme == "file":
        return limits
    network = {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "4", "max_redirects": "0"}
    return limits | network | {"rw_timeout": str(int(READ_TIMEOUT * 1_000_000))}


def _video(container: InputContainer) -> VideoStream | None:
    for stream in container.streams.video:
        cover = stream.disposition & (Disposition.attached_pic | Disposition.still_image)
        if cover or stream.codec_context is None:
            continue
        if stream.width * stream.height > MAX_PIXELS:
            raise Permanent("picture_too_large", f"The picture is {stream.width} by {stream.height} pixels: too large.")
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        stream.thread_type = "AUTO"
        return stream
    return None


def _audio(container: InputContainer) -> AudioStream | None:
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) and best.codec_context is not None else None


def _next(demuxer: "Iterator[Packet[Stream]]") -> "Packet[Stream] | None":
    try:
        return next(demuxer, None)
    except (av.error.InvalidDataError, av.error.EOFError):
        return None


def _decoded(packet: "Packet[Stream]") -> Sequence[object]:
    try:
        return packet.decode()
    except (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError, av.error.EOFError):
        return ()
