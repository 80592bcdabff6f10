"""Files that ask for too much, in real children: each ends soon, with the limit and the name of its setting."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.child import Children
from providers.child_limits import within_output
from schemas.failures import Permanent
from streams.media.audio import extract_audio
from streams.media.limits import Allowance
from streams.media.memory import short_of_memory
from streams.media.messages import AudioDone, RenderDone, ScenesFound
from streams.media.render import render
from streams.media.scenes import find_scenes
from streams.media.source import first_picture
from tests.media.make import SCREEN_VP8, Shot, Tone, recording, repeating, shots

MB = 1024 * 1024
WHOLE_SOUND = 3 * 48_000 * 4
WHOLE_PICTURE = 30 * 64 * 48 * 3 // 2


async def last(children: Children, entry: Callable[..., Iterator[Any]], *args: Any) -> Any:
    """What the work ends with."""
    return [message async for message in children.run(entry, *args)][-1]


async def refusal(children: Children, entry: Callable[..., Iterator[Any]], *args: Any) -> Permanent:
    with pytest.raises(Permanent) as caught:
        await last(children, entry, *args)
    assert caught.value.detail.endswith(".")
    return caught.value


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "libvpx"])
async def test_pictures_that_need_more_memory_than_there_is(tmp_path: Path, codec: str) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    film = recording(
        tmp_path / "large.mkv", [Shot(0, 50, 7680, 4320), Shot(1, 9, 7680, 4320)], video=codec, pixels=pixels
    )
    async with Children(memory_mb=320) as children:
        failure = await refusal(children, render, film, tmp_path)
    assert failure.code == "memory_limit"
    assert "MEDIA_MEMORY_MB" in failure.detail


async def test_a_recording_that_takes_more_processor_time_than_it_may(tmp_path: Path) -> None:
    async with Children(cpu_seconds=1) as children:
        failure = await refusal(children, render, SCREEN_VP8, tmp_path)
    assert failure.code == "cpu_limit"
    assert "MEDIA_CPU_SECONDS" in failure.detail


async def test_a_few_bytes_that_decode_to_very_many(tmp_path: Path) -> None:
    bomb = recording(tmp_path / "bomb.webm", shots(6, luma=0, width=1920, height=1080))
    assert bomb.stat().st_size < MB // 10
    async with Children() as children:
        for entry, args in ((render, (tmp_path, 64 * MB)), (find_scenes, (6.0, 64 * MB))):
            failure = await refusal(children, entry, bomb, *args)
            assert failure.code == "decoded_limit"
            assert "0.0625 GB (MEDIA_DECODED_GB)" in failure.detail


@pytest.mark.parametrize("kilobytes", [1, 40, 256])
async def test_a_few_bytes_that_are_copied_very_often(tmp_path: Path, kilobytes: int) -> None:
    bomb = repeating(recording(tmp_path / "bomb.mp4", [Shot(0)], video="libx264"), 5000)
    assert bomb.stat().st_size < MB // 40
    workdir, most = tmp_path / "work", kilobytes * 1024
    workdir.mkdir()
    async with Children() as children:
        failure = await refusal(children, within_output, most, render, bomb, workdir)
    assert failure.code == "output_limit"
    assert "GB (MEDIA_OUTPUT_GB)" in failure.detail
    assert max(file.stat().st_size for file in workdir.iterdir()) <= most


async def test_sound_that_becomes_more_than_may_be_written(tmp_path: Path) -> None:
    sound = recording(tmp_path / "a.mka", [], [Tone(0, 20)], audio="libopus")
    async with Children() as children:
        for most in (4 * 1024, 300 * 1024):  # of the m4a, and of the WAV, which Python writes
            failure = await refusal(children, within_output, most, extract_audio, sound, tmp_path)
            assert failure.code == "output_limit"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return recording(tmp_path / "a.mkv", shots(3), [Tone(0, 3)], video="libx264", audio="libmp3lame")


def test_every_pass_counts_what_it_decodes(film: Path, tmp_path: Path) -> None:
    passes: list[tuple[Callable[[int], Iterator[Any]], int, type]] = [
        (lambda most: extract_audio(film, tmp_path, most), WHOLE_SOUND, AudioDone),
        (lambda most: find_scenes(film, 6.0, most), WHOLE_PICTURE, ScenesFound),
        (lambda most: render(film, tmp_path, most), WHOLE_SOUND + WHOLE_PICTURE, RenderDone),
    ]
    for run, whole, kind in passes:
        *_, done = run(2 * whole)
        assert isinstance(done, kind)
        with pytest.raises(Permanent, match="decoded_limit"):
            list(run(whole // 2))


def test_readings_of_one_file_share_its_allowance(film: Path) -> None:
    allowance = Allowance(64 * 48 * 3 // 2 * 20)
    assert first_picture(film, allowance) is not None
    with pytest.raises(Permanent, match="decoded_limit"):
        [first_picture(film, allowance) for _ in range(20)]


def test_this_process_has_no_limit_to_be_short_of() -> None:
    assert short_of_memory() is False
