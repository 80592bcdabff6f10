"""Real recordings, each a second long: the containers and codecs of the product, made by their own encoders."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.video.frame import VideoFrame

from bench.running import CLIP

_WIDTH, _HEIGHT, _RATE, _FRAMES = 176, 144, 10, 10
_SOUND_RATE = 48_000
_CLIP_BYTES = (40_000, 90_000)


@dataclass(frozen=True)
class Recipe:
    """How one file is made. `ending` is of its name, `pixels` of its encoder."""

    ending: str
    video: str | None = None
    audio: str | None = None
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)


_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
_RECIPES = (
    Recipe("webm", "libvpx", "libopus"),
    Recipe("webm", "libvpx-vp9", "libopus"),
    Recipe("mkv", "libx264", "aac"),
    Recipe("mp4", "libx264", "aac"),
    Recipe("mp4", "libx264", "libmp3lame", container=_FRAGMENTED),
    Recipe("mp4", "libx265", "aac", options={"x265-params": "log-level=none"}),
    Recipe("mp4", "libsvtav1", "libopus"),
    Recipe("mov", "prores_ks", "pcm_s16le", "yuv422p10le"),
    Recipe("3gp", "h263", "aac"),
    Recipe("avi", "mjpeg", "pcm_s16le", "yuvj420p"),
    Recipe("avi", "mpeg4", "libmp3lame"),
    Recipe("asf", "wmv2", "libmp3lame"),
    Recipe("flv", "flv", "libmp3lame"),
    Recipe("ts", "libx264", "aac"),
    Recipe("ogg", None, "libopus"),
    Recipe("wav", None, "pcm_s16le"),
    Recipe("mp3", None, "libmp3lame"),
    Recipe("flac", None, "flac"),
    Recipe("m4a", None, "aac"),
)


def corpus(folder: Path) -> dict[str, bytes]:
    """Every file by a name; the same bytes at each call. Blocks for a second or two."""
    os.environ.setdefault("SVT_LOG", "1")
    files = {f"clip-{size}": CLIP.read_bytes()[:size] for size in _CLIP_BYTES}
    files["clip-h264"] = CLIP.with_name("screen-h264.webm").read_bytes()[: _CLIP_BYTES[0]]
    for recipe in _RECIPES:
        name = "-".join(part for part in (recipe.ending, recipe.video, recipe.audio) if part)
        path = folder / f"{name}{'-fragmented' if recipe.container else ''}.{recipe.ending}"
        _make(path, recipe)
        files[path.stem] = path.read_bytes()
    return files


def _make(path: Path, recipe: Recipe) -> None:
    options = {"fflags": "+bitexact", **recipe.container}
    with av.open(path, "w", options=options) as output:
        pictures = _pictures(output, recipe, recipe.video) if recipe.video else iter(())
        sounds = _sounds(output, recipe.audio) if recipe.audio else iter(())
        packets = [*pictures, *sounds]
        for packet in sorted(packets, key=lambda one: float((one.dts or 0) * one.time_base)):
            output.mux(packet)


def _pictures(output: OutputContainer, recipe: Recipe, codec: str) -> Iterator[Any]:
    stream: Any = output.add_stream(codec, _RATE, dict(recipe.options))
    stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, recipe.pixels
    stream.codec_context.thread_count = 1
    for number in range(_FRAMES):
        across = np.arange(_WIDTH * _HEIGHT * 3, dtype=np.uint32).reshape(_HEIGHT, _WIDTH, 3)
        picture = (across * (number + 3) // 7 % 256).astype(np.uint8)
        frame = VideoFrame.from_ndarray(picture, "rgb24").reformat(format=recipe.pixels)
        frame.pts, frame.time_base = number, Fraction(1, _RATE)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sounds(output: OutputContainer, codec: str) -> Iterator[Any]:
    stream: Any = output.add_stream(codec, _SOUND_RATE, layout="mono")
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(_SOUND_RATE) / _SOUND_RATE)
    frame = AudioFrame.from_ndarray((wave * 32767).astype(np.int16).reshape(1, -1), "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE, 0, Fraction(1, _SOUND_RATE)
    size = stream.codec_context.frame_size or _SOUND_RATE
    resampler = AudioResampler(stream.format.name, "mono", _SOUND_RATE, frame_size=size)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        yield from stream.encode(piece)
    yield from stream.encode(None)
