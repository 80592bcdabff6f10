"""One file of somebody else's server, as it comes, resumed where it broke off.

A resumption asks by Range for what is missing, and by If-Range for the same file (RFC 9110). A server that sends all of
it again is read through to where the break was, and what it repeats must be what was there before: so the two halves
are of one file, whatever the server knows of ranges and validators.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator

import aiohttp

from providers.sources.guard import Answer, Guard, expect_success
from schemas.failures import Permanent, Retryable

_BREAKS = 4
"""How often in a row it may break off without anything new."""
_PAUSE_SECONDS = 0.5
_BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError)
_SIZE = r"[0-9]{1,15}"
_RANGE = re.compile(rf"bytes ({_SIZE})-{_SIZE}/(?:{_SIZE}|\*)")
_MB = 1024 * 1024


class Allowance:
    """How many bytes may still come, and as many that nobody wants. Raises Permanent (download_too_large) for more."""

    def __init__(self, most: int) -> None:
        self._most = self._left = self._unwanted = most

    def expect(self, size: int) -> None:
        """Refuses at once what says that it is larger than what is left."""
        if size > self._left:
            raise Permanent("download_too_large", f"At most {self._most // _MB} MB are downloaded.")

    def take(self, size: int) -> None:
        """So many bytes came."""
        self.expect(size)
        self._left -= size

    def skip(self, size: int) -> None:
        """So many bytes came that were not asked for, or not again. Raises Permanent (download_failed) for too many."""
        self._unwanted -= size
        if self._unwanted < 0:
            raise Permanent("download_failed", "The server knows no ranges: too much of the file would come in vain.")


class Body:
    """The bytes at an address, or `length` of them from `start`. To be read once.

    `got` counts what has come, `size` is what there is in all, where the server says so, `url` the address at last.
    """

    def __init__(
        self,
        guard: Guard,
        url: str,
        allowance: Allowance,
        *,
        start: int = 0,
        length: int | None = None,
        pause: float = _PAUSE_SECONDS,
    ) -> None:
        self.url = url
        self.got = 0
        self.size = length
        self._guard, self._asked, self._allowance = guard, url, allowance
        self._start, self._length, self._pause = start, length, pause
        self._validator: str | None = None
        self._begun = False
        self._digest = hashlib.sha256()

    @property
    def fraction(self) -> float | None:
        """How much of it has come, from 0 to 1; None where that is not known."""
        return min(self.got / self.size, 1) if self.size else None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes. Raises Retryable (download_unavailable) when it breaks off too often, or changes meanwhile."""
        breaks = 0
        while True:
            before = self.got
            try:
                async with self._guard.ask(self._asked, self._headers()) as answer:
                    async for chunk in self._rest(answer):
                        yield chunk
                if self.size is None or self.got >= self.size:
                    return
                broken: Exception = Retryable("download_unavailable", "The server ends the file before its end.")
            except _BROKEN as error:
                broken = Retryable("download_unavailable", "The download broke off.")
                broken.__cause__ = error
            except Retryable as error:
                broken = error
            breaks = 1 if self.got > before else breaks + 1
            if breaks > _BREAKS:
                raise broken
            await asyncio.sleep(self._pause * 2 ** (breaks - 1))

    def _headers(self) -> dict[str, str]:
        first = self._start + self.got
        last = "" if self._length is None else self._start + self._length - 1
        if self.got and self._validator is None:
            first = self._start  # nothing says that it is still the same file: all of it, to be compared
        if not (first or last != ""):
            return {}
        asked = {"Range": f"bytes={first}-{last}"}
        return asked if self._validator is None else {**asked, "If-Range": self._validator}

    async def _rest(self, answer: Answer) -> AsyncGenerator[bytes, None]:
        """What is new in the answer."""
        if answer.status == 416:
            raise self._changed() if self._begun else Permanent("download_failed", "The file is shorter than its list.")
        expect_success(answer)
        self._note(answer)
        skip, repeated = self._place(answer)
        again = hashlib.sha256()
        async for chunk in answer.chunks():
            passed, chunk = chunk[:skip], chunk[skip:]  # noqa: PLW2901 - what is left of it
            skip -= len(passed)
            seen, chunk = chunk[:repeated], chunk[repeated:]  # noqa: PLW2901
            repeated -= len(seen)
            self._allowance.skip(len(passed) + len(seen))
            again.update(seen)
            if seen and not repeated and again.digest() != self._digest.digest():
                raise self._changed()
            if new := self._wanted(chunk):
                yield self._taken(new)
            if self._length is not None and self.got >= self._length:
                return
        if skip or repeated:
            raise self._changed()

    def _place(self, answer: Answer) -> tuple[int, int]:
        """How many bytes of the answer lie before what is wanted, and how many repeat what has come already."""
        if answer.status == 200:
            if self._length is None and _size(answer) != self.size:
                raise self._changed()
            return self._start, self.got
        found = _RANGE.fullmatch(answer.header("Content-Range") or "")
        first = int(found[1]) if found else -1
        if first == self._start:
            return 0, self.got
        if first == self._start + self.got and answer.header("ETag") in (None, self._validator):
            return 0, 0
        raise self._changed()

    def _note(self, answer: Answer) -> None:
        """What the first answer says of the file."""
        if self._begun:
            return
        self._begun, self.url = True, answer.url
        etag = answer.header("ETag")
        self._validator = etag if etag and not etag.startswith("W/") else None
        if self._length is None:
            self.size = _size(answer)
        self._allowance.expect(self.size or 0)

    def _wanted(self, chunk: bytes) -> bytes:
        return chunk if self._length is None else chunk[: self._length - self.got]

    def _taken(self, chunk: bytes) -> bytes:
        self._allowance.take(len(chunk))
        self._digest.update(chunk)
        self.got += len(chunk)
        return chunk

    def _changed(self) -> Retryable:
        return Retryable("download_unavailable", "The file changed while it was downloaded.")


def _size(answer: Answer) -> int | None:
    found = re.fullmatch(_SIZE, answer.header("Content-Length") or "") if answer.status == 200 else None
    return int(found[0]) if found else None
