"""How long the renditions of a recording take, against FFmpeg's own command line. Run: python -m bench.media

The passes run as the product runs them: side by side, each in a child process that was waiting for work. The peer is a
chain of ffmpeg commands with the same picture settings: MP4 (variable rate, veryfast, crf 23), then WAV, thumbnail,
scene changes. Goals: 0.9 for the VP8 clip, 0.25 for the H.264 clip, whose picture is copied. Needs ffmpeg.
"""

import asyncio
import multiprocessing
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from bench.machine import describe
from bench.running import CLIP, repeated
from providers.child import Children
from streams.media.audio import extract_audio
from streams.media.messages import SpeechPart
from streams.media.render import render

H264 = CLIP.with_name("screen-h264.webm")
ROUNDS = 5
HOUR = 80  # clips
Work = Callable[[str, Path], Iterator[Any]]
_FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
_ENCODE = ["-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac"]


async def main() -> None:
    """Prints the machine, then every figure with its goal. Takes about two minutes and 400 MB of disk."""
    if shutil.which("ffmpeg") is None:
        sys.exit("bench.media compares with ffmpeg's command line: please install ffmpeg (apt-get install ffmpeg).")
    print(f"{describe()}, {_version()}")
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as name:
        room = Path(name)
        async with (
            Children(preload=("streams.media.audio",), spares=1) as ears,
            Children(preload=("streams.media.render",), spares=1) as eyes,
        ):
            await asyncio.gather(ears.warm(), eyes.warm())
            await _against_the_chain(ears, eyes, CLIP, room, 0.9)
            await _against_the_chain(ears, eyes, H264, room, 0.25)
        _memory(room)
        _long_recording(room)


async def _against_the_chain(ears: Children, eyes: Children, clip: Path, room: Path, goal: float) -> None:
    ours, chain = await _medians(lambda: _side_by_side(ears, eyes, clip, room), lambda: _chain(clip, room))
    print(f"{clip.name}, all renditions")
    print(f"  ffmpeg chain           median {chain:.2f} s")
    print(f"  ours                   median {ours:.2f} s, ratio {ours / chain:.2f}  (goal at most {goal})")


async def _side_by_side(ears: Children, eyes: Children, clip: Path, room: Path) -> None:
    await asyncio.gather(_drained(ears, extract_audio, clip, room), _drained(eyes, render, clip, room))


async def _drained(children: Children, work: Work, clip: Path, room: Path) -> None:
    async for _ in children.run(work, str(clip), room):
        pass


def _memory(room: Path) -> None:
    large = _full_hd(room / "full-hd.mkv")
    print("highest memory of one child at 1080p  (goal under 700 MB)")
    for work in (extract_audio, render):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(f"  {work.__name__:<22} {pool.apply(_peak, (work, large, room))} MB")


def _peak(work: Work, source: Path, room: Path) -> int:
    for _ in work(str(source), room):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _long_recording(room: Path) -> None:
    long = repeated(CLIP, HOUR, room / "long.webm")
    started, first = time.perf_counter(), 0.0
    for message in extract_audio(str(long), room):
        if isinstance(message, SpeechPart) and not first:
            first = time.perf_counter() - started
    total = time.perf_counter() - started
    print(f"the sound of an hour ({long.stat().st_size / 1e6:.0f} MB)")
    print(f"  first part after {first:.2f} s, all of it after {total:.1f} s")


async def _chain(source: Path, room: Path) -> None:
    film = room / "peer.mp4"
    await _ffmpeg("-i", source, *_ENCODE, film)
    await _ffmpeg("-i", source, "-vn", "-ac", "1", "-ar", "16000", room / "peer.wav")
    await _ffmpeg("-ss", "5", "-i", film, "-frames:v", "1", "-vf", "scale=640:-2", room / "peer.jpg")
    changes = f"select='gt(scene,0.1)',metadata=print:file={room / 'peer.txt'}"
    await _ffmpeg("-i", film, "-an", "-vf", changes, "-f", "null", "-")


async def _ffmpeg(*arguments: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(*_FFMPEG, *map(str, arguments))
    if await process.wait():
        sys.exit("ffmpeg failed; its message is above.")


def _version() -> str:
    told = subprocess.run(["ffmpeg", "-version"], check=True, timeout=10, capture_output=True, text=True)
    return told.stdout.partition(" Copyright")[0]


async def _medians(*works: Callable[[], Awaitable[None]]) -> list[float]:
    """The median seconds of each, run in turn so that a drift of the machine's speed meets all."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            started = time.perf_counter()
            await work()
            times.append(time.perf_counter() - started)
    return [statistics.median(times) for times in taken]


def _full_hd(path: Path) -> Path:
    with av.open(CLIP) as source, av.open(path, "w") as output:
        stream = output.add_stream("libvpx", 30, width=1920, height=1080, pix_fmt="yuv420p")
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
        for number, frame in enumerate(source.decode(video=0)):
            if number == 150:
                break
            output.mux(stream.encode(frame.reformat(1920, 1080)))
        output.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    asyncio.run(main())
