"""The face of lecture sources: an address goes in, one file comes out, piece by piece.

An address leads to media, or to an HLS playlist; which, its first bytes say. Nothing is held but a piece.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from aiohttp.abc import AbstractResolver

from providers.sources import playlists
from providers.sources.body import Allowance, Body
from providers.sources.guard import Guard
from providers.sources.playlists import Variant
from providers.sources.segments import Segments
from schemas.failures import Permanent
from schemas.settings import Settings

_HEAD_BYTES = 4096
_PAUSE_SECONDS = 0.5


class Stream:
    """A file on its way. `head` are its first bytes; `sound_alone`: there is a picture, which could not be taken."""

    def __init__(self, source: Body | Segments, chunks: AsyncGenerator[bytes, None], *, sound_alone: bool) -> None:
        self.head = b""
        self.sound_alone = sound_alone
        self._source = source
        self._chunks = chunks

    @property
    def fraction(self) -> float | None:
        """How much of it has come, from 0 to 1; None where nobody says how much there is."""
        return self._source.fraction

    async def begin(self) -> None:
        """Reads until the first bytes are there."""
        while len(self.head) < _HEAD_BYTES and (chunk := await anext(self._chunks, None)) is not None:
            self.head += chunk

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """All its bytes. Raises Retryable (download_unavailable), or Permanent with the reason."""
        yield self.head
        async for chunk in self._chunks:
            yield chunk

    async def whole(self, most: int) -> bytes:
        """All its bytes at once. Raises Permanent (playlist_broken) for more than `most`."""
        found = bytearray()
        async for chunk in self.chunks():
            found += chunk
            if len(found) > most:
                raise Permanent("playlist_broken", "The playlist is too long.")
        return bytes(found)


class Downloads:
    """Opens what people name the addresses of, within the limits of the settings."""

    def __init__(
        self, settings: Settings, resolver: AbstractResolver | None = None, pause: float = _PAUSE_SECONDS
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._pause = pause

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Stream]:
        """The file that the address leads to, whose first bytes have come.

        Raises Permanent: download_refused, download_denied, download_failed, download_too_large, download_protected,
        playlist_live, playlist_broken; Retryable (download_unavailable). Whether it is media is not looked at.
        """
        settings = self._settings
        allowance = Allowance(settings.max_upload_bytes)
        async with AsyncExitStack() as stack:
            guard = await stack.enter_async_context(
                Guard(settings.download_allowed, settings.download_idle_seconds, self._resolver)
            )
            yield await self._followed(guard, url, allowance, stack)

    async def _followed(self, guard: Guard, url: str, allowance: Allowance, stack: AsyncExitStack) -> Stream:
        """The file, or what comes of the playlist, of its variant."""
        sound_alone = False
        for _ in range(2):
            body = Body(guard, url, allowance, pause=self._pause)
            stream = await _begun(body, stack)
            if not playlists.is_playlist(stream.head):
                return stream
            text = await stream.whole(playlists.MOST_BYTES)
            found = await asyncio.to_thread(playlists.read, text, body.url)
            if not isinstance(found, Variant):
                segments = Segments(guard, found, allowance, self._pause)
                return await _begun(segments, stack, sound_alone=sound_alone)
            url, sound_alone = found.url, found.sound_alone
        raise Permanent("playlist_broken", "The playlist leads on to another, and that to a third.")


async def _begun(source: Body | Segments, stack: AsyncExitStack, *, sound_alone: bool = False) -> Stream:
    chunks = await stack.enter_async_context(aclosing(source.chunks()))
    stream = Stream(source, chunks, sound_alone=sound_alone)
    await stream.begin()
    return stream
