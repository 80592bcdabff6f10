"""Sentiment by lexicon."""

import pytest

from providers.language.mood import moods, overall, timeline
from providers.language.sentences import Sentence


def said(*texts: str, every: float = 5.0) -> list[Sentence]:
    return [Sentence(text, number * every, number * every + 4, None, ()) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "label"),
    [
        (["Great work everyone, this is awesome!"], "positive"),
        (["This is a terrible, frustrating failure."], "negative"),
        (["I'm not happy with this."], "negative"),
        (["The meeting is on Friday."], "neutral"),
        (["I love it.", "I hate it."], "mixed"),
        ([], "neutral"),
    ],
)
def test_labels(texts: list[str], label: str) -> None:
    assert overall(moods(said(*texts)))[0] == label


def test_the_timeline_has_a_window_for_each_half_minute_with_speech() -> None:
    sentences = said("I love it.", "Wonderful!", "I hate it.", every=29)
    spans = timeline(sentences, moods(sentences))
    assert [(span.start, span.end, span.label) for span in spans] == [(0, 33, "positive"), (58, 62, "negative")]


def test_hours_have_at_most_sixty_windows() -> None:
    sentences = said(*["Good."] * 2000, every=10)
    assert len(timeline(sentences, [0.5] * 2000)) <= 61
