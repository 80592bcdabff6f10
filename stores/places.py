"""The order of each caller's recordings: every one gets a number as it is made, one higher than the last on its shelf.

A page is a run of numbers. They are asked for by a unique index of one field, which every server answers without a
look at anything else: however many recordings there are, and wherever the page. A number whose recording was never
made, or is gone, is a gap that a page reads over. A caller has a shelf for each kind, "owner/kind". Layout: `place` in
a recording, "shelf/number"; collection `places`, a document for each shelf with the `last` number that was given.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne

from schemas.recordings import RecordingKind
from stores.documents import Database
from stores.errors import answering, in_time
from stores.scan import pages

Fields = dict[str, Any]

_MOST = 1000
_NUMBERED = ""
"""The document that says that recordings of older versions have their numbers: no shelf's."""


def shelf_of(owner_id: str, kind: str = RecordingKind.RECORDING) -> str:
    """Where an owner's recordings of that kind stand; those of an early release have no kind."""
    return f"{owner_id}/{RecordingKind(kind).value}"


class Places:
    """The numbers of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]
        self._places = database["places"]

    async def prepare(self) -> None:
        """Creates the index, and numbers what an older version has made. Harmless when repeated."""
        async with in_time():
            await self._recordings.create_index("place", unique=True, sparse=True)
            done = await self._places.find_one({"_id": _NUMBERED})
        if done is None:
            await self._number_all()
            async with answering():
                await self._places.update_one({"_id": _NUMBERED}, {"$set": {"last": 0}}, upsert=True)

    async def _number_all(self) -> None:
        async for page in pages(self._recordings, "owner_id", "kind", "place"):
            missing = [found for found in page if found.get("place") is None]
            places = await self.take([_shelf_of(found) for found in missing])
            writes = [
                UpdateOne({"_id": found["_id"]}, {"$set": {"place": place}})
                for found, place in zip(missing, places, strict=True)
            ]
            if writes:
                async with answering():
                    await self._recordings.bulk_write(writes, ordered=False)

    async def take(self, shelves: Sequence[str]) -> list[str]:
        """A new place on each of the shelves, in this order; what is not used stays a gap."""
        counted = Counter(shelves)
        before = dict(zip(counted, await asyncio.gather(*map(self._count, counted, counted.values())), strict=True))
        taken = []
        for shelf in shelves:
            before[shelf] += 1
            taken.append(_place(shelf, before[shelf]))
        return taken

    async def _count(self, shelf: str, more: int) -> int:
        """The last number before, which is now higher by that many."""
        async with answering():
            found = await self._places.find_one_and_update({"_id": shelf}, {"$inc": {"last": more}}, upsert=True)
        return int(found["last"]) if found else 0

    async def number_of(self, shelf: str, recording_id: str) -> int | None:
        """The recording's number on the shelf; None where it does not stand there, or no longer."""
        async with answering():
            found = await self._recordings.find({"_id": recording_id}, {"place": 1}).to_list(1)
        its_shelf, _, number = str(found[0].get("place") if found else "").rpartition("/")
        return int(number) if its_shelf == shelf else None

    async def page(self, shelf: str, below: int | None, limit: int) -> list[Fields]:
        """Up to `limit` documents of the shelf, newest first: those with a number below that one, or the newest.

        Those of deletions under way are left out.
        """
        found: list[Fields] = []
        async with answering():
            end, step = below or await self._last(shelf) + 1, limit
            while end > 1 and len(found) < limit:
                start, step = max(end - step, 1), min(2 * step, _MOST)
                found += await self._run(shelf, range(start, end))
                end = start
        return found[:limit]

    async def forget(self, owner_id: str) -> int:
        """Removes the owner's shelves, once nothing stands there; how many there were. A repeat is harmless."""
        shelves = {"_id": {"$in": [shelf_of(owner_id, kind) for kind in RecordingKind]}}
        async with answering():
            return int((await self._places.delete_many(shelves)).deleted_count)

    async def _last(self, shelf: str) -> int:
        found = await self._places.find_one({"_id": shelf})
        return int(found["last"]) if found else 0

    async def _run(self, shelf: str, numbers: range) -> list[Fields]:
        wanted = {_place(shelf, number): number for number in numbers}
        documents = await self._recordings.find({"place": {"$in": list(wanted)}}).to_list(len(wanted))
        alive = [fields for fields in documents if fields.get("deleted_at") is None]
        return sorted(alive, key=lambda fields: wanted[fields["place"]], reverse=True)


def _shelf_of(fields: Fields) -> str:
    return shelf_of(fields["owner_id"], fields.get("kind") or RecordingKind.RECORDING)


def _place(shelf: str, number: int) -> str:
    return f"{shelf}/{number}"
