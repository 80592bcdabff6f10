import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from schemas.media import SPEECH_SAMPLE_RATE, Probe
from streams.media.limits import EMPTY_SHARE, MAX_EMPTY
from streams.media.messages import AudioDone, AudioMessage, Progress, RenderDone, SpeechPart
from tests.media.make import SCREEN_VP8, Shot, Tone, recording, shots

Heard = Callable[[Path], tuple[AudioDone, list[AudioMessage]]]


def samples(done: AudioDone) -> np.ndarray:
    assert done.wav is not None
    with wave.open(str(done.wav.path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, SPEECH_SAMPLE_RATE)
        return np.frombuffer(wav.readframes(wav.getnframes()), np.int16).astype(float)


def level(sound: np.ndarray, start: float, end: float) -> float:
    return float(np.sqrt(np.square(sound[int(start * SPEECH_SAMPLE_RATE) : int(end * SPEECH_SAMPLE_RATE)]).mean()))


def test_a_browser_recording(heard: Heard) -> None:
    done, messages = heard(SCREEN_VP8)
    assert isinstance(messages[0], Probe)
    assert messages[0].duration_seconds is None
    assert done.duration_seconds == pytest.approx(44.95, abs=0.1)
    assert done.audio_seconds == pytest.approx(44.35, abs=0.05)
    assert done.m4a is not None
    with av.open(done.m4a.path) as m4a:
        assert m4a.streams.audio[0].codec_context.name == "aac"
        assert m4a.duration / av.time_base == pytest.approx(44.35, abs=0.1)


def test_parts_come_short_first_and_make_up_the_wav(heard: Heard) -> None:
    done, messages = heard(SCREEN_VP8)
    parts = [m for m in messages if isinstance(m, SpeechPart)]
    assert [(p.index, p.start) for p in parts] == [(0, 0), (1, 6), (2, 14), (3, 30)]
    assert [p.end for p in parts][:3] == [6, 14, 30]
    whole = b"".join(p.path.read_bytes() for p in parts)
    assert np.array_equal(np.frombuffer(whole, np.int16), samples(done))
    assert messages.index(parts[0]) < len(messages) / 4


def test_progress_grows_to_the_end_without_a_duration_in_the_file(heard: Heard) -> None:
    _, messages = heard(SCREEN_VP8)
    told = [m.fraction for m in messages if isinstance(m, Progress)]
    assert told == sorted(told)
    assert told[-1] > 0.95
    assert len(told) <= 101


def test_a_gap_becomes_silence_and_late_sound_keeps_its_place(heard: Heard, tmp_path: Path) -> None:
    sounds = [Tone(0.5, 1.5), Tone(4, 5)]
    done, _ = heard(recording(tmp_path / "gap.webm", shots(6), sounds))
    sound = samples(done)
    assert [level(sound, *span) > 3000 for span in ((0, 0.4), (0.6, 1.4), (1.7, 3.9), (4.1, 4.9))] == [False, True] * 2


def test_an_overlap_is_dropped(heard: Heard, tmp_path: Path) -> None:
    done, _ = heard(recording(tmp_path / "overlap.webm", [], [Tone(0, 3), Tone(2, 4)]))
    assert done.audio_seconds == pytest.approx(4.0, abs=0.1)


def test_a_gap_of_hours_makes_no_silence(heard: Heard, tmp_path: Path) -> None:
    done, _ = heard(recording(tmp_path / "hours.webm", shots(1), [Tone(0, 1), Tone(36_000, 36_001)]))
    assert done.audio_seconds == pytest.approx(2.0, abs=0.1)
    assert done.wav is not None
    assert done.wav.size_bytes < 100_000


def test_a_long_gap_that_is_believed_is_filled(heard: Heard, tmp_path: Path) -> None:
    done, _ = heard(recording(tmp_path / "minutes.webm", shots(1), [Tone(0, 1), Tone(500, 501)]))
    assert done.audio_seconds == pytest.approx(501, abs=0.1)
    assert level(samples(done), 500.2, 500.9) > 3000


def test_scattered_sound_does_not_become_hours_of_silence(
    heard: Heard, rendered: Callable[[Path], RenderDone], tmp_path: Path
) -> None:
    film, sounds = [Shot(590 * n) for n in range(60)], [Tone(590 * n, 590 * n + 0.1) for n in range(60)]
    source = recording(tmp_path / "scattered.webm", film, sounds)
    done, _ = heard(source)
    assert 590 < done.audio_seconds < MAX_EMPTY + 60 * (1 + EMPTY_SHARE)
    assert rendered(source).duration_seconds == pytest.approx(done.duration_seconds, abs=0.1)


@pytest.mark.parametrize(("name", "codec", "copied"), [("a.m4a", "aac", True), ("a.mp3", "libmp3lame", False)])
def test_aac_is_copied_and_the_rest_encoded(heard: Heard, tmp_path: Path, name: str, codec: str, copied: bool) -> None:
    done, _ = heard(recording(tmp_path / name, [], [Tone(0, 2)], audio=codec))
    assert done.m4a is not None
    assert done.m4a.copied is copied
    with av.open(done.m4a.path) as m4a:
        assert m4a.duration / av.time_base == pytest.approx(2.0, abs=0.1)


def test_no_sound_is_said(heard: Heard, tmp_path: Path) -> None:
    done, messages = heard(recording(tmp_path / "mute.webm", shots(2)))
    assert not done.has_audio
    assert done.duration_seconds == pytest.approx(2.0, abs=0.2)
    assert not [m for m in messages if isinstance(m, SpeechPart)]


def test_loudness_knows_silence_from_sound(heard: Heard, tmp_path: Path) -> None:
    done, _ = heard(recording(tmp_path / "half.wav", [], [Tone(0, 2), Tone(2, 4, 0)], audio="pcm_s16le"))
    assert done.loudness is not None
    assert done.loudness.silent_share == pytest.approx(0.5, abs=0.03)
    assert done.loudness.peak_dbfs == pytest.approx(-6.0, abs=0.5)
