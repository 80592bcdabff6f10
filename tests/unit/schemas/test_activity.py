"""Streaks, and what counts."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.activity import Counts, streak_of

TODAY = date(2026, 3, 1)


def back(*days: int) -> set[date]:
    return {TODAY - timedelta(days=number) for number in days}


def test_no_day_is_no_streak():
    assert streak_of(set(), TODAY).model_dump() == {"current_days": 0, "longest_days": 0, "active_today": False}


def test_a_streak_lasts_until_a_whole_day_has_gone_by():
    assert streak_of(back(1, 2), TODAY).current_days == 2
    assert streak_of(back(2, 3), TODAY).current_days == 0


def test_the_longest_may_lie_behind():
    found = streak_of(back(0, 1, 10, 11, 12, 13), TODAY)
    assert (found.current_days, found.longest_days, found.active_today) == (2, 4, True)


@given(st.sets(st.integers(0, 365)))
def test_the_current_streak_is_never_longer_than_the_longest(days):
    found = streak_of(back(*days), TODAY)
    assert 0 <= found.current_days <= found.longest_days <= len(days)
    assert found.active_today == (0 in days)


def test_counts_add_up_by_name():
    assert Counts(uploads=1, exports=2) + Counts(uploads=3) == Counts(uploads=4, exports=2)
