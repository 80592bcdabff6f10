"""Sound on the recording's clock: frames resampled without a hole, and the AAC track made from them or copied."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

FAST_START = {"movflags": "+faststart"}
"""Options of an MP4 that plays while it is still being fetched: its index lies before its media."""

_JITTER = "0.1"
"""Seconds by which a timestamp may be off before silence goes in or sound is dropped: browsers jitter by hundredths."""

_FILLED_BY_HAND = 0.5
"""Seconds of a gap from which silence is fed in slices, so that no gap is ever one huge frame in memory."""

_BIT_RATES = {"mono": 96_000, "stereo": 128_000}
_AAC_SETTINGS = {"aac_coder": "fast", "aac_ms": "0"}
"""A third of the work of the encoder's defaults, at bit rates where speech has no use for the rest."""

_AAC_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)


class Steady:
    """Makes frames of one rate, layout and format with sample N at N / rate seconds of the recording.

    Gaps become silence, overlaps are dropped, sound that starts late starts with silence, a format that changes midway
    changes nothing. Frames come with times that are positions.
    """

    def __init__(self, rate: int, layout: str, sample_format: str) -> None:
        self._rate, self._layout, self._format = rate, layout, sample_format
        self._made = 0
        self._end = 0.0
        self._shape: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def feed(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """The frames that are ready with `frame`."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            yield from self.drain()
            self._shape, self._resampler = shape, self._aligned(frame.sample_rate)
        start = self._end if frame.time is None else frame.time
        if start - self._end > _FILLED_BY_HAND:
            for silence in _silences(frame, self._end, start):
                yield from self._resampled(silence)
        self._end = max(self._end, start + frame.samples / frame.sample_rate)
        yield from self._resampled(frame)

    def drain(self) -> Iterator[AudioFrame]:
        """What is left. More can be fed afterwards."""
        yield from self._resampled(None)
        self._shape, self._resampler = None, None

    def _resampled(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        for made in self._resampler.resample(frame) if self._resampler is not None else ():
            made.pts, made.time_base = self._made, Fraction(1, self._rate)
            self._made += made.samples
            yield made

    def _aligned(self, source_rate: int) -> AudioResampler:
        first = round(self._made * source_rate / self._rate)
        options = {"async": "1", "min_hard_comp": _JITTER, "first_pts": str(first)}
        return AudioResampler(self._format, self._layout, self._rate, options=options)


class EncodedSound:
    """An AAC track encoded from the frames of a stream: its rate and at most two channels."""

    copied = False

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        rate = next((rate for rate in _AAC_RATES if rate <= source.rate), _AAC_RATES[-1])
        layout = "mono" if source.codec_context.channels == 1 else "stereo"
        self._output = output
        self._steady = Steady(rate, layout, "fltp")
        options = dict(_AAC_SETTINGS)
        self._stream = output.add_stream("aac", rate, options, layout=layout, bit_rate=_BIT_RATES[layout])

    def write(self, packet: "Packet[Stream]", frames: list[AudioFrame]) -> None:  # noqa: ARG002 - one face with CopiedSound
        """Adds the frames of one packet."""
        for frame in frames:
            for steady in self._steady.feed(frame):
                self._output.mux(self._stream.encode(steady))

    def close(self) -> None:
        """Ends the track. The container is still to be closed."""
        for steady in self._steady.drain():
            self._output.mux(self._stream.encode(steady))
        self._output.mux(self._stream.encode(None))


class CopiedSound:
    """An AAC track copied packet by packet. A packet that would go back in time is dropped."""

    copied = True

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        self._output = output
        self._stream = output.add_stream_from_template(source)
        self._last: int | None = None

    def write(self, packet: "Packet[Stream]", frames: list[AudioFrame]) -> None:  # noqa: ARG002 - one face with EncodedSound
        """Adds one packet."""
        if not packet.size or packet.dts is None or (self._last is not None and packet.dts <= self._last):
            return
        self._last = packet.dts
        packet.stream = self._stream
        self._output.mux(packet)

    def close(self) -> None:
        """Ends the track; nothing is left to do."""


def sound_track(output: OutputContainer, source: AudioStream) -> "EncodedSound | CopiedSound":
    """The AAC track of `output` for `source`: copied where it is AAC already."""
    copyable = source.codec_context.name == "aac" and bool(source.codec_context.channels)
    return CopiedSound(output, source) if copyable else EncodedSound(output, source)


def _silences(like: AudioFrame, start: float, end: float) -> Iterator[AudioFrame]:
    while (left := end - start) > 0:
        length = min(left, 1.0)
        yield _silence(like, start, length)
        start += length


def _silence(like: AudioFrame, start: float, length: float) -> AudioFrame:
    frame = AudioFrame(like.format.name, like.layout.name, max(round(length * like.sample_rate), 1))
    quiet = b"\x80" if like.format.name.startswith("u8") else b"\x00"
    for plane in frame.planes:
        plane.update(quiet * plane.buffer_size)
    frame.sample_rate = like.sample_rate
    if like.time_base is not None:
        frame.pts, frame.time_base = round(start / like.time_base), like.time_base
    return frame
