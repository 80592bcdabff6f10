"""How far a resumable upload has come: parts of an S3 multipart upload, and behind them pieces too small for a part.

Pure: a rule takes an arrival and returns the next one, or raises. What an arrival names is in the object store; what
lies there and is not named does not count. Names of pieces and numbers of parts are never given out twice, so whoever
writes too late overwrites nothing, and his bytes are never named.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

MIB = 1024 * 1024
LEAST_PART_BYTES = 5 * MIB
"""S3 takes no smaller part, but as the last one."""
_PART_BYTES = 8 * MIB
_FEW_PARTS = 1000
_LONG_PARTS = 4000
"""S3 takes 10,000 numbers; those that broken connections use up count too."""
_MOST_NUMBERS = 10_000
_MANY_PIECES = 256
"""So many small pieces become one: all of them are named anew with every change."""


class Moved(Exception):
    """Another writer was faster, or has taken the upload over: what was to be added does not belong at this place."""


class Gone(Exception):
    """There is no such upload any more."""


class Held(Exception):
    """Another writer is in the middle of it, and has it until `until` unless more comes from it."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"held until {until}")
        self.until = until


class Part(NamedTuple):
    """A part of the multipart upload."""

    number: int
    size: int
    etag: str


class Piece(NamedTuple):
    """An object of its own that waits to become a part of a part."""

    name: str
    size: int


class Stored(NamedTuple):
    """Bytes that are in the object store and are to count from now on: a piece, or a part with the pieces in it."""

    at: int
    what: Part | Piece
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """An upload on its way. `length` is None as long as it is not known; `numbers` part numbers have been given out.

    Of a `live` one the bytes can be read while it comes (see stores/resumable/following). `holder` is the writer who is
    in the middle of a long request, and has it to himself until `held_until`. `reopened` of one that goes on with a
    recording that was closed is how many of its first parts were copied from its object, and can be read there.
    """

    id: str
    owner_id: str
    length: int | None
    metadata: str
    expires_at: datetime
    updated_at: datetime
    upload_id: str | None = None
    numbers: int = 0
    parts: tuple[Part, ...] = ()
    tail: tuple[Piece, ...] = ()
    holder: str | None = None
    held_until: datetime | None = None
    live: bool = False
    reopened: int | None = None
    revision: int = 1

    @property
    def parted(self) -> int:
        """How many bytes lie in parts."""
        return sum(part.size for part in self.parts)

    @property
    def waiting(self) -> int:
        """How many bytes lie in pieces."""
        return sum(piece.size for piece in self.tail)

    @property
    def offset(self) -> int:
        """How many bytes are durable: what the client is told."""
        return self.parted + self.waiting

    @property
    def whole(self) -> bool:
        """Whether everything is there."""
        return self.length is not None and self.offset == self.length

    @property
    def part_bytes(self) -> int:
        """How large the next part is to be, so that 10,000 numbers are enough for any length."""
        if self.length is not None:
            return max(_PART_BYTES, -(-self.length // (_LONG_PARTS * MIB)) * MIB)
        return int(_PART_BYTES * 2 ** (len(self.parts) // _FEW_PARTS))

    @property
    def fold_bytes(self) -> int:
        """How many bytes in pieces are worth a part."""
        return self.part_bytes * LEAST_PART_BYTES // _PART_BYTES

    @property
    def foldable(self) -> tuple[Piece, ...]:
        """The pieces that are to become the next part: of a live upload no more than memory has room for."""
        if not self.live:
            return self.tail
        ends = itertools.accumulate(piece.size for piece in self.tail)
        enough = next((number for number, end in enumerate(ends, 1) if end >= self.fold_bytes), len(self.tail))
        return self.tail[:enough]

    @property
    def scattered(self) -> bool:
        """Whether there are more pieces than are to be kept track of."""
        return len(self.tail) >= _MANY_PIECES

    def beginning_with(
        self, *, upload_id: str | None = None, parts: tuple[Part, ...] = (), tail: tuple[Piece, ...] = ()
    ) -> "Arrival":
        """As it is when its first bytes lie there already: those parts were copied from its object."""
        count = len(parts)
        return replace(self, upload_id=upload_id, parts=parts, tail=tail, numbers=count, reopened=count)

    def expired(self, at: datetime) -> bool:
        """Whether nothing is taken any more. Never while somebody is sending."""
        return self.expires_at <= at and not (self.held_until and self.held_until > at)

    def held_by_other(self, writer: str, at: datetime) -> bool:
        """Whether somebody else is in the middle of it."""
        return self.holder not in (None, writer) and self.held_until is not None and self.held_until > at


def hold(arrival: Arrival, writer: str, offset: int, at: datetime, seconds: float) -> Arrival:
    """The writer has it to himself for so long. Raises Held, Moved where it is not his to go on at the offset."""
    if arrival.held_by_other(writer, at):
        assert arrival.held_until is not None
        raise Held(arrival.held_until)
    if arrival.offset != offset:
        raise Moved(f"{arrival.id} is at {arrival.offset}")
    return replace(arrival, holder=writer, held_until=at + timedelta(seconds=seconds), updated_at=at)


def release(arrival: Arrival, writer: str) -> Arrival:
    """The writer has ended. Harmless when he did not hold it."""
    return replace(arrival, holder=None, held_until=None) if arrival.holder == writer else arrival


def number(arrival: Arrival, count: int) -> Arrival:
    """Gives out so many part numbers: the highest of the new state and those below. Raises Moved beyond what S3 has."""
    if arrival.numbers + count > _MOST_NUMBERS:
        raise Moved(f"{arrival.id} has used up its part numbers")
    return replace(arrival, numbers=arrival.numbers + count)


def begin(arrival: Arrival, upload_id: str) -> Arrival:
    """Notes the multipart upload; the first that is noted stays."""
    return replace(arrival, upload_id=arrival.upload_id or upload_id)


def declare(arrival: Arrival, length: int) -> Arrival:
    """Notes a length that was not known. Raises Moved when another was told, or more is there already."""
    if arrival.length not in (None, length) or length < arrival.offset:
        raise Moved(f"{arrival.id} has another length")
    return replace(arrival, length=length)


def close(arrival: Arrival, before: datetime, at: datetime) -> Arrival:
    """What came is all there is, if nothing has come since `before`. Raises Moved where somebody is still at it."""
    if arrival.whole:
        return arrival
    if arrival.updated_at > before or arrival.held_by_other("", at) or arrival.length is not None:
        raise Moved(f"{arrival.id} is still coming")
    return replace(arrival, length=arrival.offset)


def grow(arrival: Arrival, writer: str, added: Iterable[Stored], at: datetime, expires_at: datetime) -> Arrival:
    """Counts what the writer has stored, in its order. Raises Held, or Moved where it does not fit any more."""
    if arrival.held_by_other(writer, at):
        assert arrival.held_until is not None
        raise Held(arrival.held_until)
    for stored in added:
        arrival = _with(arrival, stored)
    return replace(arrival, updated_at=at, expires_at=expires_at)


def _with(arrival: Arrival, stored: Stored) -> Arrival:
    if isinstance(stored.what, Piece):
        if arrival.offset != stored.at:
            raise Moved(f"{arrival.id} is at {arrival.offset}, not at {stored.at}")
        return replace(arrival, tail=(*arrival.tail, stored.what))
    if arrival.tail != stored.pieces or arrival.offset != stored.at:
        raise Moved(f"{arrival.id} has other pieces by now")
    return replace(arrival, parts=_parts(arrival, stored.what), tail=())


def _parts(arrival: Arrival, part: Part) -> tuple[Part, ...]:
    """The parts with one more. S3 puts them together by their numbers, so these must ascend."""
    if arrival.parts and arrival.parts[-1].number >= part.number:
        raise Moved(f"{arrival.id} has a later part by now")
    return (*arrival.parts, part)


def fold(arrival: Arrival, pieces: tuple[Piece, ...], part: Part) -> Arrival:
    """Puts a part in the place of the first pieces. Nothing else changes. Raises Moved when they are in one already."""
    return replace(arrival, parts=_parts(arrival, part), tail=_after(arrival, pieces))


def gather(arrival: Arrival, pieces: tuple[Piece, ...], piece: Piece) -> Arrival:
    """Puts one piece in the place of the first ones. Nothing else changes. Raises Moved when these are not there."""
    return replace(arrival, tail=(piece, *_after(arrival, pieces)))


def _after(arrival: Arrival, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if not pieces or arrival.tail[: len(pieces)] != pieces:
        raise Moved(f"{arrival.id} has other pieces by now")
    return arrival.tail[len(pieces) :]
