import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Permanent
from streams.media.limits import EMPTY_SHARE, MAX_DURATION, MAX_EMPTY, MAX_GAP, PACKET_SECONDS
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


def test_many_gaps_between_pictures_end_at_the_longest_recording() -> None:
    line = Timeline(sound=False)
    most = int(MAX_DURATION / (MAX_GAP - 1))
    for n in range(most + 1):
        assert place(line, VIDEO, n * (MAX_GAP - 1)) == n * (MAX_GAP - 1)
    with pytest.raises(Permanent, match="media_too_long"):
        place(line, VIDEO, (most + 1) * (MAX_GAP - 1))


Packets = list[tuple[int, float, float]]
packets = st.lists(
    st.tuples(
        st.sampled_from((VIDEO, AUDIO)), st.floats(-2 * MAX_DURATION, 2 * MAX_DURATION), st.floats(0, MAX_DURATION)
    )
)


@given(packets)
def test_a_few_packets_are_never_long_whatever_they_say(said: Packets) -> None:
    line = Timeline()
    for stream, stamp, duration in said:
        place(line, stream, stamp, duration)
    assert line.head <= MAX_EMPTY + (1 + EMPTY_SHARE) * PACKET_SECONDS * len(said) + 0.001


@given(st.lists(st.tuples(st.integers(30, 120), st.integers(11, 120))))
def test_pauses_stay_whose_share_is_believable(parts: list[tuple[int, int]]) -> None:
    """Half a minute or more that is recorded, and up to two minutes of nothing after it, again and again."""
    line, now = Timeline(origin=7.0), 7.0
    for lasting, pause in parts:
        for _ in range(2 * lasting):
            assert place(line, AUDIO, now, 0.5) == pytest.approx(now - 7.0)
            assert place(line, VIDEO, now + 0.3) == pytest.approx(now - 6.7)
            now += 0.5
        now += pause


def test_ten_minutes_without_sound_are_none_without_pictures() -> None:
    """A tab that is muted: its picture goes on. Nothing is taken from what may be gaps."""
    line = Timeline()
    for second in range(3600):
        assert place(line, VIDEO, float(second), 1.0) == second
        if not 1200 <= second < 1800:
            assert place(line, AUDIO, second + 0.1, 0.02) == pytest.approx(second + 0.1)
    assert place(line, AUDIO, 3600 + MAX_GAP - 1, 0.02) == 3600 + MAX_GAP - 1


@given(st.sampled_from((0.0, MAX_GAP - 1)), st.floats(0, MAX_GAP + 2), st.floats(-0.5, 0.5))
def test_streams_that_pause_together_come_back_together(before: float, gap: float, later: float) -> None:
    """Also where the gap of one of them is believed just when the other's was not any more."""
    line = Timeline()
    at = place(line, AUDIO, before)
    for second in range(100):
        place(line, VIDEO, at + second / 100, 0.01)
        place(line, AUDIO, at + second / 100, 0.01)
    back = at + 1 + gap
    picture = place(line, VIDEO, back, 0.01)
    assert place(line, AUDIO, back + later, 0.01) == pytest.approx(picture + later)
