"""Multipart uploads in memory, over a dictionary of objects: what S3 does, so far as it is asked for."""

from collections.abc import AsyncIterator, Callable, Iterable
from itertools import pairwise
from typing import Any

from schemas.ids import new_id
from stores.multipart import UploadMissing
from stores.sending import Body
from tests.unit.streams.fakes import etag_of

LEAST = 16
"""What a part has to have, at least, unless it is the last. Tests bring the real limits down to this."""


class MemoryParts:
    """The calls of the protocol; `store` is given a key and the whole of what was put together."""

    def __init__(self, store: Callable[[str, bytes], Any]) -> None:
        self._store = store
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}

    async def begin(self, key: str, content_type: str) -> str:
        upload_id = new_id()
        self.uploads[upload_id] = key, {}
        return upload_id

    async def put(self, key: str, upload_id: str, number: int, data: bytes | Body) -> str:
        body = b"".join([chunk async for chunk in data.chunks()]) if isinstance(data, Body) else data
        assert not isinstance(data, Body) or len(body) == data.size
        if upload_id not in self.uploads:
            raise UploadMissing(upload_id)
        parts = self.uploads[upload_id][1]
        assert number not in parts, "a part is overwritten"
        parts[number] = body
        return etag_of(body)

    async def complete(self, key: str, upload_id: str, parts: Iterable[tuple[int, str]]) -> None:
        if upload_id not in self.uploads:
            raise UploadMissing(upload_id)
        named, stored = list(parts), self.uploads[upload_id][1]
        assert all(first < second for (first, _), (second, _) in pairwise(named))
        assert all(etag_of(stored[number]) == etag for number, etag in named)
        assert all(len(stored[number]) >= LEAST for number, _ in named[:-1])
        self._store(key, b"".join(stored[number] for number, _ in named))
        del self.uploads[upload_id]

    async def abort(self, key: str, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)


async def chunks_of(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 7):
        yield body[start : start + 7]
