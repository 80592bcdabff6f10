"""Sending objects to clients: ranges, caching and safe headers, the bytes passing through a chunk at a time."""

import asyncio
import re
from typing import Literal
from urllib.parse import quote

import structlog
from aiohttp import hdrs, web

from api.keys import OBJECTS
from api.problems import answer
from api.ranges import Span, Unsatisfiable, requested
from schemas.model import Frozen
from schemas.problems import Problem
from schemas.requests import bare_filename
from stores.errors import StoreUnavailable
from stores.objects import ObjectMissing, Objects, ObjectStat

log = structlog.get_logger(__name__)

WRITE_SECONDS = 60.0
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")


class Download(Frozen):
    """What to send: an object, as what type, and how a browser should call it."""

    key: str
    content_type: str
    filename: str
    disposition: Literal["inline", "attachment"] = "inline"


def disposition(kind: str, filename: str) -> str:
    """A Content-Disposition header (RFC 6266) for any name: ASCII for old readers, RFC 8187 for the others."""
    name = bare_filename(filename) or "recording"
    plain = _NOT_PLAIN.sub("_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def send(request: web.Request, download: Download) -> web.StreamResponse:
    """Answers with the object, or the part of it that is asked for. Raises Problem not_ready, range_not_satisfiable."""
    objects = request.app[OBJECTS]
    stat = await objects.stat(download.key)
    if stat is None:
        raise Problem("not_ready", "That is not stored yet.")
    etag = f'"{stat.etag}"'
    headers = _headers(download, etag)
    if _has_it(request.headers.get(hdrs.IF_NONE_MATCH), etag):
        return web.Response(status=304, headers=headers)
    try:
        span = requested(_range(request, etag), stat.size_bytes)
    except Unsatisfiable:
        return _outside(request, stat.size_bytes)
    return await _stream(request, objects, download.key, headers, span, stat)


def _outside(request: web.Request, size: int) -> web.Response:
    response = answer(request, Problem("range_not_satisfiable", f"The object has {size} bytes."))
    response.headers[hdrs.CONTENT_RANGE] = f"bytes */{size}"
    return response


def _headers(download: Download, etag: str) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: download.content_type,
        hdrs.CONTENT_DISPOSITION: disposition(download.disposition, download.filename),
        hdrs.ACCEPT_RANGES: "bytes",
        hdrs.ETAG: etag,
        hdrs.CACHE_CONTROL: "private, no-cache",
    }


def _has_it(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names the object's tag; weak comparison, as RFC 9110 says."""
    if header is None:
        return False
    return header.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _range(request: web.Request, etag: str) -> str | None:
    """The Range header, unless If-Range says that it was for another version of the object."""
    condition = request.headers.get(hdrs.IF_RANGE)
    return request.headers.get(hdrs.RANGE) if condition in (None, etag) else None


async def _stream(
    request: web.Request, objects: Objects, key: str, headers: dict[str, str], span: Span | None, stat: ObjectStat
) -> web.StreamResponse:
    response = web.StreamResponse(status=206 if span else 200, headers=headers)
    wanted = span or Span(0, stat.size_bytes)
    response.content_length = wanted.length
    if span:
        response.headers[hdrs.CONTENT_RANGE] = span.content_range(stat.size_bytes)
    if request.method == "HEAD" or wanted.length == 0:
        await response.prepare(request)
        return response
    await _pass_on(request, response, objects, key, wanted)
    return response


async def _pass_on(request: web.Request, response: web.StreamResponse, objects: Objects, key: str, span: Span) -> None:
    """Streams the bytes. After the first, an error can only be shown by breaking off."""
    try:
        async with objects.open(key, span.start, span.length) as body:
            await response.prepare(request)
            async for chunk in body:
                async with asyncio.timeout(WRITE_SECONDS):
                    await response.write(chunk)
        await response.write_eof()
    except ObjectMissing as error:
        raise Problem("not_ready", "That is not stored any more.") from error
    except (StoreUnavailable, TimeoutError) as error:
        if not response.prepared:
            raise
        log.warning("a download broke off", reason=str(error) or "the client stalled")
        if request.transport is not None:
            request.transport.abort()
