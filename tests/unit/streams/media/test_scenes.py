"""Scenes found in a pass of their own: those that a rendering finds, or others with another threshold."""

from pathlib import Path

import pytest

from schemas.failures import Permanent
from streams.media.messages import Progress, ScenesFound
from streams.media.render import render
from streams.media.scenes import find_scenes
from tests.media.make import SCREEN_H264, SCREEN_VP8, Shot, Tone, recording, shots


def found(source: Path, *threshold: float) -> ScenesFound:
    *_, last = find_scenes(source, *threshold)
    assert isinstance(last, ScenesFound)
    return last


@pytest.mark.parametrize("source", [SCREEN_H264, SCREEN_VP8], ids=["copied", "encoded"])
def test_it_finds_what_a_rendering_finds(source: Path, tmp_path: Path) -> None:
    *_, rendered = render(source, tmp_path)
    seen = found(source)
    assert seen.has_video
    assert [round(scene.at) for scene in seen.scenes][:2] == [8, 16]
    assert [scene.at for scene in seen.scenes] == pytest.approx([scene.at for scene in rendered.scenes], abs=0.01)


def test_a_higher_threshold_finds_fewer(tmp_path: Path) -> None:
    film = recording(tmp_path / "a.webm", [*shots(1, luma=100), *(Shot(1 + n / 10, 130) for n in range(10))])
    [scene] = found(film, 0.5).scenes
    assert scene.at == pytest.approx(1, abs=0.05)
    assert found(film, scene.score + 1).scenes == ()


def test_a_picture_that_changes_size_is_compared_as_it_would_be_shown(tmp_path: Path) -> None:
    film = [*shots(1, luma=40), *(Shot(1 + n / 10, 220, 32, 24) for n in range(10))]
    source = recording(tmp_path / "size.webm", film)
    *_, rendered = render(source, tmp_path)
    assert [round(scene.at, 1) for scene in found(source).scenes] == [1.0]
    assert len(rendered.scenes) == 1


def test_progress_is_told(tmp_path: Path) -> None:
    told = [one.fraction for one in find_scenes(SCREEN_H264) if isinstance(one, Progress)]
    assert told == sorted(told)
    assert told[-1] > 0.9


def test_sound_alone_has_no_scenes(tmp_path: Path) -> None:
    assert found(recording(tmp_path / "talk.ogg", [], [Tone(0, 1)])) == ScenesFound(has_video=False)


def test_a_picture_that_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    torn = recording(tmp_path / "a.webm", shots(1))
    torn.write_bytes(torn.read_bytes().replace(b"\x9d\x01\x2a", b"\x9d\x01\x2b"))
    with pytest.raises(Permanent, match="undecodable"):
        found(torn)
