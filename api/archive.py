"""A ZIP that is sent while it is made: nothing of it is kept, on disk or in memory, but the piece on its way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import structlog
from aiohttp import hdrs, web

from api.downloads import WRITE_SECONDS, disposition
from api.keys import OBJECTS
from schemas.time import now
from stores.errors import StoreUnavailable
from stores.objects import ObjectMissing
from stores.package import Package

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Text:
    """A file of text."""

    name: str
    text: str


@dataclass(frozen=True)
class Media:
    """A file whose bytes lie in the object store under that key."""

    name: str
    key: str


async def send(request: web.Request, filename: str, files: AsyncIterator[Text | Media]) -> web.StreamResponse:
    """Answers with the files as one ZIP, closed by a manifest of what is in it and what was missing.

    After the first byte an error can only be shown by breaking off: a ZIP without its end opens nowhere.
    """
    headers = {
        hdrs.CONTENT_TYPE: "application/zip",
        hdrs.CONTENT_DISPOSITION: disposition("attachment", filename),
        hdrs.CACHE_CONTROL: "no-store",
    }
    response = web.StreamResponse(headers=headers)
    outlet = _Outlet(response)
    try:
        await response.prepare(request)
        async with Package(outlet, now()) as package:
            await _fill(package, outlet, files, request)
        await outlet.drain()
        await response.write_eof()
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("an archive broke off", reason=str(error) or "the client stalled")
        if request.transport is not None:
            request.transport.abort()
    return response


async def _fill(package: Package, outlet: "_Outlet", files: AsyncIterator[Text | Media], request: web.Request) -> None:
    missing = []
    async for file in files:
        if isinstance(file, Text):
            await package.add_text(file.name, file.text)
        elif not await _copy(package, outlet, file, request):
            missing.append(file.name)
        await outlet.drain()
    manifest = {"files": [entry.model_dump() for entry in package.entries], "missing": missing}
    await package.add_text("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2).decode())


async def _copy(package: Package, outlet: "_Outlet", file: Media, request: web.Request) -> bool:
    """Adds the object, if it is there."""
    try:
        async with request.app[OBJECTS].open(file.key) as pieces:
            await package.add_media(file.name, _drained(outlet, pieces))
    except ObjectMissing:
        return False
    return True


async def _drained(outlet: "_Outlet", pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each asked for when the one before is with the client."""
    async for piece in pieces:
        yield piece
        await outlet.drain()


class _Outlet:
    """What the ZIP is written to, which cannot be sought in; `drain` sends what has come together."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._waiting = bytearray()

    def write(self, piece: bytes) -> int:
        """Takes a piece in. Called in a thread, never while `drain` runs."""
        self._waiting += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back on purpose."""

    async def drain(self) -> None:
        """Sends what waits. Raises TimeoutError when the client takes nothing."""
        waiting, self._waiting = self._waiting, bytearray()
        if waiting:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._response.write(bytes(waiting))
