"""The checksums that a client may send along with bytes."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Protocol

from schemas.problems import Problem


class _Hash(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


class _Crc32:
    """CRC-32 as ISO 3309 has it; its digest is the number with the most significant byte first."""

    def __init__(self) -> None:
        self._sum = 0

    def update(self, data: bytes, /) -> None:
        self._sum = zlib.crc32(data, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


_HASHES: dict[str, Callable[[], _Hash]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32": _Crc32,
}
ALGORITHMS = tuple(_HASHES)


class Checksum:
    """What the bytes of a request must come to."""

    def __init__(self, algorithm: str, wanted: bytes) -> None:
        self._hash = _HASHES[algorithm]()
        self._algorithm = algorithm
        self._wanted = wanted

    def update(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        self._hash.update(chunk)

    def expect(self) -> None:
        """Raises Problem checksum_mismatch."""
        if self._hash.digest() != self._wanted:
            raise Problem("checksum_mismatch", f"The bytes have another {self._algorithm} sum; none were kept.")


def is_sum(algorithm: str, value: bytes) -> bool:
    """Whether a sum of the algorithm is as long as that."""
    return len(value) == len(_HASHES[algorithm]().digest())
