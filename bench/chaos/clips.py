"""The recordings that are sent: seconds out of real ones, whose streams are copied, and files that are none.

Each knows how it is to end: completed, refused at the door with a code, or failed with one of some codes.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

_MEDIA = Path(__file__).parents[2] / "tests" / "media"
_VP8 = _MEDIA / "screen-vp8.webm"
_H264 = _MEDIA / "screen-h264.webm"
_PADDING_BYTES = 9 * 1024 * 1024
"""More than one part of a multipart upload to the object store."""


@dataclass(frozen=True)
class Clip:
    """A file to send. `refused` and `failed` are the codes that are right for it; neither: it is to be completed."""

    path: Path
    refused: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its file name, by which the plan names it."""
        return self.path.name

    @property
    def good(self) -> bool:
        """Whether it is a recording that has to be completed."""
        return not (self.refused or self.failed)


def make_clips(folder: Path) -> dict[str, Clip]:
    """Makes every clip in the folder; by name. Takes about a second."""
    folder.mkdir(parents=True, exist_ok=True)
    good = (make(folder) for make in _GOOD)
    broken = folder / "broken.webm"
    broken.write_bytes(_H264.read_bytes()[:64] + bytes(4000))
    words = folder / "words.webm"
    words.write_text("just some words, many times over\n" * 200)
    clips = (
        *(Clip(path) for path in good),
        Clip(broken, failed=frozenset({"not_media", "no_streams", "undecodable"})),
        Clip(words, refused=frozenset({"unsupported_media"})),
    )
    return {clip.name: clip for clip in clips}


def _cut(target: Path, source: Path, start: float, seconds: float, kinds: tuple[str, ...] = ("video", "audio")) -> Path:
    """The packets of those kinds from the key frame at `start` on, as a file that begins at 0."""
    with av.open(str(source)) as reading, av.open(str(target), "w", options=_options(target)) as writing:
        outs = {s.index: writing.add_stream_from_template(s) for s in reading.streams if s.type in kinds}
        for packet in _between(reading, start, start + seconds):
            if packet.stream.index in outs:
                shift = round(start / packet.time_base)
                packet.pts -= shift
                packet.dts -= shift
                packet.stream = outs[packet.stream.index]
                writing.mux(packet)
    return target


def _options(target: Path) -> dict[str, str]:
    """A file as a browser makes it: without a duration, without cues."""
    return {"live": "1"} if target.suffix != ".mp4" else {}


def _between(reading: InputContainer, start: float, end: float) -> Iterator[Any]:
    for packet in reading.demux():
        if packet.pts is not None and packet.dts is not None and start <= packet.pts * packet.time_base < end:
            yield packet


def _padded(path: Path) -> Path:
    """An MP4 with a box that nobody reads at its end."""
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", _PADDING_BYTES, b"free") + bytes(_PADDING_BYTES - 8))
    return path


_GOOD: tuple[Callable[[Path], Path], ...] = (
    lambda folder: _cut(folder / "two-seconds.webm", _VP8, 0, 2),
    lambda folder: _cut(folder / "three-seconds.webm", _VP8, 10.587, 3),
    lambda folder: _cut(folder / "five-seconds.webm", _VP8, 0, 5),
    lambda folder: _cut(folder / "sound-alone.webm", _VP8, 21, 4, ("audio",)),
    lambda folder: _cut(folder / "picture-alone.webm", _VP8, 0, 2, ("video",)),
    lambda folder: _cut(folder / "h264.mkv", _H264, 0, 4),
    lambda folder: _padded(_cut(folder / "large.mp4", _H264, 0, 3)),
)
