"""Uploads in parts that clients send straight to the object store: begun, looked at and completed by the program.

A client gets a presigned URL for one part at a time and never the right to complete. Caveats: what a part is like is
known to the store alone until it is listed; an upload is completed once, and its id is forgotten then; one that is
neither completed nor aborted keeps its parts: see stores/reconciler. Amazon's "Uploading and copying objects using
multipart upload" describes the protocol.
"""

import html
import re
from collections.abc import Iterable
from datetime import datetime

from schemas.model import Frozen
from stores.multipart import Parts, UploadMissing, expect
from stores.objects import Objects

_OK, _NOT_FOUND = 200, 404
_PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
_ANY_TYPE = "application/octet-stream"


class StoredPart(Frozen):
    """A part as the store lists it; `sent_at` to the second."""

    number: int
    size_bytes: int
    etag: str
    sent_at: datetime


class PartUploads:
    """The uploads in parts. Methods raise StoreUnavailable."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._parts = Parts(objects.request)

    async def begin(self, key: str) -> str:
        """Begins an upload to the key, and gives the store's id of it."""
        return await self._parts.begin(key, _ANY_TYPE)

    def presign(self, key: str, upload_id: str, number: int, seconds: int) -> str:
        """A URL by which a client can PUT that part, once or again, for that long."""
        return self._objects.presign_put(key, seconds, {"partNumber": str(number), "uploadId": upload_id})

    async def listed(self, key: str, upload_id: str) -> list[StoredPart]:
        """The parts that are there, by their numbers; of one number the newest first. Raises UploadMissing.

        A part that was sent again takes the place of the earlier one on S3 and MinIO. SeaweedFS keeps and lists both;
        which of them is joined is said by its ETag.
        """
        found: list[StoredPart] = []
        marker: str | None = "0"
        while marker is not None:
            text = await self._page(key, {"uploadId": upload_id, "part-number-marker": marker})
            page = [_part(part) for part in _PART.findall(text)]
            found += page
            more = page and _text(text, "IsTruncated") == "true"
            marker = str(page[-1].number) if more else None
        found.sort(key=lambda part: part.sent_at)
        once = {(part.number, part.etag): part for part in found}  # the same bytes, sent twice, are one part
        return sorted(once.values(), key=lambda part: (part.number, -part.sent_at.timestamp()))

    async def _page(self, key: str, query: dict[str, str]) -> str:
        async with self._objects.request("GET", key, query=query) as response:
            if response.status == _NOT_FOUND:
                raise UploadMissing(key)
            expect(response, _OK)
            return (await response.read()).decode()

    async def complete(self, key: str, upload_id: str, parts: Iterable[StoredPart]) -> None:
        """Makes the object of the parts appear. Raises UploadMissing, also for what was completed a moment ago."""
        await self._parts.complete(key, upload_id, ((part.number, part.etag) for part in parts))


def _part(text: str) -> StoredPart:
    etag = html.unescape(_text(text, "ETag")).strip('"')
    return StoredPart(
        number=int(_text(text, "PartNumber")),
        size_bytes=int(_text(text, "Size")),
        etag=etag,
        sent_at=datetime.fromisoformat(_text(text, "LastModified")),
    )


def _text(xml: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", xml)
    return found[1].strip() if found else ""
