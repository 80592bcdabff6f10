from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from streams.media.messages import RenderDone
from streams.media.render import render
from tests.media.make import SCREEN_H264, SCREEN_VP8, Shot, Tone, flash_and_beep, recording, shots

Rendered = Callable[[Path], RenderDone]


def times(path: Path) -> list[float]:
    with av.open(path) as film:
        return [frame.time for frame in film.decode(video=0)]


def lumas(path: Path) -> list[tuple[float, float]]:
    with av.open(path) as film:
        return [(f.time, float(f.to_ndarray(format="gray").mean())) for f in film.decode(video=0)]


def beep(path: Path) -> float:
    with av.open(path) as film:
        for frame in film.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if loud.size:
                return float(frame.time) + int(loud[0]) / frame.sample_rate
    raise AssertionError("no beep")


def boxes(path: Path) -> list[bytes]:
    data, kinds, at = path.read_bytes(), [], 0
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4])
    return kinds


def test_a_browser_recording_is_encoded_at_its_own_times(rendered: Rendered) -> None:
    done = rendered(SCREEN_VP8)
    assert done.video is not None
    assert not done.video.copied
    assert done.frames == 1192
    with av.open(done.video.path) as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert picture.frames == 1192
        assert film.duration / av.time_base == pytest.approx(44.95, abs=0.1)
        assert picture.average_rate < 30
        assert picture.base_rate <= 120
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
    assert times(done.video.path) == pytest.approx(times(SCREEN_VP8), abs=0.01)
    assert [round(s.at) for s in done.scenes] == [8, 16, 24, 32, 40]
    assert len(done.thumbnails) == 22 or len(done.thumbnails) == 23


def test_h264_is_copied_and_still_looked_at(rendered: Rendered) -> None:
    done = rendered(SCREEN_H264)
    assert done.video is not None
    assert done.video.copied
    assert [round(s.at) for s in done.scenes] == [8, 16]
    assert len(times(done.video.path)) == done.frames == 517


@pytest.mark.parametrize(("name", "video", "audio"), [("a.webm", "libvpx", "libopus"), ("a.mp4", "libx264", "aac")])
def test_sound_stays_in_step(rendered: Rendered, tmp_path: Path, name: str, video: str, audio: str) -> None:
    done = rendered(flash_and_beep(tmp_path / name, 2.0, video=video, audio=audio))
    assert done.video is not None
    flash = next(at for at, luma in lumas(done.video.path) if luma > 128)
    assert flash == pytest.approx(2.0, abs=0.02)
    assert beep(done.video.path) == pytest.approx(2.0, abs=0.05)


def test_the_index_comes_first(rendered: Rendered, tmp_path: Path) -> None:
    source = recording(tmp_path / "end.mp4", shots(2), [Tone(0, 2)], video="libx264", audio="aac")
    assert boxes(source).index(b"mdat") < boxes(source).index(b"moov")
    done = rendered(source)
    assert done.video is not None
    assert boxes(done.video.path).index(b"moov") < boxes(done.video.path).index(b"mdat")


def test_a_size_that_changes_midway_is_fitted_into_the_first(rendered: Rendered, tmp_path: Path) -> None:
    film = [*shots(1, luma=200), *[Shot(1 + n / 10, 200, 48, 64) for n in range(10)]]
    done = rendered(recording(tmp_path / "size.webm", film))
    assert (done.width, done.height, done.frames) == (64, 48, 20)
    assert done.video is not None
    with av.open(done.video.path) as video:
        *_, last = video.decode(video=0)
        picture = last.to_ndarray(format="gray")
    assert picture.shape == (48, 64)
    assert picture[24, 32] > 150
    assert picture[24, 2] < 40


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p10le", "yuv422p"])
def test_any_pixel_format_becomes_one_that_plays(rendered: Rendered, tmp_path: Path, pixels: str) -> None:
    done = rendered(recording(tmp_path / "deep.mkv", shots(1), video="libx264", pixels=pixels))
    assert done.video is not None
    assert not done.video.copied
    with av.open(done.video.path) as film:
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"


@pytest.mark.parametrize(("size", "even"), [((1, 1), (2, 2)), ((33, 17), (34, 18)), ((3, 200), (4, 200))])
def test_odd_sizes_become_even(
    rendered: Rendered, tmp_path: Path, size: tuple[int, int], even: tuple[int, int]
) -> None:
    done = rendered(recording(tmp_path / "odd.webm", shots(1, width=size[0], height=size[1])))
    assert (done.width, done.height) == even
    assert done.frames == 10


def test_a_film_turned_on_its_side_is_rendered_upright(rendered: Rendered, tmp_path: Path) -> None:
    source = recording(tmp_path / "turned.mp4", shots(1), video="mpeg4")
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    unit = 0x10000
    turned = [0, unit, 0, -unit, 0, 0, 48 * unit, 0, 1 << 30]
    data[at : at + 36] = b"".join(n.to_bytes(4, signed=True) for n in turned)
    source.write_bytes(data)
    done = rendered(source)
    assert (done.width, done.height) == (48, 64)


def test_a_gap_of_hours_in_the_picture_is_taken_out(rendered: Rendered, tmp_path: Path) -> None:
    film = [*shots(1), *[Shot(36_000 + n / 10) for n in range(10)]]
    done = rendered(recording(tmp_path / "hours.webm", film))
    assert done.duration_seconds == pytest.approx(2.0, abs=0.2)
    assert done.frames == 20


def test_a_rate_that_varies_stays_so(rendered: Rendered, tmp_path: Path) -> None:
    moments = [0.0, 0.04, 0.3, 0.31, 2.0, 5.5]
    done = rendered(recording(tmp_path / "varies.webm", [Shot(at) for at in moments]))
    assert done.video is not None
    assert times(done.video.path) == pytest.approx(moments, abs=0.01)


def test_no_picture_is_said(rendered: Rendered, tmp_path: Path) -> None:
    done = rendered(recording(tmp_path / "talk.ogg", [], [Tone(0, 2)]))
    assert (done.has_video, done.video, done.thumbnails) == (False, None, ())


def test_the_poster_is_not_black(rendered: Rendered, tmp_path: Path) -> None:
    done = rendered(flash_and_beep(tmp_path / "dark.webm", 2.0, video="libvpx"))
    assert done.poster is not None
    with av.open(str(done.poster.path)) as jpeg:
        frame = next(jpeg.decode(video=0))
    assert (frame.width, frame.height) == (done.poster.width, done.poster.height)
    assert frame.to_ndarray(format="gray").mean() > 100


def test_a_second_run_overwrites_the_first(tmp_path: Path) -> None:
    source = recording(tmp_path / "a.webm", shots(1), [Tone(0, 1)])
    first, second = [[*render(source, tmp_path)][-1] for _ in range(2)]
    assert first == second
