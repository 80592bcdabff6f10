"""How long the renditions of a recording take, against FFmpeg's own command line. Run as `python -m bench.media`.

Side by side, the passes run as the product runs them: two child processes started together, their start included. The
peer is a chain of ffmpeg commands with the same picture settings: MP4 (variable rate, veryfast, crf 23), then WAV,
thumbnail, scene changes.
"""

import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from multiprocessing.context import SpawnProcess
from pathlib import Path

import av

from streams.media.audio import extract_audio
from streams.media.messages import SpeechPart
from streams.media.render import render

MEDIA = Path(__file__).parent.parent / "tests" / "media"
VP8, H264 = MEDIA / "screen-vp8.webm", MEDIA / "screen-h264.webm"
ROUNDS = 3
LONG = 80
_SPAWN = multiprocessing.get_context("spawn")
_FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
_ENCODE = ["-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac"]


def main() -> None:
    """Prints the machine, then every figure with its target. Needs ffmpeg, about 400 MB of disk and two minutes."""
    if shutil.which("ffmpeg") is None:
        sys.exit("bench.media compares with ffmpeg's command line: please install ffmpeg (apt-get install ffmpeg).")
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {_version()}")
    with tempfile.TemporaryDirectory(prefix="bench-media-") as name:
        room = Path(name)
        _against_the_chain(room)
        _copying(room)
        _memory(room)
        _long_recording(room)


def _against_the_chain(room: Path) -> None:
    ours, one_by_one, chain = _medians(lambda: _both(VP8, room), lambda: _in_turn(VP8, room), lambda: _chain(VP8, room))
    print(f"{VP8.name}: ffmpeg chain {chain:.2f} s")
    _ratio("  all renditions, both passes side by side", ours, chain, 0.9)
    _ratio("  all renditions, one pass after the other", one_by_one, chain, None)


def _copying(room: Path) -> None:
    film, everything, again = _medians(
        lambda: _see(H264, room), lambda: _both(H264, room), lambda: _encoded_again(H264, room)
    )
    print(f"{H264.name}: encoding its MP4 again with ffmpeg {again:.2f} s")
    _ratio("  MP4 with its picture copied, thumbnails, scene changes", film, again, 0.25)
    _ratio("  all renditions, both passes side by side", everything, again, None)


def _memory(room: Path) -> None:
    large = _full_hd(room / "full-hd.mkv")
    print("peak memory of one child at 1080p (target: under 700 MB)")
    for work in (_hear, _see):
        print(f"  {work.__name__.strip('_')}: {_peak(work, large, room)} MB")


def _long_recording(room: Path) -> None:
    long = _repeated(VP8, room / "long.webm")
    started, first = time.perf_counter(), 0.0
    for message in extract_audio(long, room):
        if isinstance(message, SpeechPart) and not first:
            first = time.perf_counter() - started
    total = time.perf_counter() - started
    print(f"sound of {LONG * 45 // 60} minutes ({long.stat().st_size / 1e6:.0f} MB)")
    print(f"  first part after {first:.2f} s, all of it after {total:.1f} s")


def _both(source: Path, room: Path) -> None:
    children = [_child(work, source, room) for work in (_hear, _see)]
    for child in children:
        _ended(child)


def _in_turn(source: Path, room: Path) -> None:
    _hear(source, room)
    _see(source, room)


def _child(work: Callable[[Path, Path], None], source: Path, room: Path) -> SpawnProcess:
    child = _SPAWN.Process(target=work, args=(source, room))
    child.start()
    return child


def _ended(child: SpawnProcess) -> None:
    child.join(600)
    if child.exitcode != 0:
        sys.exit(f"a pass failed with exit code {child.exitcode}")


def _hear(source: Path, room: Path) -> None:
    for _ in extract_audio(source, room):
        pass


def _see(source: Path, room: Path) -> None:
    for _ in render(source, room):
        pass


def _peak(work: Callable[[Path, Path], None], source: Path, room: Path) -> int:
    with _SPAWN.Pool(1) as pool:
        return pool.apply(_peak_here, (work, source, room))


def _peak_here(work: Callable[[Path, Path], None], source: Path, room: Path) -> int:
    work(source, room)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _chain(source: Path, room: Path) -> None:
    film = _encoded_again(source, room)
    _ffmpeg("-i", source, "-vn", "-ac", "1", "-ar", "16000", room / "peer.wav")
    _ffmpeg("-ss", "5", "-i", film, "-frames:v", "1", "-vf", "scale=640:-2", room / "peer.jpg")
    changes = f"select='gt(scene,0.1)',metadata=print:file={room / 'peer.txt'}"
    _ffmpeg("-i", film, "-an", "-vf", changes, "-f", "null", "-")


def _encoded_again(source: Path, room: Path) -> Path:
    film = room / "peer.mp4"
    _ffmpeg("-i", source, *_ENCODE, film)
    return film


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([*_FFMPEG, *arguments], check=True, timeout=600)


def _version() -> str:
    told = subprocess.run(["ffmpeg", "-version"], check=True, timeout=10, capture_output=True, text=True)
    return told.stdout.partition(" Copyright")[0]


def _medians(*works: Callable[[], object]) -> list[float]:
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, times in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return [statistics.median(times) for times in taken]


def _ratio(label: str, ours: float, peer: float, target: float | None) -> None:
    wanted = f" (target {target})" if target is not None else ""
    print(f"{label}: {ours:.2f} s, ratio {ours / peer:.2f}{wanted}")


def _full_hd(path: Path) -> Path:
    with av.open(VP8) as source, av.open(path, "w") as output:
        stream = output.add_stream("libvpx", 30, width=1920, height=1080, pix_fmt="yuv420p")
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
        for number, frame in enumerate(source.decode(video=0)):
            if number == 150:
                break
            output.mux(stream.encode(frame.reformat(1920, 1080)))
        output.mux(stream.encode(None))
    return path


def _repeated(source: Path, path: Path) -> Path:
    with av.open(path, "w") as output:
        streams: dict[int, av.stream.Stream] = {}
        for turn in range(LONG):
            with av.open(source) as clip:
                streams = streams or {s.index: output.add_stream_from_template(s, opaque=True) for s in clip.streams}
                for packet in _packets(clip):
                    packet.pts = packet.dts = (packet.pts or 0) + turn * 45_000
                    packet.stream = streams[packet.stream_index]
                    output.mux(packet)
    return path


def _packets(clip: av.container.InputContainer) -> Iterator["av.Packet[av.stream.Stream]"]:
    return (packet for packet in clip.demux() if packet.size)


if __name__ == "__main__":
    main()
