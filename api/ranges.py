"""Which bytes a Range header asks for: RFC 9110, section 14, for one range of bytes."""

import re
from typing import NamedTuple

_ONE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.IGNORECASE | re.ASCII)
_MOST_DIGITS = 18


class Span(NamedTuple):
    """Bytes of an object: `length` of them from `start`."""

    start: int
    length: int

    def content_range(self, size: int) -> str:
        """The Content-Range header of an answer with these bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


class Unsatisfiable(Exception):
    """The range lies outside the object."""


def requested(header: str | None, size: int) -> Span | None:
    """The bytes that a Range header asks for of an object of that size; None for the whole.

    What cannot be understood, and more than one range, is ignored, as RFC 9110 allows. Raises Unsatisfiable.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match[1] == match[2] == "" or max(map(len, match.groups())) > _MOST_DIGITS:
        return None
    if match[1] == "":
        return _suffix(int(match[2]), size)
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, last - first + 1)


def _suffix(length: int, size: int) -> Span:
    if length == 0 or size == 0:
        raise Unsatisfiable
    length = min(length, size)
    return Span(size - length, length)
