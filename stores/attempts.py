"""Attempts to sign in, in MongoDB: collections `attempts`, `known_addresses`. Every API node counts in the same place.

A counter's `_id` is the fingerprint of what it counts; its revision makes each change one compare-and-set, which is
found by the unique index of both. An address is known for an account from a log-in until `expires_at`.
"""

from datetime import datetime

from schemas.model import Document
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, answering, in_time


class Counted(Document):
    """Attempts that failed or are under way, and the moment of the last."""

    id: str
    attempts: int
    last_at: datetime
    revision: int = 1


class Attempts:
    """The repository of counters and known addresses. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._counters = database["attempts"]
        self._known = database["known_addresses"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._counters.create_index([("_id", 1), ("revision", 1)], unique=True)
            await self._counters.create_index("last_at")
            await self._known.create_index("expires_at")

    async def get(self, counter_id: str) -> Counted | None:
        """The counter as it is."""
        async with answering():
            found = await self._counters.find_one({"_id": counter_id})
        return from_document(Counted, found) if found else None

    async def put(self, counted: Counted, instead_of: Counted | None) -> bool:
        """Stores the counter if it is still as it was read; whether it was."""
        if instead_of is None:
            return await self._insert(counted)
        changed = counted.model_copy(update={"revision": instead_of.revision + 1})
        async with answering():
            read = {"_id": counted.id, "revision": instead_of.revision}
            result = await self._counters.replace_one(read, to_document(changed))
        return bool(result.matched_count)

    async def _insert(self, counted: Counted) -> bool:
        try:
            async with answering():
                await self._counters.insert_one(to_document(counted))
        except Duplicate:
            return False
        return True

    async def forget(self, counter_id: str) -> None:
        """The counter begins anew. Harmless when repeated."""
        async with answering():
            await self._counters.delete_one({"_id": counter_id})

    async def know(self, pair_id: str, until: datetime) -> None:
        """From now until then the address is known for the account. A repeat prolongs it."""
        async with answering():
            await self._known.update_one({"_id": pair_id}, {"$set": {"expires_at": until}}, upsert=True)

    async def knows(self, pair_id: str, at: datetime) -> bool:
        """Whether the address is known for the account."""
        async with answering():
            found = await self._known.find_one({"_id": pair_id})
        return found is not None and bool(found["expires_at"] > at)

    async def sweep(self, at: datetime, older_than: datetime) -> None:
        """Forgets counters of before, and addresses that are known no longer. Harmless when repeated."""
        async with answering():
            await self._counters.delete_many({"last_at": {"$lt": older_than}})
            await self._known.delete_many({"expires_at": {"$lte": at}})
