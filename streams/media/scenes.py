"""Scene changes, found by FFmpeg's scdet in the pictures that pass by anyway."""

from av.filter import Graph
from av.video.frame import VideoFrame

from schemas.media import Scene
from streams.media.limits import MAX_SCENES
from streams.media.picture import chain

THRESHOLD = 6.0
"""Score (0 to 100) from which a change of picture is a change of scene. One slide after another scores 15 and more."""

_CLOSEST = 0.5


class SceneFinder:
    """Scores each picture against the one before it. At most MAX_SCENES, the strongest; none within half a second."""

    def __init__(self) -> None:
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
        if score >= THRESHOLD:
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
