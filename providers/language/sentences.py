"""Sentences of a transcript. Segments follow breath, not grammar: one may hold several sentences, or half of one."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.analyses import Citation
from schemas.transcripts import Segment

_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|(?<=[。！？।])")
_ABBREVIATED = re.compile(r"(?:^|\s)(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|No|approx)\.$")
_TERMINAL = (".", "!", "?", "…", "。", "！", "？", "।")
_GOES_ON = (",", ";", ":", "-", "–", "—")
_LONGEST_WORDS = 50
_LONGEST_GAP_SECONDS = 3.0


class Sentence(NamedTuple):
    """One sentence with its times in seconds, who said it, and the segments that it is in."""

    text: str
    start: float
    end: float
    speaker: str | None
    citations: tuple[Citation, ...]

    def followed_by(self, other: "Sentence") -> "Sentence":
        """The sentence with its other half."""
        citations = self.citations if self.citations[-1] == other.citations[0] else self.citations + other.citations
        return self._replace(text=f"{self.text} {other.text}", end=max(self.end, other.end), citations=citations)


def sentences(segments: Sequence[Segment]) -> list[Sentence]:
    """All sentences, in order. Every word of every segment is in exactly one of them."""
    punctuated = sum(segment.text.rstrip().endswith(_TERMINAL) for segment in segments) * 3 >= len(segments)
    found: list[Sentence] = []
    for part in (part for segment in segments for part in _parts(segment)):
        if found and _goes_on(found[-1], part, punctuated):
            found[-1] = found[-1].followed_by(part)
        else:
            found.append(part)
    return found


def _goes_on(before: Sentence, after: Sentence, punctuated: bool) -> bool:
    """Whether two parts are one sentence. Where nobody punctuates, a missing full stop tells nothing."""
    open_ended = before.text.endswith(_GOES_ON) or (
        punctuated and before.text[-1].isalnum() and after.text[0].islower()
    )
    together = before.speaker == after.speaker and after.start - before.end < _LONGEST_GAP_SECONDS
    return open_ended and together and len(before.text.split()) + len(after.text.split()) <= _LONGEST_WORDS


def _parts(segment: Segment) -> Iterator[Sentence]:
    words = segment.text.split()
    first = 0
    for text in _split(" ".join(words)):
        count = len(text.split())
        start, end = _moment(segment, first, len(words)), _moment(segment, first + count, len(words))
        citation = Citation(start=start, end=max(start, end), segment_id=segment.id)
        yield Sentence(text, start, max(start, end), segment.speaker, (citation,))
        first += count


def _split(text: str) -> Iterator[str]:
    begin = 0
    for border in _END.finditer(text):
        if not _ABBREVIATED.search(text[begin : border.start()]):
            yield text[begin : border.end()].strip()
            begin = border.end()
    if text[begin:].strip():
        yield text[begin:].strip()


def _moment(segment: Segment, word: int, words: int) -> float:
    """When the word with that index begins: its own time where the segment knows it, else its share of the segment."""
    if word >= words:
        return max(segment.end, segment.start)
    if len(segment.words) == words:
        return min(max(segment.words[word].start, segment.start), max(segment.end, segment.start))
    return segment.start + max(segment.end - segment.start, 0.0) * word / words


def citations_of(chosen: Sequence[Sentence]) -> tuple[Citation, ...]:
    """The citations of several sentences, in order."""
    return tuple(citation for sentence in chosen for citation in sentence.citations)
