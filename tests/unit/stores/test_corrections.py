"""Corrections have an end, which nobody reaches by putting right what was said; and there is always a way back."""

import pytest

from schemas.transcripts import Segment, Transcript
from stores.corrections import MOST_BYTES, Fields, Overfull, update

LONG = "\N{GRINNING FACE}" * 5000
FULL = MOST_BYTES // len(LONG.encode())
SEGMENTS, SPEAKERS = "corrections.segments.", "corrections.speakers."


def heard(count: int, text: str = "heard") -> Transcript:
    segments = tuple(
        Segment(id=number, start=number, end=number + 1, speaker="S1", text=f"{text} {number}", words=())
        for number in range(count)
    )
    return Transcript(complete=True, provider="echo", language="en", segments=segments)


def put_right(present: Fields, changes: Fields) -> Fields:
    """The corrections with what a head's update changes of them."""
    made: Fields = {"segments": dict(present.get("segments", {})), "speakers": dict(present.get("speakers", {}))}
    for path, value in changes.items():
        _, kind, name = path.split(".")
        made[kind][name] = value
    return made


@pytest.fixture(scope="module")
def full() -> Fields:
    """As many long texts as there is room for."""
    return put_right({}, update(heard(FULL + 100), {}, {}, dict.fromkeys(range(FULL - 1), LONG)))


def test_twelve_hours_may_be_put_right_in_every_segment() -> None:
    spoken = heard(
        12 * 3600 // 5, "about five seconds of speech, which are some fifteen words or eighty letters of text"
    )
    assert len(update(spoken, {}, {}, {segment.id: segment.text + "." for segment in spoken.segments})) == 8640


def test_beyond_the_room_nothing_is_added(full: Fields) -> None:
    spoken = heard(FULL + 100)
    with pytest.raises(Overfull):
        update(spoken, full, {"S1": "Ada"}, {FULL: LONG, FULL + 1: LONG})
    assert update(spoken, full, {"S1": "Ada"}, {0: "short"})


def test_what_is_taken_back_makes_room_whatever_there_is(full: Fields) -> None:
    spoken = heard(FULL + 100)
    over = put_right(full, {f"{SEGMENTS}s{FULL + n}": {"was": f"heard {FULL + n}", "text": LONG} for n in range(10)})
    assert update(spoken, over, {}, {0: None}) == {f"{SEGMENTS}s0": None}
    assert update(spoken, over, {}, {0: None, FULL + 20: "short"})
    with pytest.raises(Overfull):
        update(spoken, over, {"S1": "Ada"}, {})


def test_what_holds_no_longer_gives_way(full: Fields) -> None:
    anew = heard(FULL + 100, "heard anew")
    made = put_right(full, update(anew, full, {"S1": "Ada"}, {FULL: LONG, FULL + 1: LONG}))
    assert {name for name, text in made["segments"].items() if text} == {f"s{FULL}", f"s{FULL + 1}"}
    assert made["speakers"] == {b"S1".hex(): "Ada"}


def test_while_there_is_room_nothing_else_changes() -> None:
    stale = {"segments": {"s9": {"was": "of before", "text": "of then"}}}
    wanted = {f"{SPEAKERS}{b'S1'.hex()}": "Ada", f"{SEGMENTS}s0": {"was": "heard 0", "text": "said"}}
    assert update(heard(1), stale, {"S1": "Ada"}, {0: "said"}) == wanted
