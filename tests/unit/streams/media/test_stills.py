from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from streams.media.limits import MAX_SCENES, MAX_THUMBNAILS
from streams.media.scenes import SceneFinder
from streams.media.stills import Stills


def frame(luma: int, at: float = 0.0) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(np.full((48, 64, 3), luma, np.uint8), "rgb24").reformat(format="yuv420p")
    made.pts, made.time_base = round(at * 1000), Fraction(1, 1000)
    return made


def test_thumbnails_stay_few_however_long_it_lasts(tmp_path: Path) -> None:
    stills, picture = Stills(tmp_path), frame(100)
    for second in range(3 * 3600):
        stills.look(float(second), picture)
    _, thumbnails = stills.done()
    assert MAX_THUMBNAILS / 2 <= len(thumbnails) <= MAX_THUMBNAILS
    assert sorted(p.path for p in thumbnails) == sorted(tmp_path.glob("thumbnail-*.jpg"))
    steps = {round(b.at - a.at) for a, b in pairwise(thumbnails)}
    assert len(steps) == 1


def test_scenes_stay_few_and_the_strongest_stay() -> None:
    finder = SceneFinder()
    for n in range(3 * MAX_SCENES):
        black = n % 2 == 0
        finder.look(float(n), frame(16 if black else (235 if n == 1001 else 120), n))
        finder.look(n + 0.9, frame(16 if black else (235 if n == 1001 else 120), n + 0.9))
    scenes = finder.done()
    assert len(scenes) == MAX_SCENES
    assert 1001.0 in {scene.at for scene in scenes}
    assert list(scenes) == sorted(scenes, key=lambda scene: scene.at)
