"""Pictures whose colours nobody knows: they claim none, and are rendered like any other."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streams.media.messages import RenderDone
from streams.media.picture import Fitter, JpegWriter, with_known_colours
from streams.media.render import render
from tests.media.make import recording, shots


def frame(pixels: str) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), "rgb24").reformat(format=pixels)
    made.pts, made.time_base = 0, Fraction(1, 10)
    return made


@pytest.mark.parametrize("name", ["colorspace", "color_primaries", "color_trc", "color_range"])
def test_any_claim_of_colours_can_be_fitted_and_shown(name: str) -> None:
    for pixels in ("yuv444p", "yuv420p10le", "gbrp"):
        for number in range(256):
            claimed = frame(pixels)
            setattr(claimed, name, number)
            known = with_known_colours(claimed)
            assert Fitter(known).fit(known).format.name == "yuv420p"
            assert JpegWriter(32).shrunk(known).width == 32


@pytest.mark.parametrize(("pixels", "copied"), [("yuv422p", False), ("yuv420p", True)])
def test_a_film_of_reserved_colours_is_rendered(tmp_path: Path, pixels: str, copied: bool) -> None:
    source = recording(tmp_path / "a.mov", shots(1), video="libx264", pixels=pixels)
    with av.open(source) as made, av.open(tmp_path / "b.mov", "w") as output:
        film = made.streams.video[0]
        target = output.add_stream_from_template(film)
        filtered = av.BitStreamFilterContext("h264_metadata=matrix_coefficients=8", film, target)
        for packet in made.demux(film):
            for claimed in filtered.filter(packet if packet.size else None):
                claimed.stream = target
                output.mux(claimed)
    *_, done = render(tmp_path / "b.mov", tmp_path)
    assert isinstance(done, RenderDone)
    assert done.video is not None
    assert (done.frames, done.video.copied, len(done.thumbnails)) == (10, copied, 1)
