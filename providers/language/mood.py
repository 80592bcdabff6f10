"""Sentiment by lexicon, for English: VADER, whose words and rules come in its wheel. Other languages stay neutral."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from providers.language.sentences import Sentence
from schemas.analyses import SentimentLabel, SentimentSpan

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]  # no types

SECONDS, PAGES = 30.0, 1.0
"""How long a window of the timeline is: of a recording half a minute, of a document a page."""
_MOST_WINDOWS = 60
_FELT = 0.05
"""VADER's own border between neutral and not."""
_CLEAR = 0.15
_MIXED_SHARE = 0.3


@cache
def _lexicon() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def moods(sentences: Sequence[Sentence]) -> list[float]:
    """The mood of each sentence, from -1 to 1."""
    return [float(_lexicon().polarity_scores(sentence.text)["compound"]) for sentence in sentences]


def overall(scores: Sequence[float]) -> tuple[SentimentLabel, float]:
    """One label and score for several moods. Neutral sentences weigh a quarter: they dilute, but do not drown."""
    weights = [1.0 if abs(score) >= _FELT else 0.25 for score in scores]
    if not weights:
        return "neutral", 0.0
    score = sum(weight * mood for weight, mood in zip(weights, scores, strict=True)) / sum(weights)
    return _label(score, scores), round(min(max(score, -1.0), 1.0), 3)


def _label(score: float, scores: Sequence[float]) -> SentimentLabel:
    felt = [mood for mood in scores if abs(mood) >= _FELT]
    good = sum(mood > 0 for mood in felt)
    if felt and min(good, len(felt) - good) / len(felt) >= _MIXED_SHARE and len(felt) * 3 >= len(scores):
        return "mixed"
    return "positive" if score >= _CLEAR else "negative" if score <= -_CLEAR else "neutral"


def timeline(
    sentences: Sequence[Sentence], scores: Sequence[float], window: float = SECONDS
) -> tuple[SentimentSpan, ...]:
    """The mood over time, in windows of that length (longer ones where there would be too many), silence left out."""
    if not sentences:
        return ()
    width = max(window, math.ceil(sentences[-1].end / _MOST_WINDOWS))
    rated = zip(sentences, scores, strict=True)
    windows = [list(some) for _, some in groupby(rated, key=lambda pair: pair[0].start // width)]
    return tuple(_span(window) for window in windows)


def _span(window: Sequence[tuple[Sentence, float]]) -> SentimentSpan:
    label, score = overall([mood for _, mood in window])
    start = window[0][0].start
    return SentimentSpan(
        start=start, end=max(start, *(sentence.end for sentence, _ in window)), label=label, score=score
    )
