"""How a transcript is laid out for a model: one line a segment, in parts that are split between segments only."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from schemas.transcripts import Segment

T = TypeVar("T")
Line = Callable[[Segment], str]


def line_of(segment: Segment) -> str:
    """One segment as one line, whatever it contains: number, start in seconds, speaker, words."""
    speaker = " ".join((segment.speaker or "unknown").split())
    return f"[{segment.id}] {segment.start:.1f} {speaker}: {' '.join(segment.text.split())}"


def line_of_page(segment: Segment) -> str:
    """One page of a document as one line: number, text."""
    return f"[{segment.id}] {' '.join(segment.text.split())}"


def lines_of(segments: Sequence[Segment], line: Line = line_of) -> str:
    """The segments of a part, a line each."""
    return "\n".join(map(line, segments))


def parts_of(segments: Sequence[Segment], letters: int, line: Line = line_of) -> list[list[Segment]]:
    """The segments in parts of at most so many letters: each exactly once, in order. A longer one is a part alone."""
    return _packed([segment for segment in segments if segment.text.strip()], letters, lambda one: len(line(one)), 1)


def grouped(texts: Sequence[str], letters: int) -> list[list[str]]:
    """Texts in groups of at most so many letters, but two at least while there are two: each exactly once, in order."""
    return _packed(texts, letters, len, 2)


def _packed(things: Sequence[T], room: int, size: Callable[[T], int], fewest: int) -> list[list[T]]:
    packed: list[list[T]] = []
    used = 0
    for thing in things:
        if not packed or (used + size(thing) > room and len(packed[-1]) >= fewest):
            packed.append([])
            used = 0
        packed[-1].append(thing)
        used += size(thing) + 1
    return packed
