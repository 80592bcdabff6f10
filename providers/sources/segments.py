"""One stream made of the pieces of a playlist: fetched one after the other, decrypted, put together as they are.

Pieces of MPEG transport stream, of fragmented MP4 behind their header, and of bare AAC are each one file when they are
put together; where a playlist says that its clock starts anew, the file's does too, which decoding mends.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from providers.sources.body import Allowance, Body
from providers.sources.guard import Guard
from providers.sources.playlists import Key, Piece
from schemas.failures import Permanent

_BLOCK_BITS = 128
_KEY_BYTES = 16
_MOST_KEYS = 1000
_HEADER_BYTES = 1024 * 1024
_BOXES = (b"ftyp", b"moov", b"styp", b"free", b"sidx")
_TAG_BYTES = 10


class Segments:
    """The bytes of all pieces, to be read once."""

    def __init__(self, guard: Guard, pieces: list[Piece], allowance: Allowance, pause: float) -> None:
        self._guard, self._pieces, self._allowance, self._pause = guard, pieces, allowance, pause
        self._keys: dict[str, bytes] = {}
        self._done = 0
        self._body: Body | None = None

    @property
    def fraction(self) -> float:
        """How much of it has come, from 0 to 1, by the number of pieces."""
        within = self._body.fraction if self._body else None
        return min((self._done + (within or 0)) / len(self._pieces), 1)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes. Raises as Body does, and Permanent (playlist_broken) for a key or a piece that is none."""
        for piece in self._pieces:
            async with aclosing(self._piece(piece)) as chunks:
                async for chunk in chunks:
                    yield chunk
            self._done, self._body = self._done + 1, None

    async def _piece(self, piece: Piece) -> AsyncGenerator[bytes, None]:
        if piece.header:
            yield await self._header(piece)
            return
        plain = self._fetched(piece) if piece.key is None else self._decrypted(self._fetched(piece), piece.key)
        async with aclosing(_untagged(plain)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _fetched(self, piece: Piece) -> AsyncGenerator[bytes, None]:
        self._body = Body(
            self._guard, piece.url, self._allowance, start=piece.start, length=piece.length, pause=self._pause
        )
        async with aclosing(self._body.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _whole(self, piece: Piece, most: int) -> bytes:
        found = bytearray()
        async with aclosing(self._fetched(piece)) as chunks:
            async for chunk in chunks:
                found += chunk
                if len(found) > most:
                    raise Permanent("playlist_broken", "The playlist names a key or a header that is none.")
        return bytes(found)

    async def _header(self, piece: Piece) -> bytes:
        """A header may lie there plain among encrypted pieces: the order of lines, which would tell, is lost."""
        found = await self._whole(piece, _HEADER_BYTES)
        if piece.key is None or found[4:8] in _BOXES:
            return found

        async def pieces() -> AsyncGenerator[bytes, None]:
            yield found

        return b"".join([chunk async for chunk in self._decrypted(pieces(), piece.key)])

    async def _decrypted(self, chunks: AsyncIterator[bytes], key: Key) -> AsyncGenerator[bytes, None]:
        cipher = Cipher(algorithms.AES(await self._secret(key.url)), modes.CBC(key.iv)).decryptor()
        padding = PKCS7(_BLOCK_BITS).unpadder()
        async for chunk in chunks:
            yield padding.update(cipher.update(chunk))
        try:
            yield padding.update(cipher.finalize()) + padding.finalize()
        except ValueError as error:
            raise Permanent("playlist_broken", "A piece of the lecture cannot be decrypted with its key.") from error

    async def _secret(self, url: str) -> bytes:
        """The key at the address, asked once."""
        if url not in self._keys:
            if len(self._keys) >= _MOST_KEYS:
                raise Permanent("playlist_broken", f"The playlist names more than {_MOST_KEYS} keys.")
            key = await self._whole(Piece(url), _KEY_BYTES)
            if len(key) != _KEY_BYTES:
                raise Permanent("playlist_broken", "The playlist names a key or a header that is none.")
            self._keys[url] = key
        return self._keys[url]


async def _untagged(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The bytes without the ID3 tag that pieces of bare sound begin with: it only says what time it is."""
    head, skip = b"", -1
    async for chunk in chunks:
        if skip < 0:
            head += chunk
            if len(head) < _TAG_BYTES:
                continue
            skip, chunk = _tag_bytes(head), head  # noqa: PLW2901 - all that has come
        passed = min(skip, len(chunk))
        skip -= passed
        if len(chunk) > passed:
            yield chunk[passed:]
    if skip < 0 and head:
        yield head


def _tag_bytes(head: bytes) -> int:
    """The length of the ID3v2 tag that is there, by its synchsafe size."""
    if not head.startswith(b"ID3"):
        return 0
    a, b, c, d = (byte & 0x7F for byte in head[6:10])
    return _TAG_BYTES + (a << 21 | b << 14 | c << 7 | d)
