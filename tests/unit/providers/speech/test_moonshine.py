"""How sound is cut into blocks and lines, with an engine that hears exactly what is loud."""

from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.speech.face import Heard
from providers.speech.moonshine import Ear, Line, Moonshine, Sound, blocks

RATE = 16_000
SPEECH = st.floats(0.6, 9)
PAUSE = st.floats(0.4, 9)


def hear_loud(sound: Sound) -> list[Line]:
    """A line for each loud run; its text is its loudness, so that each run can be told from the others."""
    loud = np.flatnonzero(np.diff(np.concatenate([[0.0], np.abs(sound), [0.0]])))
    return [
        Line(begin / RATE, end / RATE, f"run{round(float(sound[begin]) * 1000)}")
        for begin, end in zip(loud[::2], loud[1::2], strict=True)
    ]


def recording(runs: list[tuple[float, float]]) -> bytes:
    """Pauses and speech in turns, each run a little louder than the one before."""
    parts = [np.zeros(0, "<i2")]
    for number, (pause, speech) in enumerate(runs, 1):
        parts += [np.zeros(int(pause * RATE), "<i2"), np.full(int(speech * RATE), round(number * 32.768), "<i2")]
    return np.concatenate(parts).tobytes()


def listen(pcm: bytes, piece: int = 32_001) -> list[Heard]:
    ear = Ear(hear_loud)
    pieces = (pcm[start : start + piece] for start in range(0, len(pcm), piece))
    return [ear.hear(sound, last=last) for sound, last in blocks(pieces)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(PAUSE, SPEECH), max_size=12))
def test_every_run_of_speech_is_heard_once_and_whole(runs: list[tuple[float, float]]) -> None:
    pcm = recording(runs)
    heard = listen(pcm)
    segments = [segment for one in heard for segment in one.segments]
    assert [segment.text for segment in segments] == [f"run{number}" for number in range(1, len(runs) + 1)]
    begin = 0.0
    for segment, (pause, speech) in zip(segments, runs, strict=True):
        begin += int(pause * RATE) / RATE
        assert segment.start == pytest.approx(begin, abs=0.002)
        begin += int(speech * RATE) / RATE
        assert segment.end == pytest.approx(begin, abs=0.002)
    assert heard[-1].until == pytest.approx(len(pcm) / 2 / RATE, abs=0.001)


@given(st.binary(max_size=400_000), st.integers(1, 50_000))
@settings(max_examples=25, deadline=None)
def test_blocks_keep_every_whole_sample_once(pcm: bytes, piece: int) -> None:
    cut = list(blocks(pcm[start : start + piece] for start in range(0, len(pcm), piece)))
    samples = np.concatenate([sound for sound, _ in cut])
    whole = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
    assert np.array_equal(samples * 32768, whole)
    assert [last for _, last in cut] == [False] * (len(cut) - 1) + [True]


def test_the_first_blocks_are_short_so_that_the_first_words_come_soon() -> None:
    lengths = [len(sound) / RATE for sound, _ in blocks(iter([bytes(32_000 * 100)]))]
    assert lengths == [6, 8, 16, 24, 24, 22]


def test_a_line_without_an_end_is_not_carried_for_ever() -> None:
    heard = listen(recording([(0.0, 120.0)]))
    assert len(heard[0].segments) == 0
    assert all(heard[number].until > 20 for number in range(3, len(heard)))
    covered = sum(segment.end - segment.start for one in heard for segment in one.segments)
    assert covered == pytest.approx(120, abs=0.01)


def test_the_engine_is_not_asked_about_a_gap_that_was_filled() -> None:
    asked: list[int] = []

    def engine(sound: Sound) -> list[Line]:
        asked.append(len(sound))
        return hear_loud(sound)

    ear = Ear(engine)
    for _ in range(3):
        assert not ear.hear(np.zeros(24 * RATE, np.float32), last=False).segments
    assert not asked
    [segment] = ear.hear(np.full(RATE, 0.1, np.float32), last=True).segments
    assert (segment.start, segment.end) == (72.0, 73.0)


def test_what_the_detector_hears_while_it_warms_up_is_left_out() -> None:
    def engine(sound: Sound) -> list[Line]:
        return [Line(0.0, 0.3, "You"), *hear_loud(sound)]

    ear = Ear(engine)
    pcm = recording([(2.0, 3.0)])
    texts = [segment.text for sound, last in blocks(iter([pcm])) for segment in ear.hear(sound, last=last).segments]
    assert texts == ["You", "run1"], "only the recording's own beginning is believed"


@pytest.mark.parametrize(("said", "kept"), [("In short,, the", "In short, the"), ("a  b\n", "a b")])
def test_the_engine_s_habits_are_tidied(said: str, kept: str) -> None:
    [segment] = Ear(lambda _: [Line(0, 1, said)]).hear(np.ones(RATE, np.float32), last=True).segments
    assert segment.text == kept


@pytest.mark.parametrize("said", ["", " ", "?", "...", "♪"])
def test_a_line_without_a_word_is_no_segment(said: str) -> None:
    assert Ear(lambda _: [Line(0, 1, said)]).hear(np.ones(RATE, np.float32), last=True) == Heard(until=1.0)


async def test_its_child_is_gone_when_it_is_closed() -> None:
    gone = []

    class Children:
        async def run(self, entry: object, *, inputs: object) -> AsyncIterator[Heard]:
            try:
                yield Heard(until=1.0)
                yield Heard(until=2.0)
            finally:
                gone.append(True)

    hearing = Moonshine(cast(Any, Children())).transcribe(cast(Any, None))
    assert await anext(hearing) == Heard(until=1.0)
    await hearing.aclose()
    assert gone
