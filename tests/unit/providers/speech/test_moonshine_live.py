"""How live sound becomes drafts and final segments, with an engine that hears exactly what is loud."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.speech.live import Draft, Final
from providers.speech.moonshine import Line, Sound, samples
from providers.speech.moonshine_live import Lines, LiveEar, gathered
from schemas.failures import Retryable
from tests.unit.providers.speech.test_moonshine import PAUSE, RATE, SPEECH, hear_loud, recording

SETTLED_SECONDS = 0.4


class LoudStream:
    """A line for each loud run, complete after some quiet."""

    open = 0
    longest = 0.0

    def __init__(self) -> None:
        self.sound: Sound = np.zeros(0, np.float32)
        LoudStream.open += 1

    def add(self, sound: Sound) -> None:
        self.sound = np.concatenate([self.sound, sound])
        LoudStream.longest = max(LoudStream.longest, len(self.sound) / RATE)

    def lines(self) -> Lines:
        lines = hear_loud(self.sound)
        growing = bool(lines) and lines[-1].end > len(self.sound) / RATE - SETTLED_SECONDS
        return Lines(lines[:-1], lines[-1:]) if growing else Lines(lines, [])

    def close(self) -> None:
        LoudStream.open -= 1


@pytest.fixture(autouse=True)
def fresh() -> None:
    LoudStream.open, LoudStream.longest = 0, 0.0


def listen(pcm: bytes, *, start: float = 0.0, first_id: int = 0, piece: int = 16_000) -> list[Draft | Final]:
    def everything() -> Iterator[Draft | Final]:
        ear = LiveEar(LoudStream, hear_loud, start, first_id)
        whole = len(pcm) // piece * piece
        for begin in range(0, whole, piece):
            yield from ear.hear(samples(pcm[begin : begin + piece]))
        yield from ear.finish(samples(pcm[whole:]))

    return list(everything())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(PAUSE, SPEECH), max_size=18), st.floats(0, 5_000), st.integers(0, 50))
def test_every_run_is_final_once_at_its_time(runs: list[tuple[float, float]], start: float, first_id: int) -> None:
    LoudStream.open, LoudStream.longest = 0, 0.0
    heard = listen(recording(runs), start=start, first_id=first_id)
    segments = [one.segment for one in heard if isinstance(one, Final)]
    assert [segment.text for segment in segments] == [f"run{number}" for number in range(1, len(runs) + 1)]
    assert [segment.id for segment in segments] == list(range(first_id, first_id + len(runs)))
    begin = start
    for segment, (pause, speech) in zip(segments, runs, strict=True):
        begin += int(pause * RATE) / RATE
        assert segment.start == pytest.approx(begin, abs=0.003)
        begin += int(speech * RATE) / RATE
        assert segment.end == pytest.approx(begin, abs=0.003)
    assert LoudStream.open == 0
    assert LoudStream.longest < 60 + 2 * 9 + 2


def test_what_is_being_said_is_a_draft_until_it_is_final() -> None:
    heard = listen(recording([(1.0, 3.0), (2.0, 1.0)]), start=10.0)
    first = [one for one in heard if isinstance(one, Draft) and one.text == "run1"]
    assert [draft.start for draft in first] == [11.0] * len(first)
    assert [draft.end for draft in first] == sorted(draft.end for draft in first)
    assert 11.4 < first[0].end < 11.6
    assert 13.4 < first[-1].end <= 14.0
    assert isinstance(heard[len(first)], Final)


def test_a_long_line_is_looked_at_less_and_less_often_and_at_once_when_nobody_speaks() -> None:
    said_at: list[tuple[float, Draft | Final]] = []
    ear, pcm = LiveEar(LoudStream, hear_loud), recording([(1.0, 12.0), (2.0, 1.0)])
    for begin in range(0, len(pcm), 16_000):
        said_at += [(begin / 32_000 + 0.5, one) for one in ear.hear(samples(pcm[begin : begin + 16_000]))]
    looks = [at for at, one in said_at if isinstance(one, Draft) and one.text == "run1"]
    waits = [round(after - before, 1) for before, after in pairwise(looks)]
    assert waits == [0.5] * 4 + [1.0] * 2 + [1.5] * 2 + [2.0] * 2
    assert [at for at, one in said_at if isinstance(one, Final)] == [13.5]


def test_pieces_that_wait_are_heard_at_once() -> None:
    pcm = recording([(1.0, 3.0), (2.0, 5.0)])
    got = list(gathered(pcm[begin : begin + 3_201] for begin in range(0, len(pcm), 3_201)))
    sounds = [sound for sound, _ in got]
    assert b"".join(sounds) == pcm
    assert all(len(sound) % 2 == 0 for sound in sounds)
    assert [last for _, last in got] == [False] * (len(got) - 1) + [True]
    assert len(got) < 12
    assert max(map(len, sounds)) <= 10 * RATE * 2 + 3_201


def test_what_breaks_the_pieces_is_raised() -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(100)
        raise Retryable("child_crashed", "The inputs of the work broke off.")

    with pytest.raises(Retryable, match="broke off"):
        list(gathered(pieces()))


def test_the_first_moment_of_a_fresh_stream_is_not_taken_for_speech() -> None:
    class Nervous(LoudStream):
        def lines(self) -> Lines:
            complete, growing = super().lines()
            return Lines([Line(0.0, 0.3, "Oh."), *complete], growing)

    ear = LiveEar(Nervous, hear_loud)
    pcm = recording([(1.0, 1.0)] * 80)
    said = [one for begin in range(0, len(pcm), 16_000) for one in ear.hear(samples(pcm[begin : begin + 16_000]))]
    finals = [one.segment.text for one in said if isinstance(one, Final)]
    assert finals[0] == "Oh.", "at the very start it may be speech"
    assert finals.count("Oh.") == 1
