"""An S3 multipart upload: bytes of unknown total size, a part at a time, one part in memory.

Amazon's "Uploading and copying objects using multipart upload" describes the protocol. Until it is completed nothing
is visible under the key; an upload that is aborted leaves nothing behind.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import aiohttp

from schemas.model import Frozen
from stores.errors import StoreUnavailable

PART_BYTES = 8 * 1024 * 1024

UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_OK, _NO_CONTENT, _NOT_FOUND = 200, 204, 404

Request = Callable[..., AbstractAsyncContextManager[aiohttp.ClientResponse]]


class OpenUpload(Frozen):
    """An upload in parts that was begun, and neither completed nor aborted."""

    key: str
    upload_id: str
    begun: datetime


class Upload:
    """One multipart upload. Made by Objects.upload, which completes or aborts it. Raises StoreUnavailable."""

    def __init__(self, request: Request, key: str, content_type: str) -> None:
        self._request = request
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
        await self._finish(self._id)

    async def abort(self) -> None:
        """Throws away what was sent. Harmless when repeated, or when nothing was."""
        if self._id is None:
            return
        upload_id, self._id = self._id, None
        async with self._request("DELETE", self._key, query={"uploadId": upload_id}) as response:
            expect(response, _OK, _NO_CONTENT, _NOT_FOUND)

    async def _put_whole(self) -> None:
        headers = {"Content-Type": self._content_type}
        async with self._request("PUT", self._key, data=bytes(self._waiting), headers=headers) as response:
            expect(response, _OK)

    async def _send(self, size: int) -> None:
        upload_id = self._id = self._id or await self._begin()
        query = {"partNumber": str(len(self._etags) + 1), "uploadId": upload_id}
        part = bytes(self._waiting[:size])
        del self._waiting[:size]  # before it is sent, so that no part is held twice for as long as that takes
        async with self._request("PUT", self._key, query=query, data=part) as response:
            expect(response, _OK)
            self._etags.append(response.headers["ETag"])

    async def _begin(self) -> str:
        headers = {"Content-Type": self._content_type}
        async with self._request("POST", self._key, query={"uploads": ""}, headers=headers) as response:
            expect(response, _OK)
            found = UPLOAD_ID.search(await response.read())
        if found is None:
            raise StoreUnavailable("object store", "its answer names no upload id")
        return found[1].decode()

    async def _finish(self, upload_id: str) -> None:
        async with self._request("POST", self._key, query={"uploadId": upload_id}, data=self._manifest()) as response:
            expect(response, _OK)
            answer = await response.read()
        if b"<Error>" in answer:  # S3 may answer 200 first and fail afterwards
            raise StoreUnavailable("object store", answer[:200].decode(errors="replace"))
        self._id = None

    def _manifest(self) -> bytes:
        return manifest(enumerate(self._etags, start=1))


def manifest(parts: Iterable[tuple[int, str]]) -> bytes:
    """What completes an upload: the numbers of its parts, ascending, and their ETags."""
    told = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{told}</CompleteMultipartUpload>".encode()


def expect(response: Any, *statuses: int) -> None:
    """Raises StoreUnavailable unless the store answered with one of the statuses."""
    if response.status not in statuses:
        raise StoreUnavailable("object store", f"it answered {response.status} {response.reason}")
