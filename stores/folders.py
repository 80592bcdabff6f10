"""Courses and projects in MongoDB: collection `folders`, one document each, `_id` "owner/folder id".

What is in a folder is said by the recordings alone, by `project_id` and `section_id`; it is counted by aggregations
over them (collection `recordings`, see stores/recordings). A recording that is taken out of a folder gets a new
revision, so that nobody who has read it before puts it back. Index: owner.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from schemas.folders import MOST_FOLDERS, Folder
from schemas.holds import Hold
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import OnHold, answering, in_time
from stores.recordings import WITHOUT_BYTES

_COUNT_SECONDS = 10.0
"""A count may look through everything, where there are no indexes."""
_TOGETHER = 200
_TAKEN_IN = [status.value for status in RecordingStatus if status not in WITHOUT_BYTES]

Fields = dict[str, Any]


class Contents(NamedTuple):
    """What is in a folder, as far as it is not deleted: how much, and since when there is something.

    `size_bytes` is that of the originals that are there: not of what is only announced, or went by a rule.
    """

    items: int
    size_bytes: int
    duration_seconds: float
    oldest: datetime
    newest: datetime


class Folders:
    """The repository of folders. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._folders = database["folders"]
        self._recordings = database["recordings"]

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._folders.create_index([("owner_id", 1), ("_id", 1)])

    async def create(self, folder: Folder) -> None:
        """Stores a new folder. Raises Duplicate where the owner has one of that id."""
        async with answering():
            await self._folders.insert_one(to_document(folder))

    async def get(self, owner_id: str, folder_id: str) -> Folder | None:
        """The folder's document; None where it has none, whether something is in it or not."""
        async with answering():
            found = await self._folders.find_one({"_id": Folder.key(owner_id, folder_id)})
        return from_document(Folder, found) if found else None

    async def held(self, owner_ids: Iterable[str], folder_id: str) -> Hold | None:
        """The hold that any of them has on a folder of that id of theirs; None where nobody has one."""
        keys = sorted({Folder.key(owner_id, folder_id) for owner_id in owner_ids})
        for first in range(0, len(keys), _TOGETHER):
            async with answering():
                found = self._folders.find({"_id": {"$in": keys[first : first + _TOGETHER]}}, {"hold": 1})
                holds = [fields["hold"] async for fields in found if fields.get("hold")]
            if holds:
                return Hold.model_validate(holds[0])
        return None

    async def of_owner(self, owner_id: str) -> list[Folder]:
        """All of the owner's folders that have a document, in any order."""
        async with answering():
            found = self._folders.find({"owner_id": owner_id}).limit(2 * MOST_FOLDERS)
            return [from_document(Folder, fields) async for fields in found]

    async def update(self, owner_id: str, folder_id: str, fields: Fields) -> Folder | None:
        """Sets fields of the folder; None where it has no document. A repeat is harmless."""
        wanted, changed = {"_id": Folder.key(owner_id, folder_id)}, {**fields, "updated_at": now()}
        async with answering():
            await self._folders.update_one(wanted, {"$set": changed})
        return await self.get(owner_id, folder_id)

    async def delete(self, owner_id: str, folder_id: str) -> None:
        """Forgets the folder's document, unless it is on hold: raises OnHold. Harmless when repeated."""
        wanted = {"_id": Folder.key(owner_id, folder_id), "hold": None}
        while True:
            async with answering():
                if await self._folders.find_one_and_delete(wanted):
                    return
            folder = await self.get(owner_id, folder_id)
            if folder is None:
                return
            if folder.hold:  # else it was lifted between the two
                raise OnHold(f"It is on hold: {folder.hold.reason}")

    async def forget(self, owner_id: str) -> int:
        """Removes every document of the owner, and says how many there were. Harmless when repeated."""
        async with answering():
            return int((await self._folders.delete_many({"owner_id": owner_id})).deleted_count)

    async def contents(self, owner_id: str) -> dict[str, Contents]:
        """What is in each of the owner's folders, those without a document too; only those with something in them."""
        return await self._contents({"owner_id": owner_id})

    async def contents_of(self, owner_id: str, folder_id: str) -> Contents | None:
        """What is in that folder; None where nothing is."""
        return (await self._contents({"owner_id": owner_id, "project_id": folder_id})).get(folder_id)

    async def _contents(self, wanted: Fields) -> dict[str, Contents]:
        there = {**wanted, "status": {"$in": _TAKEN_IN}, "original_expired_at": None}
        sizes = await self._summed(there, {"_id": "$project_id", "size_bytes": {"$sum": "$size_bytes"}})
        size_of = {found["_id"]: found["size_bytes"] for found in sizes}
        counted = await self._counted(wanted, "$project_id")
        return {found["_id"]: _contents(found, size_of.get(found["_id"], 0)) for found in counted}

    async def by_section(self, owner_id: str, folder_id: str) -> dict[str, int]:
        """How much is in each section of the folder that has something in it."""
        wanted = {"owner_id": owner_id, "project_id": folder_id}
        return {found["_id"]: found["items"] for found in await self._counted(wanted, "$section_id")}

    async def _counted(self, wanted: Fields, by: str) -> list[Fields]:
        sums = {
            "_id": by,
            "items": {"$sum": 1},
            "duration_seconds": {"$sum": "$duration_seconds"},
            "oldest": {"$min": "$created_at"},
            "newest": {"$max": "$updated_at"},
        }
        return await self._summed(wanted, sums)

    async def _summed(self, wanted: Fields, sums: Fields) -> list[Fields]:
        stages: list[Fields] = [{"$match": {**wanted, "deleted_at": None}}, {"$group": sums}]
        async with answering(_COUNT_SECONDS):
            found = [fields async for fields in self._recordings.aggregate(stages)]
        return [fields for fields in found if fields["_id"] is not None]

    async def close_sections(self, owner_id: str, folder_id: str, section_ids: Iterable[str]) -> None:
        """Takes what is in those sections out of them; it stays in the folder. A repeat is harmless."""
        wanted = {"owner_id": owner_id, "project_id": folder_id, "section_id": {"$in": list(section_ids)}}
        async with answering(_COUNT_SECONDS):
            await self._recordings.update_many(wanted, {"$set": {"section_id": None}, "$inc": {"revision": 1}})


def _contents(found: Fields, size_bytes: int) -> Contents:
    return Contents(
        items=found["items"],
        size_bytes=size_bytes,
        duration_seconds=round(found["duration_seconds"], 3),
        oldest=found["oldest"],
        newest=found["newest"],
    )
