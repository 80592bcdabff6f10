"""Sentences across segments."""

from hypothesis import given
from hypothesis import strategies as st

from providers.language.sentences import sentences
from schemas.transcripts import Segment, Word


def segment(number: int, text: str, speaker: str | None = None) -> Segment:
    return Segment(id=number, start=number * 4.0, end=number * 4 + 3.9, text=text, speaker=speaker)


def texts(*lines: str) -> list[str]:
    return [sentence.text for sentence in sentences([segment(number, line) for number, line in enumerate(lines)])]


PIECES = st.text(st.sampled_from('abcXYZ .,!?。\n"”Dr'), max_size=40)


@given(st.lists(PIECES, max_size=20))
def test_every_word_is_in_one_sentence_and_times_stay_inside(lines: list[str]) -> None:
    segments = [segment(number, line) for number, line in enumerate(lines)]
    found = sentences(segments)
    assert "".join(sentence.text for sentence in found).replace(" ", "") == "".join("".join(lines).split())
    for sentence in found:
        assert sentence.start <= sentence.end
        for citation in sentence.citations:
            cited = segments[citation.segment_id]
            assert cited.start <= citation.start <= citation.end <= cited.end


def test_one_segment_may_hold_several() -> None:
    assert texts("One. Two! Three? 四。五") == ["One.", "Two!", "Three?", "四。", "五"]


def test_abbreviations_end_nothing() -> None:
    assert texts("Ask Dr. Smith or J. Doe.") == ["Ask Dr. Smith or J. Doe."]


def test_a_comma_or_a_small_letter_goes_on() -> None:
    assert texts("In short, the period was,", "that some", "insisted.") == [
        "In short, the period was, that some insisted."
    ]


def test_where_nobody_punctuates_each_segment_stands_alone() -> None:
    assert texts("so i think", "we should go", "now") == ["so i think", "we should go", "now"]


def test_another_speaker_starts_anew() -> None:
    found = sentences([segment(0, "I think,", "Speaker 1"), segment(1, "no.", "Speaker 2")])
    assert [sentence.speaker for sentence in found] == ["Speaker 1", "Speaker 2"]


def test_a_sentence_starts_when_its_first_word_does() -> None:
    words = [
        Word(text=text, start=start, end=start + 0.1) for text, start in (("Hi.", 0.0), ("So", 3.0), ("long.", 3.5))
    ]
    spoken = Segment(id=0, start=0, end=4, text="Hi. So long.", words=tuple(words))
    assert [sentence.start for sentence in sentences([spoken])] == [0.0, 3.0]
    assert [sentence.start for sentence in sentences([spoken.model_copy(update={"words": ()})])] == [0.0, 4 / 3]
