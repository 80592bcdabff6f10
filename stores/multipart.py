"""S3 multipart uploads: the protocol's four calls, and bytes of unknown total size, a part at a time, one in memory.

Amazon's "Uploading and copying objects using multipart upload" describes the protocol. Until it is completed nothing
is visible under the key; an upload that is aborted leaves nothing behind.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from typing import Any

import aiohttp

from schemas.model import Frozen
from stores.errors import StoreUnavailable
from stores.sending import Body

PART_BYTES = 8 * 1024 * 1024

_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_OK, _NO_CONTENT, _NOT_FOUND = 200, 204, 404

Request = Callable[..., AbstractAsyncContextManager[aiohttp.ClientResponse]]


class OpenUpload(Frozen):
    """An upload in parts that was begun, and neither completed nor aborted."""

    key: str
    upload_id: str
    begun: datetime


class UploadMissing(Exception):
    """There is no such upload: it was completed, or aborted."""


class Parts:
    """The calls of the protocol. Methods raise StoreUnavailable."""

    def __init__(self, request: Request) -> None:
        self._request = request

    async def begin(self, key: str, content_type: str) -> str:
        """Begins an upload; its id."""
        headers = {"Content-Type": content_type}
        async with self._request("POST", key, query={"uploads": ""}, headers=headers) as response:
            expect(response, _OK)
            found = _UPLOAD_ID.search(await response.read())
        if found is None:
            raise StoreUnavailable("object store", "its answer names no upload id")
        return found[1].decode()

    async def put(self, key: str, upload_id: str, number: int, data: bytes | Body) -> str:
        """Stores a part, in the place of an earlier one of that number; its ETag. Raises UploadMissing."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        async with self._request("PUT", key, query=query, data=data) as response:
            if response.status == _NOT_FOUND:
                raise UploadMissing(upload_id)
            expect(response, _OK)
            return str(response.headers["ETag"])

    async def complete(self, key: str, upload_id: str, parts: Iterable[tuple[int, str]]) -> None:
        """Makes the object appear: those parts, of ascending number, by their ETags. Raises UploadMissing."""
        async with self._request("POST", key, query={"uploadId": upload_id}, data=_manifest(parts)) as response:
            if response.status == _NOT_FOUND:
                raise UploadMissing(upload_id)
            expect(response, _OK)
            answer = await response.read()
        if b"<Error>" in answer:  # S3 may answer 200 first and fail afterwards
            raise StoreUnavailable("object store", answer[:200].decode(errors="replace"))

    async def abort(self, key: str, upload_id: str) -> None:
        """Throws away what was sent. Harmless when repeated."""
        async with self._request("DELETE", key, query={"uploadId": upload_id}) as response:
            expect(response, _OK, _NO_CONTENT, _NOT_FOUND)


class Upload:
    """One multipart upload. Made by Objects.upload, which completes or aborts it. Raises StoreUnavailable."""

    def __init__(self, request: Request, key: str, content_type: str) -> None:
        self._request = request
        self._parts = Parts(request)
        self._key = key
        self._content_type = content_type
        self._id: str | None = None
        self._etags: list[str] = []
        self._waiting = bytearray()
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        """Takes in bytes; sends a part whenever one is full, and returns when it is stored."""
        self._waiting += chunk
        self.size_bytes += len(chunk)
        while len(self._waiting) >= PART_BYTES:
            await self._send(PART_BYTES)

    async def complete(self) -> None:
        """Sends what is left and makes the object appear."""
        if self._id is None:
            await self._put_whole()
            return
        if self._waiting:
            await self._send(len(self._waiting))
        with _never_missing():
            await self._parts.complete(self._key, self._id, enumerate(self._etags, start=1))
        self._id = None

    async def abort(self) -> None:
        """Throws away what was sent. Harmless when repeated, or when nothing was."""
        if self._id is None:
            return
        upload_id, self._id = self._id, None
        await self._parts.abort(self._key, upload_id)

    async def _put_whole(self) -> None:
        headers = {"Content-Type": self._content_type}
        async with self._request("PUT", self._key, data=bytes(self._waiting), headers=headers) as response:
            expect(response, _OK)

    async def _send(self, size: int) -> None:
        upload_id = self._id = self._id or await self._parts.begin(self._key, self._content_type)
        part = bytes(self._waiting[:size])
        del self._waiting[:size]  # before it is sent, so that no part is held twice for as long as that takes
        with _never_missing():
            self._etags.append(await self._parts.put(self._key, upload_id, len(self._etags) + 1, part))


@contextmanager
def _never_missing() -> Iterator[None]:
    """An upload whose id nobody else knows is missing only when the store has thrown it away: then it is to blame."""
    try:
        yield
    except UploadMissing as error:
        raise StoreUnavailable("object store", "it has thrown an upload away that was under way") from error


def _manifest(parts: Iterable[tuple[int, str]]) -> bytes:
    listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()


def expect(response: Any, *statuses: int) -> None:
    """Raises StoreUnavailable unless the store answered with one of the statuses."""
    if response.status not in statuses:
        raise StoreUnavailable("object store", f"it answered {response.status} {response.reason}")
