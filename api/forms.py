"""A file that arrives in a multipart form: read a chunk at a time, with limits on size, time and what is around it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDict

from api.problems import wrong_field
from schemas.problems import Problem
from schemas.requests import plain

_CHUNK_BYTES = 256 * 1024
_CHUNK_SECONDS = 60.0
_PACE_BYTES, _PACE_SECONDS = 64 * 1024, 60.0
"""What has to come of a form, at least, in so many seconds of waiting for it: it keeps a place and memory meanwhile."""
_FIELD_BYTES = 64 * 1024
_FIELDS = 32

_UNREADABLE = (ValueError, RuntimeError, HttpProcessingError, web.RequestPayloadError)
"""What a form raises that is malformed, or broken off by the client."""

T = TypeVar("T")


class Arrival:
    """A form on its way in. Only time that is spent waiting for it counts, not what is done with it in between."""

    def __init__(self) -> None:
        self._waited, self._came = 0.0, 0

    async def next(self, waiting: Awaitable[T]) -> T:
        """What is waited for. Raises Problem request_timeout when nothing comes or too little, invalid_request."""
        began = time.monotonic()
        found = await _timely(waiting)
        self._waited += time.monotonic() - began
        if not found:  # its end
            return found
        self._came += len(found) if isinstance(found, bytes | bytearray) else 0
        if self._waited >= _PACE_SECONDS:
            if self._came < _PACE_BYTES:
                raise Problem("request_timeout", f"Only {self._came} bytes arrived in {self._waited:.0f} s.")
            self._waited, self._came = 0.0, 0
        return found


class Incoming:
    """The file of a form. Raises Problem too_large beyond `limit` bytes, request_timeout when too little comes.

    `fields` has the form's other fields, as texts: those before the file, and after `rest` those behind it.
    """

    def __init__(
        self, form: MultipartReader, part: BodyPartReader, fields: MultiDict[str], limit: int, arrival: Arrival
    ) -> None:
        self._form = form
        self._part = part
        self.fields = fields
        self._limit = limit
        self._arrival = arrival
        self._kept = b""
        self.filename = part.filename or ""
        self.size_bytes = 0

    async def head(self, size: int) -> bytes:
        """The first bytes, up to `size`. Call it before `chunks`."""
        while len(self._kept) < size and (chunk := await self._next()):
            self._kept += chunk
        return self._kept[:size]

    async def chunks(self) -> AsyncIterator[bytes]:
        """All bytes, the head's included."""
        kept, self._kept = self._kept, b""
        if kept:
            yield kept
        while chunk := await self._next():
            yield chunk

    async def rest(self) -> None:
        """Reads the fields behind the file. Call it after `chunks`."""
        await _find(self._form, None, self.fields, self._arrival)

    async def _next(self) -> bytes:
        chunk = await self._arrival.next(self._part.read_chunk(_CHUNK_BYTES))
        self.size_bytes += len(chunk)
        if self.size_bytes > self._limit:
            raise Problem("too_large", f"At most {self._limit // 2**20} MB are accepted.")
        return chunk


async def incoming(request: web.Request, field: str, limit: int) -> Incoming:
    """The form's file field of that name. Raises Problem where the body is no form, or has no such file."""
    if not request.content_type == "multipart/form-data":
        raise Problem("invalid_request", "Send the file as multipart/form-data.")
    try:
        form = await request.multipart()
    except ValueError as error:
        raise _broken(error) from error
    arrival, fields = Arrival(), MultiDict[str]()
    part = await _find(form, field, fields, arrival)
    if part is None or part.filename is None:
        raise wrong_field(field, "a file is wanted in this field")
    return Incoming(form, part, fields, limit, arrival)


def _broken(error: Exception) -> Problem:
    return Problem("invalid_request", f"The form cannot be read: {str(error)[:100] or type(error).__name__}.")


async def _find(
    form: MultipartReader, field: str | None, fields: MultiDict[str], arrival: Arrival
) -> BodyPartReader | None:
    """The part of that name; the texts of those before it are put into `fields`."""
    for _ in range(_FIELDS):
        part = await arrival.next(form.next())
        if not isinstance(part, BodyPartReader):
            return None
        if part.name == field:
            return part
        fields.add(part.name or "", await _text(part, arrival))
    return None


async def _text(part: BodyPartReader, arrival: Arrival) -> str:
    found = bytearray()
    while chunk := await arrival.next(part.read_chunk(_CHUNK_BYTES)):
        found += chunk
        if len(found) > _FIELD_BYTES:
            raise Problem("too_large", f"The form's field «{plain(part.name or '')[:100]}» is too large.")
    return found.decode(errors="replace")


async def _timely(waiting: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_CHUNK_SECONDS):
            return await waiting
    except TimeoutError as error:
        raise Problem("request_timeout", f"Nothing more arrived within {_CHUNK_SECONDS:.0f} s.") from error
    except _UNREADABLE as error:
        raise _broken(error) from error
