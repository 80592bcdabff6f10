"""Makes small recordings to test with: any times, sizes and tones, well-formed or not."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec import CodecContext
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

MEDIA = Path(__file__).parent
SCREEN_VP8 = MEDIA / "screen-vp8.webm"
SCREEN_H264 = MEDIA / "screen-h264.webm"
MILLISECONDS = Fraction(1, 1000)
RATE = 48_000


@dataclass(frozen=True)
class Shot:
    """A plain picture of one brightness, from a position on."""

    at: float
    luma: int = 128
    width: int = 64
    height: int = 48


@dataclass(frozen=True)
class Tone:
    """A stretch of sound: a sine, or silence where `hertz` is 0."""

    start: float
    end: float
    hertz: float = 440.0


def shots(seconds: float, rate: float = 10.0, **picture: int) -> list[Shot]:
    """A steady film of one picture."""
    return [Shot(n / rate, **picture) for n in range(round(seconds * rate))]


def recording(
    path: Path,
    pictures: Sequence[Shot] = (),
    sounds: Sequence[Tone] = (),
    *,
    video: str = "libvpx",
    audio: str = "libopus",
    pixels: str = "yuv420p",
    container: str | None = None,
) -> Path:
    """Writes a recording with these pictures and sounds, interleaved by time. The name of `path` says the container."""
    with av.open(path, "w", format=container) as output:
        packets: list[tuple[float, Packet]] = []
        if pictures:
            packets += _video(output, pictures, video, pixels)
        if sounds:
            packets += _audio(output, sounds, audio)
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            output.mux(packet)
    return path


def flash_and_beep(path: Path, at: float, *, seconds: float = 4.0, **how: str) -> Path:
    """Black and quiet, but for a tenth of a second at `at`: white, and a tone."""
    film = [Shot(s.at, 235 if at <= s.at < at + 0.1 else 16) for s in shots(seconds, 50)]
    return recording(path, film, [Tone(0, at, 0), Tone(at, at + 0.1, 1000), Tone(at + 0.1, seconds, 0)], **how)


def repeating(source: Path, times: int) -> Path:
    """The same MP4, of one picture and with its index at the end, whose index names that picture so many times over."""
    source.write_bytes(b"".join(_boxes(source.read_bytes(), times)))
    return source


_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_LEFT_OUT = (b"edts", b"stss", b"ctts", b"sgpd", b"sbgp")
"""Edits, and what tells one picture from another."""


def _boxes(data: bytes, times: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if kind in _CONTAINERS:
            body = b"".join(_boxes(body, times))
        elif kind == b"stts":
            body = body[:4] + struct.pack(">III", 1, times, struct.unpack_from(">I", body, 12)[0])
        elif kind == b"stsz":
            one = struct.unpack_from(">I", body, 4)[0] or struct.unpack_from(">I", body, 12)[0]
            body = body[:4] + struct.pack(">II", one, times)
        elif kind == b"stco":
            body = body[:4] + struct.pack(">I", times) + body[8:12] * times
        if kind not in _LEFT_OUT:
            yield struct.pack(">I4s", 8 + len(body), kind) + body
        at += size


def _video(output: OutputContainer, pictures: Sequence[Shot], codec: str, pixels: str) -> list[tuple[float, Packet]]:
    first = pictures[0]
    if all((s.width, s.height) == (first.width, first.height) for s in pictures):
        stream = output.add_stream(codec, 30, width=first.width, height=first.height, pix_fmt=pixels)
        stream.codec_context.time_base = MILLISECONDS
        stream.thread_type = "FRAME"
        return _encoded(stream.codec_context, pictures, pixels, stream)
    stream = output.add_mux_stream("vp8", width=first.width, height=first.height, time_base=MILLISECONDS)
    packets: list[tuple[float, Packet]] = []
    for run in _runs(pictures):
        context = CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = run[0].width, run[0].height, pixels
        context.time_base, context.framerate = MILLISECONDS, Fraction(30)
        packets += _encoded(context, run, pixels, stream)
    return packets


def _encoded(
    context: CodecContext, pictures: Iterable[Shot], pixels: str, stream: object
) -> list[tuple[float, Packet]]:
    packets: list[Packet] = []
    for shot in pictures:
        plain = np.full((shot.height, shot.width, 3), shot.luma, np.uint8)
        frame = VideoFrame.from_ndarray(plain, "rgb24").reformat(format=pixels)
        frame.pts, frame.time_base = round(shot.at * 1000), MILLISECONDS
        packets += context.encode(frame)
    packets += context.encode(None)
    for packet in packets:
        packet.stream = stream
    return [(float((p.dts if p.dts is not None else p.pts or 0) * p.time_base), p) for p in packets]


def _runs(pictures: Sequence[Shot]) -> Iterable[list[Shot]]:
    run: list[Shot] = []
    for shot in pictures:
        if run and (run[0].width, run[0].height) != (shot.width, shot.height):
            yield run
            run = []
        run.append(shot)
    yield run


def _audio(output: OutputContainer, sounds: Sequence[Tone], codec: str) -> list[tuple[float, Packet]]:
    stream = output.add_stream(codec, RATE, layout="mono")
    packets: list[tuple[float, Packet]] = []
    for tone in sounds:
        encoder = CodecContext.create(codec, "w")
        encoder.sample_rate, encoder.layout, encoder.time_base = RATE, "mono", Fraction(1, RATE)
        encoder.format = stream.codec_context.format
        encoder.flags |= 1 << 22
        for packet in [*encoder.encode(_sine(tone, encoder.format.name)), *encoder.encode(None)]:
            packet.stream = stream
            packets.append((float(packet.pts * packet.time_base), packet))
    return packets


def _sine(tone: Tone, sample_format: str) -> av.AudioFrame:
    count = round((tone.end - tone.start) * RATE)
    wave = 0.5 * np.sin(2 * np.pi * tone.hertz * np.arange(count) / RATE)
    frame = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16).reshape(1, -1), "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, round(tone.start * RATE), Fraction(1, RATE)
    return next(iter(av.AudioResampler(sample_format, "mono", RATE).resample(frame)))


def hls(folder: Path, seconds: int = 4, *, fragmented: bool = False, picture: bool = True) -> Path:
    """Writes an HLS playlist of that many pieces of a second, MPEG-TS or fragmented MP4; the playlist's path."""
    playlist = folder / "media.m3u8"
    kind = {"hls_segment_type": "fmp4", "hls_fmp4_init_filename": "init.mp4"} if fragmented else {}
    pieces = str(folder / f"piece%d.{'m4s' if fragmented else 'ts'}")
    options = {"hls_time": "1", "hls_playlist_type": "vod", "hls_segment_filename": pieces, **kind}
    with av.open(str(playlist), "w", format="hls", options=options) as output:
        film = output.add_stream("libx264", 10, options={"g": "10", "preset": "ultrafast"}) if picture else None
        if film is not None:
            film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream("aac", RATE, layout="mono")
        for second in range(seconds):
            for number in range(10 if film is not None else 0):
                plain = np.full((48, 64, 3), 10 * number + 100 * (second % 2), np.uint8)
                shot = VideoFrame.from_ndarray(plain, "rgb24").reformat(format="yuv420p")
                shot.pts, shot.time_base = 10 * second + number, Fraction(1, 10)
                output.mux(film.encode(shot))
            wave = _sine(Tone(second, second + 1), "fltp")
            output.mux(sound.encode(wave))
        for stream in output.streams:
            output.mux(stream.encode(None))
    return playlist
