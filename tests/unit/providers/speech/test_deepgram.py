"""How Deepgram's words become segments."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.speech.deepgram import understand
from schemas.failures import Retryable


def word(text: str, start: float, length: float = 0.4, speaker: int | None = 0) -> dict[str, Any]:
    return {"word": text.lower(), "punctuated_word": text, "start": start, "end": start + length, "speaker": speaker}


def answer(*words: dict[str, Any], language: str = "en") -> dict[str, Any]:
    return {"results": {"channels": [{"alternatives": [{"words": words}], "detected_language": language}]}}


@given(
    st.lists(
        st.tuples(st.sampled_from(["Yes.", "and", "so,", "why?"]), st.floats(0, 3), st.integers(0, 3)), max_size=80
    )
)
def test_every_word_is_in_one_segment(said: list[tuple[str, float, int]]) -> None:
    at, words = 0.0, []
    for text, pause, speaker in said:
        at += pause + 0.4
        words.append(word(text, at, speaker=speaker))
    heard = understand(answer(*words), at + 1)
    assert [one.text for segment in heard.segments for one in segment.words] == [text for text, _, _ in said]
    assert [segment.id for segment in heard.segments] == list(range(len(heard.segments)))
    assert all(segment.end - segment.start <= 30.5 for segment in heard.segments)
    assert (heard.language is None) == (not said)


def test_a_pause_and_a_long_speech_start_new_segments() -> None:
    speech = [word("word.", number * 0.5) for number in range(60)]
    heard = understand(answer(*speech, word("Later.", 40)), 41)
    assert len(heard.segments) == 4
    assert heard.segments[-1].text == "Later."


def test_without_diarization_nobody_is_named() -> None:
    [segment] = understand(answer(word("Hello.", 0, speaker=None)), 1).segments
    assert segment.speaker is None


def test_words_of_a_script_without_spaces_are_joined_without() -> None:
    [segment] = understand(answer(word("今日", 0), word("は", 0.4), language="ja"), 1).segments
    assert segment.text == "今日は"


@pytest.mark.parametrize("broken", [{}, {"results": None}, answer({"word": "a"}), answer(word("a", -1)), "text", None])
def test_another_shape_is_a_broken_answer(broken: object) -> None:
    with pytest.raises(Retryable, match="provider_broken_answer"):
        understand(broken, 1)
