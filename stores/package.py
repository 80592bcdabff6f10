"""A package: a ZIP that is written piece by piece, the same bytes for the same content.

Media is stored as it is, of any size; text is deflated. Every write is made in a thread, one at a time; what is in
memory is one piece.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from schemas.model import Frozen

_UNIX, _READABLE = 3, 0o644 << 16


class Entry(Frozen):
    """A file in the package."""

    name: str
    size_bytes: int
    sha256: str


class Sink(Protocol):
    """What a package can be written to; it need not be a file, and is not closed."""

    def write(self, piece: bytes, /) -> int:
        """Takes a piece. Called in a thread."""

    def flush(self) -> None:
        """Called in a thread, at the end."""


class Package:
    """The package at `target`, a path or what can be written to; use as an async context manager.

    Every entry carries the time `moment`. Raises OSError when the disk is full. Cancelled, it waits for the piece that
    is being written.
    """

    def __init__(self, target: Path | Sink, moment: datetime) -> None:
        self._zip = ZipFile(cast("IO[bytes]", target), "w")
        self._moment = moment
        self.entries: list[Entry] = []

    async def __aenter__(self) -> "Package":
        return self

    async def __aexit__(self, *_: object) -> None:
        await _in_thread(self._zip.close)

    async def add_text(self, name: str, text: str) -> None:
        """Adds a text."""

        async def whole() -> AsyncIterator[bytes]:
            yield text.encode()

        await self._add(self._info(name, ZIP_DEFLATED), whole())

    async def add_media(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        """Adds what comes in pieces, however much that is."""
        await self._add(self._info(name, ZIP_STORED), pieces)

    def _info(self, name: str, method: int) -> ZipInfo:
        info = ZipInfo(name, self._moment.timetuple()[:6])
        info.compress_type, info.create_system, info.external_attr = method, _UNIX, _READABLE
        return info

    async def _add(self, info: ZipInfo, pieces: AsyncIterator[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        file = self._zip.open(info, "w", force_zip64=info.compress_type == ZIP_STORED)
        try:
            async for piece in pieces:
                await _in_thread(_written, file, digest, piece)
                size += len(piece)
        finally:
            await _in_thread(file.close)
        self.entries.append(Entry(name=info.filename, size_bytes=size, sha256=digest.hexdigest()))


def _written(file: Any, digest: Any, piece: bytes) -> None:
    digest.update(piece)
    file.write(piece)


async def _in_thread(work: Callable[..., object], *args: object) -> None:
    """Like asyncio.to_thread, but cancelled it waits: nobody else touches the file in the meantime."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *args))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
