"""The plan of a chaos run: the same from the same seed, and steady."""

import itertools

import pytest

from bench.chaos.plan import LONGEST_STOP_SECONDS, Blow, Cast, draw

CAST = Cast(good=("a", "b", "c"), broken=("x",), doors=("front", "back"), targets=("API", "Kafka"))


def test_a_seed_is_a_plan() -> None:
    assert draw(7, 50, 300, CAST) == draw(7, 50, 300, CAST)
    assert draw(7, 50, 300, CAST) != draw(8, 50, 300, CAST)


def test_uploads_come_at_a_steady_rate_and_every_clip_comes() -> None:
    plan = draw(7, 50, 300, CAST)
    assert [upload.at for upload in plan.uploads] == pytest.approx([number * 6 for number in range(50)])
    assert {upload.clip for upload in plan.uploads[:4]} == {"a", "b", "c", "x"}
    assert {upload.door for upload in plan.uploads} == {"front", "back"}
    assert len(draw(7, 2, 10, CAST).uploads) == 2


def test_strikes_come_every_few_seconds_until_the_last_upload() -> None:
    strikes = draw(7, 50, 300, CAST).strikes
    pauses = [later.at - earlier.at for earlier, later in itertools.pairwise(strikes)]
    assert all(2 <= pause <= 6 for pause in pauses)
    assert 290 < strikes[-1].at < 300
    assert {strike.target for strike in strikes} == {"API", "Kafka"}
    assert {strike.blow for strike in strikes} == set(Blow)
    assert all(1 <= s.seconds <= LONGEST_STOP_SECONDS if s.blow is Blow.STOP else not s.seconds for s in strikes)
