"""Which sentences say most: tf-idf weights, nearness to the centre of the whole text, and no repetition.

Plain counting instead of a graph of all pairs: it takes time in proportion to the text, so that ten thousand segments
are no matter, and it needs no model. Works for any language that the stop-word lists know, and tolerably for others.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from providers.language.sentences import Sentence

Vector = dict[str, float]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d[\d.,%]*")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿]{2,}")
_FULL_WEIGHT_WORDS = 8
_STOP_WORD_WEIGHT = 0.2
_TOO_LONG_WORDS = 45
_LONGEST_PHRASE = 3


@lru_cache(maxsize=16)
def stop_words(language: str | None) -> frozenset[str]:
    """The words of a language (BCP 47; None: English) that carry no meaning of their own; none if it is unknown."""
    import stopwordsiso

    code = (language or "en").partition("-")[0].lower()
    return frozenset(stopwordsiso.stopwords(code)) if stopwordsiso.has_lang(code) else frozenset()


def words_of(text: str) -> list[str]:
    """The words in lower case, without punctuation. Script without spaces is taken two characters at a time."""
    return [word for match in _WORD.findall(text.lower()) for word in _pairs(match.replace("’", "'"))]


def _pairs(word: str) -> Iterable[str]:
    if _UNSPACED.fullmatch(word):
        return (word[index : index + 2] for index in range(len(word) - 1))
    return (word,)


class Ranking:
    """The sentences of one text, each with a score from 0 to 1: how much of the text's matter it holds."""

    def __init__(self, sentences: Sequence[Sentence], language: str | None) -> None:
        stops = stop_words(language)
        self.sentences = sentences
        self.stops = stops
        self.words = [words_of(sentence.text) for sentence in sentences]
        self.seen = Counter(word for words in self.words for word in set(words))
        rarity = _rarity(self.seen, len(sentences), stops)
        self.vectors = [_unit(Counter(words), rarity) for words in self.words]
        centre = _unit(Counter(word for words in self.words for word in words), rarity)
        self.scores = [self._score(index, centre) for index in range(len(sentences))]

    def _score(self, index: int, centre: Vector) -> float:
        words = len(self.sentences[index].text.split())
        fullness = math.sqrt(min(1.0, max(words, len(self.words[index])) / _FULL_WEIGHT_WORDS))
        return dot(self.vectors[index], centre) * fullness * min(1.0, _TOO_LONG_WORDS / max(words, 1))

    def best(self, count: int) -> list[int]:
        """The indices of at most `count` sentences, in order: the best of each stretch of the text, none said twice."""
        chosen: list[int] = []
        total = len(self.sentences)
        for stretch in range(min(count, total)):
            indices = range(stretch * total // count, (stretch + 1) * total // count) if total > count else [stretch]
            if (found := self._freshest(indices, chosen)) is not None:
                chosen.append(found)
        return chosen

    def _freshest(self, indices: Iterable[int], chosen: Sequence[int]) -> int | None:
        best = max(indices, key=lambda index: self.scores[index] * (1 - self.likeness(index, chosen)), default=None)
        return best if best is not None and self.words[best] and self.likeness(best, chosen) < 0.8 else None

    def likeness(self, index: int, others: Iterable[int]) -> float:
        """How much a sentence repeats one of the others: 0 nothing, 1 all of it."""
        return max((dot(self.vectors[index], self.vectors[other]) for other in others), default=0.0)

    def phrases(self) -> list[list[int]]:
        """For each recurring phrase of one to three words, the weightiest first, the sentences that hold it."""
        where: dict[tuple[str, ...], list[int]] = {}
        for index, words in enumerate(self.words):
            for phrase in set(self._runs(words)):
                where.setdefault(phrase, []).append(index)
        weight = {phrase: len(found) * (1 + len(phrase)) for phrase, found in where.items() if len(found) > 1}
        return [
            where[phrase] for phrase in sorted(weight, key=lambda phrase: (-weight[phrase], where[phrase][0], phrase))
        ]

    def _runs(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Runs of up to three meaningful words. A word of one sentence only cannot recur, and ends a run."""
        for carries, group in groupby(words, key=lambda word: word not in self.stops and self.seen[word] > 1):
            run = list(group) if carries else []
            for length in range(1, _LONGEST_PHRASE + 1):
                yield from (tuple(run[at : at + length]) for at in range(len(run) - length + 1))


def _rarity(seen: Counter[str], texts: int, stops: frozenset[str]) -> Vector:
    """Words that few sentences have weigh more; stop words a little, since the lists are generous."""
    return {
        word: math.log(1 + texts / count) * (_STOP_WORD_WEIGHT if word in stops else 1) for word, count in seen.items()
    }


def _unit(counts: Counter[str], rarity: Vector) -> Vector:
    weights = {word: (1 + math.log(count)) * rarity[word] for word, count in counts.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def dot(left: Vector, right: Vector) -> float:
    """The cosine of two unit vectors."""
    if len(left) > len(right):
        left, right = right, left
    return math.fsum(weight * right.get(word, 0.0) for word, weight in left.items())
