"""Ways in which a file can be broken. Each takes the dice, the file and another file, and gives the broken one."""

from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, bytearray, bytes], bytearray]

_ABSURD = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_MARKS = (
    # MP4 boxes: the size lies before the name, the fields after it
    *(b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"ctts", b"tkhd"),
    *(b"mvhd", b"mdhd", b"avcC", b"hvcC", b"av1C", b"esds", b"moof", b"traf", b"tfhd", b"trun", b"elst", b"mdat"),
    # EBML elements: the size lies after the name
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\x16\x54\xae\x6b", b"\x15\x49\xa9\x66"),
    *(b"\xae", b"\xe0", b"\xe1", b"\xb0", b"\xba", b"\x9f", b"\xb5", b"\xa3", b"\xa0", b"\xa1", b"\x86", b"\x63\xa2"),
    # RIFF, FLV, Ogg, ASF, FLAC and the starts of codecs
    *(
        b"RIFF",
        b"LIST",
        b"strh",
        b"strf",
        b"fmt ",
        b"data",
        b"idx1",
        b"movi",
        b"FLV\x01",
        b"OggS",
        b"fLaC",
        b"OpusHead",
    ),
    *(b"\x9d\x01\x2a", b"\x00\x00\x01", b"\x30\x26\xb2\x75", b"\x47\x40", b"\xff\xd8", b"ID3"),
)


def broken(dice: Random, files: dict[str, bytes]) -> tuple[str, bytes]:
    """A real file that was broken once to four times, and in words how."""
    name = dice.choice(sorted(files))
    data, words = bytearray(files[name]), [name]
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        [mutation] = dice.choices(tuple(MUTATIONS), tuple(MUTATIONS.values()))
        data = mutation(dice, data, files[dice.choice(sorted(files))])
        words.append(mutation.__name__.strip("_"))
    return " ".join(words), bytes(data)


def _bits(dice: Random, data: bytearray, _: bytes) -> bytearray:
    for _time in range(dice.choice((1, 4, 32, 256)) if data else 0):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def _bits_in_the_head(dice: Random, data: bytearray, other: bytes) -> bytearray:
    head = data[:2000]
    return _bits(dice, head, other) + data[2000:]


def _cut(dice: Random, data: bytearray, _: bytes) -> bytearray:
    return data[: dice.randrange(len(data) + 1)]


def _cut_in_the_head(dice: Random, data: bytearray, _: bytes) -> bytearray:
    return data[: dice.randrange(min(len(data), 1500) + 1)]


def _beheaded(dice: Random, data: bytearray, _: bytes) -> bytearray:
    return data[dice.randrange(min(len(data), 3000) + 1) :]


def _head_of_another(dice: Random, data: bytearray, other: bytes) -> bytearray:
    size = dice.choice((16, 64, 300, 1000))
    return bytearray(other[:size]) + data[size:]


def _tail_of_another(dice: Random, data: bytearray, other: bytes) -> bytearray:
    return data[: _somewhere(dice, data)] + other[_somewhere(dice, other) :]


def _piece_of_another(dice: Random, data: bytearray, other: bytes) -> bytearray:
    at, start = _somewhere(dice, data), _somewhere(dice, other)
    return data[:at] + other[start : start + dice.choice((8, 100, 5000))] + data[at:]


def _absurd_size(dice: Random, data: bytearray, _: bytes) -> bytearray:
    """An extreme number before or after the name of a box, an element or a chunk."""
    places = [place for mark in dice.sample(_MARKS, 12) if (place := _find(dice, data, mark)) is not None]
    for place in places[: dice.choice((1, 1, 3))]:
        width = dice.choice((1, 2, 4, 8))
        number = dice.choice(_ABSURD) if width < 8 else dice.choice((2**63 - 1, 2**64 - 1, 2**62, 1 << 40))
        at = max(place + dice.choice((-4, 0, 4, 8, 12)), 0)
        data[at : at + width] = (number & (256**width - 1)).to_bytes(width, dice.choice(("big", "little")))
    return data


def _repeated(dice: Random, data: bytearray, _: bytes) -> bytearray:
    start = _somewhere(dice, data)
    piece = data[start : start + dice.choice((4, 200, 4000))]
    return data[:start] + piece * dice.choice((2, 3, 20)) + data[start + len(piece) :]


def _zeros(dice: Random, data: bytearray, _: bytes) -> bytearray:
    return _run(dice, data, b"\x00")


def _ones(dice: Random, data: bytearray, _: bytes) -> bytearray:
    return _run(dice, data, b"\xff")


def _noise(dice: Random, data: bytearray, _: bytes) -> bytearray:
    start, size = _somewhere(dice, data), dice.choice((4, 64, 1000))
    data[start : start + size] = dice.randbytes(min(size, len(data) - start))
    return data


def _removed(dice: Random, data: bytearray, _: bytes) -> bytearray:
    start = _somewhere(dice, data)
    return data[:start] + data[start + dice.choice((1, 3, 100, 3000)) :]


def _ends_swapped(dice: Random, data: bytearray, _: bytes) -> bytearray:
    middle = _somewhere(dice, data)
    return data[middle:] + data[:middle]


def _pieces_swapped(dice: Random, data: bytearray, _: bytes) -> bytearray:
    first, second = sorted((_somewhere(dice, data), _somewhere(dice, data)))
    size = min(dice.choice((16, 500, 4000)), second - first)
    one, two = data[first : first + size], data[second : second + size]
    return data[:first] + two + data[first + size : second] + one + data[second + size :]


def _somewhere(dice: Random, data: bytes | bytearray) -> int:
    return dice.randrange(len(data) + 1)


def _run(dice: Random, data: bytearray, value: bytes) -> bytearray:
    start, size = _somewhere(dice, data), dice.choice((1, 16, 500, 8000))
    data[start : start + size] = value * min(size, len(data) - start)
    return data


def _find(dice: Random, data: bytearray, mark: bytes) -> int | None:
    found = data.find(mark, dice.choice((0, 0, _somewhere(dice, data))))
    return None if found < 0 else found


MUTATIONS: dict[Mutation, int] = {
    _bits: 6,
    _bits_in_the_head: 3,
    _cut: 2,
    _cut_in_the_head: 1,
    _beheaded: 1,
    _head_of_another: 1,
    _tail_of_another: 2,
    _piece_of_another: 3,
    _absurd_size: 8,
    _repeated: 3,
    _zeros: 2,
    _ones: 2,
    _noise: 3,
    _removed: 2,
    _ends_swapped: 1,
    _pieces_swapped: 3,
}
"""How often each comes, against the others."""
