"""Sound that is kept, by the numbers of its samples."""

from hypothesis import given
from hypothesis import strategies as st

from providers.speech.kept import KeptSound

SOUND = b"".join(number.to_bytes(2, "little") for number in range(2_000))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(-10, 300)), max_size=20))
def test_a_sample_keeps_its_number_until_it_is_let_go(steps: list[tuple[int, int]]) -> None:
    kept, fed = KeptSound(), 0
    for size, release in steps:
        kept.add(SOUND[fed : fed + size])
        fed = min(fed + size, len(SOUND))
        before = kept.begins
        kept.release(kept.begins + release)
        assert before <= kept.begins <= kept.ends == max(fed // 2, before)
        middle = (kept.begins + kept.ends) // 2
        assert kept.piece(middle, 50) == SOUND[middle * 2 : min(middle + 50, kept.ends) * 2]
        assert kept.seconds == (kept.ends - kept.begins) / 16_000


def test_half_a_sample_waits_for_its_other_half() -> None:
    kept = KeptSound()
    kept.add(b"\1\2\3")
    assert (kept.ends, kept.piece(0, 9)) == (1, b"\1\2")
    kept.add(b"\4")
    assert (kept.ends, kept.piece(1, 9)) == (2, b"\3\4")
