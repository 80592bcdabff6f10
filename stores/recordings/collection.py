"""The documents of recordings: made, read, and changed under their revision.

What arrives together is read and written together (stores/grouping).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from pymongo import UpdateOne

from schemas.recordings import Recording
from schemas.time import now
from stores.documents import Database, to_document
from stores.errors import StoreUnavailable, answering
from stores.grouping import Grouped
from stores.places import Places, shelf_of
from stores.swaps import Swaps, inserted

_CONFLICTS = 50

Fields = dict[str, Any]
Change = Callable[[Fields], Fields | None]
"""What is to be set in a document, by its fields; None where nothing may be, the document itself where nothing is."""


class _Write(NamedTuple):
    """Fields to be set in the document if it still has that revision: the next one among them."""

    recording_id: str
    revision: int
    fields: Fields


class Collection:
    """The collection's documents by their ids. Methods raise StoreUnavailable.

    `insert` says whether the recording is new; `read` gives the document, also that of a deletion under way, or None.
    """

    def __init__(self, database: Database, places: Places) -> None:
        self._recordings = database["recordings"]
        self._places = places
        self.insert: Grouped[Recording, bool] = Grouped(self._insert_all)
        self.read: Grouped[str, Fields | None] = Grouped(self._read_all)
        self._write: Grouped[_Write, bool] = Grouped(self._write_all)
        self._swaps = Swaps(self._recordings, "stamp", lambda fields: fields.get("stamp"))

    async def change(
        self, recording_id: str, change: Change, *, touch: bool = True, known: Recording | None = None
    ) -> Fields | None:
        """Reads the document and writes what `change` sets if nobody else has, again until nobody interferes.

        The document afterwards; None where there is none, where it is deleted, and where `change` says no. Nothing is
        written where `change` gives back what it was given. `known` is tried first, without reading.
        """
        found = to_document(known) if known else await self.read(recording_id)
        for _ in range(_CONFLICTS):
            if found is None or found.get("deleted_at") is not None or (news := change(found)) is None:
                return None
            if news is found and not known:
                return found
            if news is found:  # whether it is still so, must be read
                found, known = await self.read(recording_id), None
                continue
            fields = {**news, **({"updated_at": now()} if touch else {}), "revision": found["revision"] + 1}
            if await self._write(_Write(recording_id, found["revision"], fields)):
                return {**found, **fields}
            found = await self.read(recording_id)
        raise StoreUnavailable("document store", f"recording {recording_id} changes too fast")

    async def _insert_all(self, recordings: list[Recording]) -> list[bool]:
        """For each whether it was new."""
        shelves = [shelf_of(recording.owner_id, recording.kind) for recording in recordings]
        places = await self._places.take(shelves)
        documents = [to_document(recording) for recording in recordings]
        return await inserted(
            self._recordings,
            [{**fields, "place": place} for fields, place in zip(documents, places, strict=True)],
        )

    async def _read_all(self, recording_ids: list[str]) -> list[Fields | None]:
        async with answering():
            found = self._recordings.find({"_id": {"$in": list(set(recording_ids))}})
            documents = {fields["_id"]: fields async for fields in found}
        return [documents.get(recording_id) for recording_id in recording_ids]

    async def _write_all(self, writes: list[_Write]) -> list[bool]:
        """For each whether its document still had that revision."""
        marks = [self._swaps.mark() for _ in writes]
        updates = [
            UpdateOne(
                {"_id": write.recording_id, "revision": write.revision},
                {"$set": {**write.fields, "stamp": mark}},
            )
            for write, mark in zip(writes, marks, strict=True)
        ]
        return await self._swaps.made([write.recording_id for write in writes], marks, updates)
