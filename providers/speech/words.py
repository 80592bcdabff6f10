"""Word times where an engine gives none: the segment's time, shared out by the length of the words."""

from itertools import accumulate, pairwise

from schemas.transcripts import Word


def share_out(text: str, start: float, end: float) -> tuple[Word, ...]:
    """The words of `text`, ascending and without gaps from `start` to `end`, each marked as estimated.

    A word takes time by its letters, plus one for the breath after it: within a segment of a few seconds that is
    close enough to highlight the word that is being said.
    """
    words = text.split()
    if not words:
        return ()
    reached = list(accumulate((len(word) + 1 for word in words), initial=0))
    borders = [min(start + (end - start) * part / reached[-1], end) for part in reached[:-1]] + [end]
    return tuple(
        Word(text=word, start=left, end=right, estimated=True)
        for word, (left, right) in zip(words, pairwise(borders), strict=True)
    )
