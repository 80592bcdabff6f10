"""Scene changes, found by FFmpeg's scdet in the pictures that a rendering decodes anyway, or in a pass of their own."""

from collections.abc import Iterator
from pathlib import Path

from av.filter import Graph
from av.video.frame import VideoFrame

from schemas.failures import Permanent
from schemas.media import Scene
from streams.media.limits import MAX_SCENES, Allowance
from streams.media.messages import ScenesFound, ScenesMessage
from streams.media.picture import Fitter, chain
from streams.media.progress import ProgressMeter
from streams.media.source import Source, opened, translated

THRESHOLD = 6.0
"""Score (0 to 100) from which a change of picture is a change of scene. One slide after another scores 15 and more."""

_CLOSEST = 0.5


def find_scenes(
    source: str | Path, threshold: float = THRESHOLD, decoded_bytes: int | None = None
) -> Iterator[ScenesMessage]:
    """Reads the recording once, decoding only its picture. Yields Progress, then ScenesFound.

    With the threshold of a rendering it finds what the rendering finds. Blocks. Raises as `render.render` does.
    """
    with opened(source, Allowance(decoded_bytes)) as recording, translated():
        meter, seen = ProgressMeter(recording), _Seen(SceneFinder(threshold))
        for packet in recording.packets():
            yield from meter.after(packet)
            if recording.video is not None and packet.stream_index == recording.video.index:
                seen.look(recording.picture_frames(packet))
        yield seen.found(recording)


class _Seen:
    """The pictures so far, each in the size and colours that a rendering would have given it."""

    def __init__(self, finder: "SceneFinder") -> None:
        self._finder = finder
        self._fitter: Fitter | None = None

    def look(self, frames: list[VideoFrame]) -> None:
        for frame in frames:
            self._fitter = self._fitter or Fitter(frame)
            self._finder.look(max(frame.time or 0.0, 0.0), self._fitter.fit(frame))

    def found(self, recording: Source) -> ScenesFound:
        if self._fitter is None and recording.audio is None:
            raise Permanent("undecodable", "Nothing of the picture in the file could be decoded.")
        return ScenesFound(has_video=self._fitter is not None, scenes=self._finder.done())


class SceneFinder:
    """Scores each picture against the one before it. At most MAX_SCENES, the strongest; none within half a second."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self._shape: tuple[int, int, str] | None = None
        self._graph: Graph | None = None
        self._found: list[Scene] = []

    def look(self, at: float, frame: VideoFrame) -> None:
        """Takes the next picture. A picture of another size starts afresh."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape or self._graph is None:
            self._shape, self._graph = shape, chain(frame, ["scdet"])
        self._graph.push(frame)
        score = float(self._graph.vpull().metadata.get("lavfi.scd.score", 0))
        if score >= self._threshold:
            self._keep(Scene(at=at, score=min(score, 100.0)))

    def done(self) -> tuple[Scene, ...]:
        """The scenes, in order of time."""
        strongest = sorted(self._found, key=lambda scene: -scene.score)[:MAX_SCENES]
        return tuple(sorted(strongest, key=lambda scene: scene.at))

    def _keep(self, scene: Scene) -> None:
        if self._found and scene.at - self._found[-1].at < _CLOSEST:
            return
        self._found.append(scene)
        if len(self._found) >= 2 * MAX_SCENES:
            self._found = list(self.done())
