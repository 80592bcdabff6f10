"""Parts of a transcript for a model."""

from hypothesis import given
from hypothesis import strategies as st

from providers.language.parts import grouped, line_of, parts_of
from schemas.transcripts import Segment

LINES = st.lists(st.text(max_size=60), max_size=60)


@given(LINES, st.integers(1, 500))
def test_every_segment_with_words_is_in_one_part_in_order(lines: list[str], letters: int) -> None:
    segments = [Segment(id=number, start=number, end=number + 1, text=line) for number, line in enumerate(lines)]
    parts = parts_of(segments, letters)
    assert [segment for part in parts for segment in part] == [segment for segment in segments if segment.text.strip()]
    assert all(len(part) == 1 or sum(len(line_of(one)) for one in part) <= letters for part in parts)


@given(LINES, st.integers(1, 500))
def test_groups_keep_every_text_once_and_get_fewer(texts: list[str], letters: int) -> None:
    groups = grouped(texts, letters)
    assert [text for group in groups for text in group] == texts
    assert len(groups) < len(texts) or len(texts) < 2


@given(st.text(), st.text())
def test_a_segment_is_one_line_whatever_it_says(text: str, speaker: str) -> None:
    assert len(line_of(Segment(id=1, start=0, end=1, text=text, speaker=speaker)).splitlines()) == 1
