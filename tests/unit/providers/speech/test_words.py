"""Word times that are shared out."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from providers.speech.words import share_out

SECONDS = st.floats(0, 100_000)


@given(st.text(), SECONDS, SECONDS)
def test_words_fill_the_segment_in_order(text: str, start: float, length: float) -> None:
    words = share_out(text, start, start + length)
    assert [word.text for word in words] == text.split()
    if words:
        assert (words[0].start, words[-1].end) == (start, start + length)
    assert all(start <= word.start <= word.end <= start + length for word in words)
    assert all(before.end == after.start for before, after in pairwise(words))
    assert all(word.estimated for word in words)


def test_a_long_word_takes_longer() -> None:
    short, long = share_out("a extraordinarily", 0, 10)
    assert long.end - long.start > 4 * (short.end - short.start)
