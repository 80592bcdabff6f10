import pytest

from schemas.failures import Permanent
from streams.media.limits import MAX_DURATION, MAX_GAP
from streams.media.timeline import Timeline

VIDEO, AUDIO = 0, 1


def place(line: Timeline, stream: int, stamp: float, duration: float = 0.0) -> float:
    return stamp - line.shift(stream, stamp, duration)


def test_the_first_timestamp_of_the_file_is_position_zero() -> None:
    line = Timeline(origin=1000.0)
    assert place(line, VIDEO, 1000.0) == 0
    assert place(line, AUDIO, 1000.5) == 0.5


def test_a_believable_gap_stays() -> None:
    line = Timeline()
    place(line, VIDEO, 0.0)
    assert place(line, VIDEO, MAX_GAP - 1) == MAX_GAP - 1


def test_a_jump_of_hours_is_taken_out_of_both_streams_alike() -> None:
    line = Timeline()
    for stamp in (0.0, 1.0, 2.0):
        place(line, VIDEO, stamp, 1.0)
        place(line, AUDIO, stamp, 1.0)
    assert place(line, VIDEO, 36_003.0, 1.0) == pytest.approx(3.0)
    assert place(line, AUDIO, 36_003.2, 1.0) == pytest.approx(3.2)


def test_a_stray_timestamp_does_not_move_what_follows() -> None:
    line = Timeline()
    place(line, VIDEO, 5.0)
    place(line, AUDIO, 4.8)
    place(line, AUDIO, 90_000.0)
    assert place(line, AUDIO, 4.9) == pytest.approx(4.9)


def test_a_clock_that_starts_again_continues() -> None:
    line = Timeline()
    for stamp in (0.0, 10.0, 20.0):
        place(line, VIDEO, stamp, 10.0)
        place(line, AUDIO, stamp, 10.0)
    assert place(line, AUDIO, 0.0, 10.0) == pytest.approx(30.0)
    assert place(line, VIDEO, 0.5, 10.0) == pytest.approx(30.5)


def test_a_still_picture_may_last_as_long_as_there_is_sound() -> None:
    line = Timeline()
    place(line, VIDEO, 0.0)
    for second in range(3600):
        place(line, AUDIO, float(second), 1.0)
    assert place(line, VIDEO, 3600.0) == 3600.0


def test_many_gaps_end_at_the_longest_recording() -> None:
    line = Timeline()
    most = int(MAX_DURATION / (MAX_GAP - 1))
    for n in range(most + 1):
        place(line, VIDEO, n * (MAX_GAP - 1))
    with pytest.raises(Permanent, match="media_too_long"):
        place(line, VIDEO, (most + 1) * (MAX_GAP - 1))
