"""Pictures made fit: to the one size, turn and pixel format of a rendition, and to small JPEGs."""

from fractions import Fraction

import av
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from streams.media.limits import MAX_OUTPUT_PIXELS

_FULL_RANGE = 2
_TURNS = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}
_QUALITY = 5
_UNSPECIFIED = 2
_COLOURS = {
    "colorspace": frozenset((0, 1, 2, 4, 5, 6, 7, 9)),
    "color_primaries": frozenset((1, 2, *range(4, 23))),
    "color_trc": frozenset((1, 2, 4, 5, 6, 7, 8, *range(11, 19))),
    "color_range": frozenset((0, 1, 2)),
}
"""The numbers of ITU-T H.273 that FFmpeg converts from. Files carry others too, the reserved ones included."""


def with_known_colours(frame: VideoFrame) -> VideoFrame:
    """The picture; where it claims colours that FFmpeg cannot convert, it now claims none."""
    for name, known in _COLOURS.items():
        if getattr(frame, name) not in known:
            setattr(frame, name, 0 if name == "color_range" else _UNSPECIFIED)
    return frame


class Fitter:
    """Makes every picture of a stream the size, turn and format of the first one.

    The first picture decides: its size (upright, even, at most MAX_OUTPUT_PIXELS) and its colours. A picture of another
    size is scaled to fit and gets black bars; one that fits already passes untouched.
    """

    def __init__(self, first: VideoFrame) -> None:
        self.width, self.height = output_size(first)
        self.pixels = "yuvj420p" if first.format.name == "yuvj420p" else "yuv420p"
        self._shape: tuple[int, int, str, int] | None = None
        self._graph: Graph | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """The picture as the rendition has it, with the same time."""
        shape = (frame.width, frame.height, frame.format.name, frame.rotation % 360)
        if shape == (self.width, self.height, self.pixels, 0):
            return frame
        if shape != self._shape or self._graph is None:
            self._shape, self._graph = shape, self._graph_for(frame)
        at, base = frame.pts, frame.time_base
        self._graph.push(frame)
        fitted = self._graph.vpull()
        fitted.pts, fitted.time_base = at, base
        return fitted

    def _graph_for(self, frame: VideoFrame) -> Graph:
        size = f"w={self.width}:h={self.height}"
        steps = [
            *_TURNS.get(frame.rotation % 360, ()),
            f"scale={size}:force_original_aspect_ratio=decrease:force_divisible_by=1",
            f"format={self.pixels}",
            f"pad={size}:x=(ow-iw)/2:y=(oh-ih)/2",
        ]
        return chain(frame, steps)


def output_size(frame: VideoFrame) -> tuple[int, int]:
    """Width and height of the rendition of a picture: upright, even, within MAX_OUTPUT_PIXELS."""
    width, height = (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)
    scale = min((MAX_OUTPUT_PIXELS / (width * height)) ** 0.5, 1.0)
    return _even(width * scale), _even(height * scale)


def chain(frame: VideoFrame, steps: list[str]) -> Graph:
    """A graph for pictures like `frame` that goes through `steps` (name=arguments) one after another."""
    graph = Graph()
    graph.threads = 1
    base = frame.time_base or Fraction(1, 1000)
    nodes = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=base)]
    for step in steps:
        name, _, arguments = step.partition("=")
        nodes.append(graph.add(name, arguments or None))
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


class JpegWriter:
    """Encodes pictures as JPEGs of at most `width` pixels across. Small ones keep their size."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._encoder: VideoCodecContext | None = None

    def shrunk(self, frame: VideoFrame) -> VideoFrame:
        """The picture in the size and colours that `encoded` wants."""
        width = min(self._width, frame.width)
        height = max(round(frame.height * width / frame.width), 1)
        return frame.reformat(width, height, "yuvj420p", interpolation="AREA", dst_color_range="JPEG")

    def encoded(self, small: VideoFrame) -> bytes:
        """The bytes of one JPEG."""
        encoder = self._encoder
        if encoder is None or (encoder.width, encoder.height) != (small.width, small.height):
            encoder = self._encoder = _jpeg_encoder(small.width, small.height)
        small.pts, small.time_base = None, encoder.time_base
        return b"".join(bytes(packet) for packet in encoder.encode(small))


def _jpeg_encoder(width: int, height: int) -> VideoCodecContext:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.color_range = _FULL_RANGE
    encoder.qmin = encoder.qmax = _QUALITY
    return encoder


def _even(length: float) -> int:
    return max((int(length) + 1) // 2 * 2, 2)
