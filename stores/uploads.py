"""Uploads that were announced and have not come: the recordings that await their bytes, seen from their callers.

Index, where the server has them: status and owner, on the collection `recordings` (see stores/recordings).
"""

from typing import Any

from schemas.recordings import RecordingStatus
from stores.documents import Database
from stores.errors import answering, in_time

_COUNT_SECONDS = 10.0
"""A count may look through everything, where there are no indexes."""


class Uploads:
    """The uploads that are awaited. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._recordings.create_index([("status", 1), ("owner_id", 1)])

    async def awaited_by_owner(self) -> dict[str, int]:
        """How many recordings await their upload, by owner."""
        awaited = {"status": RecordingStatus.AWAITING_UPLOAD.value, "deleted_at": None}
        by_owner: dict[str, Any] = {"_id": "$owner_id", "uploads": {"$sum": 1}}
        groups: list[dict[str, Any]] = [{"$match": awaited}, {"$group": by_owner}]
        async with answering(_COUNT_SECONDS):
            return {found["_id"]: found["uploads"] async for found in self._recordings.aggregate(groups)}
