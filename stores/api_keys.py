"""API keys in MongoDB: collection `api_keys`. A key's `_id` is its SHA-256, so a request finds it by that alone.

Revoking removes the document: from then on no process lets the key in. Indexes: key_id (unique), owner.
"""

from datetime import datetime

from schemas.people import ApiKey
from stores.documents import Database, from_document, to_document
from stores.errors import answering, in_time


class ApiKeys:
    """The repository of API keys. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._keys = database["api_keys"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._keys.create_index("key_id", unique=True)
            await self._keys.create_index("owner_id")

    async def add(self, key: ApiKey) -> None:
        """Stores a new key."""
        async with answering():
            await self._keys.insert_one(to_document(key))

    async def get(self, key_hash: str) -> ApiKey | None:
        """The key of that hash."""
        async with answering():
            found = await self._keys.find_one({"_id": key_hash})
        return from_document(ApiKey, found) if found else None

    async def of_id(self, key_id: str) -> ApiKey | None:
        """The key that its owner knows by that id."""
        async with answering():
            found = await self._keys.find_one({"key_id": key_id})
        return from_document(ApiKey, found) if found else None

    async def list_owned(self, owner_id: str) -> list[ApiKey]:
        """All keys of the owner, newest first."""
        async with answering():
            found = [from_document(ApiKey, fields) async for fields in self._keys.find({"owner_id": owner_id})]
        return sorted(found, key=lambda key: key.key_id, reverse=True)

    async def used(self, key: ApiKey, at: datetime, address: str) -> None:
        """Notes when and from where the key was used."""
        async with answering():
            fields = {"last_used_at": at, "last_used_from": address}
            await self._keys.update_one({"_id": key.id}, {"$set": fields})

    async def forget(self, owner_id: str) -> int:
        """Removes all keys of the owner, and says how many there were. Harmless when repeated."""
        async with answering():
            return int((await self._keys.delete_many({"owner_id": owner_id})).deleted_count)

    async def revoke_owned(self, owner_id: str, key_id: str) -> ApiKey | None:
        """Ends the owner's key, which is returned; None where there is none of that id."""
        async with answering():
            found = await self._keys.find_one({"key_id": key_id})
            if found is None or found["owner_id"] != owner_id:
                return None
            await self._keys.delete_one({"_id": found["_id"]})
        return from_document(ApiKey, found)
