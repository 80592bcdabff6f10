"""The poster and the thumbnails of a recording, kept few however long it is."""

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from streams.media.limits import MAX_THUMBNAILS
from streams.media.messages import Picture
from streams.media.picture import JpegWriter

THUMBNAIL_WIDTH = 320
POSTER_WIDTH = 640
FIRST_INTERVAL = 2.0
"""Seconds between thumbnails at first. Each time there are too many, every second one goes and the interval doubles."""

_POSTER_WITHIN = 300.0
_CLEARLY_BETTER = 1.25
_BLACK, _NOT_BLACK = 24.0, 10.0
"""The brightness below which a picture is black, and what being brighter is worth, in levels of contrast."""


class Stills:
    """Takes a thumbnail at each interval and keeps the richest early picture as the poster. Writes into `workdir`."""

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir
        self._interval = FIRST_INTERVAL
        self._due = 0.0
        self._taken: list[Picture] = []
        self._thumbnail, self._large = JpegWriter(THUMBNAIL_WIDTH), JpegWriter(POSTER_WIDTH)
        self._poster: Picture | None = None
        self._richness = -1.0

    def look(self, at: float, frame: VideoFrame) -> None:
        """Takes what is due at this picture."""
        if self._taken and at < self._due:
            return
        small = self._thumbnail.shrunk(frame)
        self._consider(at, frame, small)
        self._taken.append(self._written(f"thumbnail-{round(at * 1000):09}.jpg", at, small, self._thumbnail))
        if len(self._taken) > MAX_THUMBNAILS:
            self._thin_out()
        self._due = (at // self._interval + 1) * self._interval

    def done(self) -> tuple[Picture | None, tuple[Picture, ...]]:
        """The poster and the thumbnails, in order of time."""
        return self._poster, tuple(self._taken)

    def _consider(self, at: float, frame: VideoFrame, small: VideoFrame) -> None:
        if self._poster is not None and at > _POSTER_WITHIN:
            return
        richness = _richness(small)
        if self._poster is None or richness > self._richness * _CLEARLY_BETTER + 1:
            self._richness = richness
            self._poster = self._written("poster.jpg", at, self._large.shrunk(frame), self._large)

    def _written(self, name: str, at: float, small: VideoFrame, writer: JpegWriter) -> Picture:
        path = self._workdir / name
        path.write_bytes(writer.encoded(small))
        return Picture(at, path, small.width, small.height)

    def _thin_out(self) -> None:
        for picture in self._taken[1::2]:
            picture.path.unlink()
        self._taken = self._taken[::2]
        self._interval *= 2


def _richness(small: VideoFrame) -> float:
    luma = small.planes[0]
    rows = np.frombuffer(memoryview(luma), np.uint8).reshape(small.height, luma.line_size)
    picture = rows[:, : small.width]
    return float(picture.std()) + (_NOT_BLACK if picture.mean() > _BLACK else 0.0)
