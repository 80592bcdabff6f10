"""What may be in a recording: what people's machines produce is read, and nothing else is even opened."""

from pathlib import Path

import av
import pytest

from schemas.failures import Permanent
from streams.media.allowed import DECODERS
from streams.media.audio import extract_audio
from streams.media.messages import AudioDone, ScenesFound
from streams.media.probe import probe
from streams.media.scenes import find_scenes
from tests.media.make import Tone, recording, shots

PICTURES = [
    ("libx264", "mp4", "yuv420p", "h264"),
    ("libvpx", "webm", "yuv420p", "vp8"),
    ("libvpx-vp9", "webm", "yuv420p", "vp9"),
    ("libsvtav1", "mp4", "yuv420p", "av1"),
    ("libx265", "mp4", "yuv420p", "hevc"),
    ("mpeg4", "avi", "yuv420p", "mpeg4"),
    ("h263", "3gp", "yuv420p", "h263"),
    ("mjpeg", "avi", "yuvj420p", "mjpeg"),
    ("prores", "mov", "yuv422p10le", "prores"),
    ("rawvideo", "avi", "yuv420p", "rawvideo"),
    ("wmv2", "asf", "yuv420p", "wmv2"),
    ("flv", "flv", "yuv420p", "flv1"),
    ("qtrle", "mov", "rgb24", "qtrle"),
    ("png", "mov", "rgb24", "png"),
    ("zmbv", "avi", "bgr0", "zmbv"),
    ("flashsv", "flv", "bgr24", "flashsv"),
    ("utvideo", "avi", "yuv420p", "utvideo"),
    ("ffv1", "mkv", "yuv420p", "ffv1"),
]
SOUNDS = [
    ("libopus", "webm", "opus"),
    ("aac", "m4a", "aac"),
    ("aac", "aac", "aac"),
    ("libmp3lame", "mp3", "mp3"),
    ("mp2", "mkv", "mp2"),
    ("flac", "flac", "flac"),
    ("alac", "m4a", "alac"),
    ("ac3", "ts", "ac3"),
    ("pcm_s16le", "wav", "pcm_s16le"),
    ("pcm_s24le", "wav", "pcm_s24le"),
    ("pcm_f32le", "wav", "pcm_f32le"),
    ("pcm_s16be", "aiff", "pcm_s16be"),
    ("pcm_mulaw", "wav", "pcm_mulaw"),
    ("adpcm_ms", "wav", "adpcm_ms"),
    ("adpcm_ima_wav", "wav", "adpcm_ima_wav"),
]


@pytest.mark.parametrize(("codec", "container", "pixels", "name"), PICTURES, ids=[row[0] for row in PICTURES])
def test_pictures_of_browsers_phones_cameras_and_screen_recorders(
    tmp_path: Path, codec: str, container: str, pixels: str, name: str
) -> None:
    film = shots(0.5, width=176, height=144)
    source = recording(tmp_path / f"a.{container}", film, video=codec, pixels=pixels)
    assert probe(source).video_codec == name
    *_, found = find_scenes(source)
    assert found == ScenesFound(has_video=True)


@pytest.mark.parametrize(("codec", "container", "name"), SOUNDS, ids=[f"{row[0]} in {row[1]}" for row in SOUNDS])
def test_sounds_of_browsers_phones_and_cameras(tmp_path: Path, codec: str, container: str, name: str) -> None:
    container_format = {"ts": "mpegts", "m4a": "ipod", "aac": "adts"}.get(container)
    source = recording(tmp_path / f"a.{container}", [], [Tone(0, 1)], audio=codec, container=container_format)
    assert probe(source).audio_codec == name
    *_, done = extract_audio(source, tmp_path)
    assert isinstance(done, AudioDone)
    assert done.audio_seconds == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("codec", "pixels"), [("snow", "yuv420p"), ("jpeg2000", "yuv420p")])
def test_a_picture_that_no_recorder_makes_is_not_decoded(tmp_path: Path, codec: str, pixels: str) -> None:
    source = recording(tmp_path / "a.mkv", shots(0.5), video=codec, pixels=pixels)
    with pytest.raises(Permanent, match="no_streams"):
        probe(source)
    with_sound = recording(tmp_path / "b.mkv", shots(0.5), [Tone(0, 1)], video=codec, pixels=pixels)
    found = probe(with_sound)
    assert (found.has_video, found.has_audio) == (False, True)


@pytest.mark.parametrize("codec", ["wavpack", "tta"])
def test_a_sound_that_no_recorder_makes_is_not_decoded(tmp_path: Path, codec: str) -> None:
    with pytest.raises(Permanent, match="no_streams"):
        probe(recording(tmp_path / "a.mkv", [], [Tone(0, 1)], audio=codec))


@pytest.mark.parametrize("container", ["nut", "gif", "ivf", "dv"])
def test_a_container_that_no_recorder_makes_is_not_opened(tmp_path: Path, container: str) -> None:
    made = {"gif": ("gif", "rgb8"), "ivf": ("libvpx", "yuv420p")}
    codec, pixels = made.get(container, ("rawvideo", "yuv420p"))
    if container == "dv":
        (tmp_path / "a.dv").write_bytes(b"\x1f\x07\x00\x3f" * 100_000)
    else:
        recording(tmp_path / f"a.{container}", shots(0.5), video=codec, pixels=pixels)
    with pytest.raises(Permanent, match="not_media"):
        probe(tmp_path / f"a.{container}")


def test_every_name_in_the_list_is_a_decoder_of_this_ffmpeg() -> None:
    assert all(av.Codec(name, "r").is_decoder for name in DECODERS)
