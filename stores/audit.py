"""The record of acts in MongoDB: collection `audit`, ids ascend with time. Written once, forgotten when it is old.

Index: user and id (lists).
"""

from datetime import datetime
from typing import Any

from schemas.audit import AuditEvent
from stores.documents import Database, from_document, to_document
from stores.errors import answering, in_time
from stores.scan import newest


class AuditLog:
    """The repository of acts. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._events = database["audit"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._events.create_index([("user_id", 1), ("_id", -1)])
            await self._events.create_index("at")

    async def add(self, event: AuditEvent) -> None:
        """Stores an act."""
        async with answering():
            await self._events.insert_one(to_document(event))

    async def newest(
        self, limit: int, *, before: str | None = None, user_id: str | None = None, action: str | None = None
    ) -> list[AuditEvent]:
        """Acts, newest first, at most `limit`, those older than the id `before`; of one person, or of everybody."""
        wanted: dict[str, Any] = {}
        wanted |= {"_id": {"$lt": before}} if before else {}
        wanted |= {"user_id": user_id} if user_id else {}
        wanted |= {"action": action} if action else {}
        async with answering():
            ids = await newest(self._events, wanted, limit)
            found = self._events.find({"_id": {"$in": ids}})
            events = [from_document(AuditEvent, fields) async for fields in found]
        return sorted(events, key=lambda event: event.id, reverse=True)

    async def forget(self, user_id: str) -> int:
        """Removes the acts about an account, and says how many there were. Harmless when repeated."""
        async with answering():
            return int((await self._events.delete_many({"user_id": user_id})).deleted_count)

    async def sweep(self, before: datetime) -> None:
        """Forgets what is older. Harmless when repeated."""
        async with answering():
            await self._events.delete_many({"at": {"$lt": before}})
