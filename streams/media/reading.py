"""The bytes of a recording as FFmpeg reads them: a local file, or an object at an http(s) address.

FFmpeg opens nothing by itself. What it is handed is read here, so that two things are told apart for certain: a file
that is broken, and a store that did not answer. FFmpeg hides the second behind the first (an MP4 whose server goes away
is "invalid data" to it), and a recording must not be refused because its store was away.
"""

import contextlib
import errno
import http.client
import io
import os
import re
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from streams.media.limits import READ_TIMEOUT

_BLOCK_BYTES = 1024 * 1024
_MOST_AHEAD = 8
_BLOCKS_KEPT = 16
"""Enough for a file whose sound and picture lie far apart to be read without fetching anything twice."""

_FARTHEST = 2**62
_ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_OK, _PARTIAL, _RANGE_REFUSED, _TOO_MANY, _SERVER_ERROR = 200, 206, 416, 429, 500
_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


class Unreadable(OSError):
    """The source could not be read: nothing is said about what is in it."""


class _NoAnswer(Exception):
    """One request brought nothing. Another may."""


class Reading(ABC):
    """A source that is open, as FFmpeg reads it and seeks in it. Its name tells nothing: FFmpeg believes endings.

    Once a read has raised Unreadable, `failure` stays set, whatever the reader made of it.
    """

    name = "recording"

    def __init__(self) -> None:
        self.failure: Unreadable | None = None
        self._position = 0

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes from where it stands; none at the end and beyond. Blocks. Raises Unreadable."""
        if self._position >= self._total():
            return b""
        piece = self._piece(self._position, size)
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves, maybe beyond the end, and says where it is; a negative number where there is no such place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        position = (self._total() if base is None else base) + offset
        if not 0 <= position <= _FARTHEST:
            return -errno.EINVAL
        self._position = position
        return position

    def tell(self) -> int:
        """Where it stands."""
        return self._position

    @abstractmethod
    def close(self) -> None:
        """Lets go of the source. Harmless when repeated."""

    @abstractmethod
    def _total(self) -> int: ...

    @abstractmethod
    def _piece(self, start: int, size: int) -> bytes: ...


@contextmanager
def reading(source: str | Path) -> Iterator[Reading]:
    """The source at a local path or http(s) address, open for the length of the block. Raises Unreadable."""
    remote = str(source).startswith(("http://", "https://"))
    with contextlib.closing(Remote(str(source)) if remote else Local(source)) as opened:
        yield opened


class Local(Reading):
    """A local file."""

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        try:
            self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115 - closed by close
            self._size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise Unreadable(str(error)) from error

    def close(self) -> None:
        """See Reading."""
        self._file.close()

    def _total(self) -> int:
        return self._size

    def _piece(self, start: int, size: int) -> bytes:
        try:
            self._file.seek(start)
            return self._file.read(size)
        except OSError as error:
            self.failure = Unreadable(str(error))
            raise self.failure from error


class Remote(Reading):
    """An object at an http(s) address, read in blocks by ranges. No redirect is followed.

    A block that does not come is asked for again, for READ_TIMEOUT seconds: a store that is started afresh goes
    unnoticed. Holds at most _BLOCKS_KEPT blocks in memory.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        address = urlsplit(url)
        assert address.hostname is not None
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.hostname, address.port, timeout=_ANSWER_SECONDS)
        self._path = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next, self._ahead = -1, 1
        self._size: int | None = None
        self._etag: str | None = None

    def close(self) -> None:
        """See Reading."""
        self._connection.close()

    def _total(self) -> int:
        if self._size is None:
            self._block(0)
        assert self._size is not None
        return self._size

    def _piece(self, start: int, size: int) -> bytes:
        number, within = divmod(start, _BLOCK_BYTES)
        return self._block(number)[within : within + size]

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._fetch(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int) -> None:
        """Keeps the block, and more that follow it while the reader goes straight on: each request costs a way."""
        self._ahead = min(2 * self._ahead, _MOST_AHEAD) if number == self._next else 1
        found = self._fetched(number, self._ahead)
        for place in reversed(range(0, max(len(found), 1), _BLOCK_BYTES)):
            self._blocks[number + place // _BLOCK_BYTES] = found[place : place + _BLOCK_BYTES]
        self._next = number + self._ahead
        while len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)

    def _fetched(self, number: int, count: int) -> bytes:
        patience_ends = time.monotonic() + READ_TIMEOUT
        while True:
            try:
                return self._ask(number * _BLOCK_BYTES, count * _BLOCK_BYTES)
            except (_NoAnswer, OSError, http.client.HTTPException) as error:
                self._connection.close()
                if isinstance(error, Unreadable) or time.monotonic() > patience_ends:
                    self.failure = Unreadable(str(error) or type(error).__name__)
                    raise self.failure from error
            time.sleep(_PAUSE_SECONDS)

    def _ask(self, start: int, length: int) -> bytes:
        wanted = {"Range": f"bytes={start}-{start + length - 1}"}
        self._connection.request("GET", self._path, headers=wanted)
        response = self._connection.getresponse()
        if response.status >= _SERVER_ERROR or response.status == _TOO_MANY:
            raise _NoAnswer(f"the store answered {response.status}")
        if response.status == _RANGE_REFUSED and start == 0:
            self._take_note(response, 0)
            response.read(length)
            return b""
        body = response.read(length + 1)
        found = _TOTAL.fullmatch(response.getheader("Content-Range", ""))
        whole = response.status == _OK and start == 0 and len(body) <= length
        if not whole and (response.status != _PARTIAL or found is None):
            raise Unreadable(f"the store answered {response.status}")
        self._take_note(response, len(body) if found is None else int(found[1]))
        if len(body) != min(length, (self._size or 0) - start):
            raise _NoAnswer("the answer broke off")
        return body

    def _take_note(self, response: http.client.HTTPResponse, size: int) -> None:
        """Size and mark of the object, which must stay the same while it is read."""
        etag = response.getheader("ETag", "")
        if self._size is None:
            self._size, self._etag = size, etag
        elif (size, etag) != (self._size, self._etag):
            raise Unreadable("the object changed while it was read")
