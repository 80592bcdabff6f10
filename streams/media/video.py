"""The picture track of an MP4: copied where every browser plays it as it is, else encoded with its own times."""

from fractions import Fraction

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from streams.media.picture import Fitter

_COPYABLE_PIXELS = {"yuv420p", "yuvj420p"}
_FINEST = 90_000
_GRAIN = Fraction(1, _FINEST)
_MILLISECOND = Fraction(1, 1000)
_FRAME_GRID = Fraction(1, 120)
_NOMINAL_RATE = 30
_CROWDED = 2
"""Ticks by which a frame may be put off when the one before it has its tick. Beyond that it is dropped."""

_SETTINGS = {"preset": "veryfast", "crf": "23"}


class CopyRefused(Exception):
    """The track turned out not to be one that can be copied: its picture or its clock changes midway."""


def copyable(source: VideoStream, first: VideoFrame) -> bool:
    """Whether the stream can go into the MP4 as it is: H.264, 8 bit, 4:2:0."""
    return source.codec_context.name == "h264" and first.format.name in _COPYABLE_PIXELS


class CopiedPicture:
    """Copies packets. Its frames are decoded all the same, by the caller, and watched for a change of size."""

    copied = True

    def __init__(self, output: OutputContainer, source: VideoStream, first: VideoFrame) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(source, opaque=True)
        self.width, self.height = first.width, first.height
        self._last: int | None = None

    def write(self, packet: "Packet[Stream]", frames: list[VideoFrame]) -> list[VideoFrame]:
        """Adds one packet; gives back the frames, to be looked at. Raises CopyRefused."""
        if any((frame.width, frame.height) != (self.width, self.height) for frame in frames):
            raise CopyRefused
        if packet.size:
            self._copy(packet)
        return frames

    def close(self) -> None:
        """Ends the track; nothing is left to do."""

    def _copy(self, packet: "Packet[Stream]") -> None:
        if self._last is None and not packet.is_keyframe:
            return
        if packet.dts is None or (self._last is not None and packet.dts <= self._last):
            raise CopyRefused
        self._last = packet.dts
        packet.stream = self._stream
        self._output.mux(packet)


class EncodedPicture:
    """Encodes pictures as H.264, each at its own time: a variable rate stays one. Times are positions."""

    copied = False

    def __init__(self, output: OutputContainer, source: VideoStream, first: VideoFrame) -> None:
        self._output = output
        self._fitter = Fitter(first)
        self.width, self.height = self._fitter.width, self._fitter.height
        self._base = _output_base(source.time_base)
        self._stream = output.add_stream("libx264", _NOMINAL_RATE, dict(_SETTINGS), time_base=self._base)
        self._last: int | None = None
        self._set_up(source, first)

    def write(self, packet: "Packet[Stream]", frames: list[VideoFrame]) -> list[VideoFrame]:  # noqa: ARG002 - one face with CopiedPicture
        """Adds frames; gives back the ones that went in, as they went in."""
        return [fitted for frame in frames if (fitted := self._encode(frame)) is not None]

    def close(self) -> None:
        """Ends the track. The container is still to be closed."""
        self._output.mux(self._stream.encode(None))

    def _set_up(self, source: VideoStream, first: VideoFrame) -> None:
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = self.width, self.height, self._fitter.pixels
        context.time_base = self._base
        context.thread_type = "FRAME"  # the library's default slices each picture, which costs quality and time
        context.color_range, context.colorspace = first.color_range, first.colorspace
        context.color_primaries, context.color_trc = first.color_primaries, first.color_trc
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio

    def _tick(self, frame: VideoFrame) -> int | None:
        """The time of the frame in ticks of the track: after the last one, and never far from its own."""
        if frame.pts is None or frame.time_base is None:
            return None
        exact = round(frame.pts * frame.time_base / self._base)
        tick = exact if self._last is None else max(exact, self._last + 1)
        return tick if tick >= 0 and tick - exact <= _CROWDED else None

    def _encode(self, frame: VideoFrame) -> VideoFrame | None:
        tick = self._tick(frame)
        if tick is None:
            return None
        self._last = tick
        fitted = self._fitter.fit(frame)
        fitted.pts, fitted.time_base, fitted.pict_type = tick, self._base, PictureType.NONE
        self._output.mux(self._stream.encode(fitted))
        return fitted


def _output_base(source: Fraction | None) -> Fraction:
    # A clock of milliseconds says nothing about the rate of the pictures, and written into an MP4 it reads as 1,000 of
    # them a second. The grid holds the usual rates (24, 30, 40, 60, 120) and is never off by more than 4 ms.
    if source == _MILLISECOND:
        return _FRAME_GRID
    return source if source is not None and source.numerator == 1 and source.denominator <= _FINEST else _GRAIN
