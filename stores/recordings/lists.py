"""Which recordings there are: of an account, in a project, and what they take up."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from schemas.media import RenditionKind
from schemas.recordings import Recording, RecordingKind, RecordingStatus
from schemas.retention import Matter
from stores.documents import Database, from_document
from stores.errors import answering
from stores.places import Places, shelf_of
from stores.recordings.collection import Fields
from stores.scan import newest

ALIVE = {"deleted_at": None}
WITHOUT_BYTES = (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE)
"""Of these nothing has been taken in yet, whatever size was announced."""
_EVER = datetime.min.replace(year=1970, tzinfo=UTC)
_ENDED = [RecordingStatus.COMPLETED.value, RecordingStatus.FAILED.value]
_THERE: dict[Matter, dict[str, Any]] = {
    Matter.ORIGINALS: {"original_expired_at": None},
    Matter.RENDITIONS: {"renditions.kind": {"$exists": True}},
}
_SCAN_SECONDS = 10.0


class Usage(NamedTuple):
    """What recordings take up, in bytes: the uploads that are there, and what was made of them by kind."""

    by_status: dict[RecordingStatus, int]
    originals_bytes: int
    by_rendition: dict[RenditionKind, int]


class Lists:
    """Lists and sums over the collection. Where there are no indexes they look through everything.

    Methods raise StoreUnavailable.
    """

    def __init__(self, database: Database, places: Places) -> None:
        self._recordings = database["recordings"]
        self._places = places

    async def owned(
        self,
        owner_id: str,
        *,
        limit: int,
        before: str | None = None,
        status: RecordingStatus | None = None,
        project_id: str | None = None,
        title: str | None = None,
        section_id: str | None = None,
        tag: str | None = None,
    ) -> list[Recording]:
        """The caller's recordings, documents left out: newest first, at most `limit`, older than the id `before`.

        `title` is a part of the title, in any case. What is filtered is looked for among all, where there are no
        indexes; so is what is older than a recording that is gone.
        """
        equal = {"status": status, "project_id": project_id, "section_id": section_id, "tags": tag}
        if not any((title, *equal.values())):
            return await self._page(owner_id, RecordingKind.RECORDING, before, limit)
        wanted = _wanted(owner_id, before, title, {**equal, "kind": {"$in": [RecordingKind.RECORDING.value, None]}})
        return await self.matching(wanted, limit)  # one of an earlier release has no kind

    async def documents(
        self,
        owner_id: str,
        *,
        limit: int,
        before: str | None = None,
        status: RecordingStatus | None = None,
        project_id: str | None = None,
        title: str | None = None,
    ) -> list[Recording]:
        """The caller's documents, as `owned` has recordings."""
        if not any((title, status, project_id)):
            return await self._page(owner_id, RecordingKind.DOCUMENT, before, limit)
        equal = {"status": status, "project_id": project_id, "kind": RecordingKind.DOCUMENT.value}
        return await self.matching(_wanted(owner_id, before, title, equal), limit)

    async def everything(
        self, owner_id: str, *, limit: int, before: str | None = None, project_id: str | None = None
    ) -> list[Recording]:
        """The caller's recordings and documents, newest first."""
        return await self.matching(_wanted(owner_id, before, None, {"project_id": project_id}), limit)

    async def stored_in(self, owner_id: str, project_id: str, *, before: str, limit: int) -> list[Recording]:
        """The caller's recordings of the project, also those whose deletion has not come to its end; newest first."""
        wanted = {"owner_id": owner_id, "project_id": project_id, "_id": {"$lt": before}}
        return await self.matching(wanted, limit)

    async def stored_of(self, owner_id: str, *, before: str, limit: int) -> list[Recording]:
        """The caller's recordings, also those whose deletion has not come to its end; newest first."""
        return await self.matching({"owner_id": owner_id, "_id": {"$lt": before}}, limit)

    async def held_in(self, owner_id: str, project_id: str | None = None) -> str | None:
        """The id of a recording of the owner's, or of the project, that is on hold itself; None where there is none."""
        wanted: Fields = {"owner_id": owner_id, "hold.at": {"$exists": True}}
        wanted |= {"project_id": project_id} if project_id else {}
        async with answering():
            found = await self._recordings.find_one(wanted)
        return found["_id"] if found else None

    async def expirable(self, before: datetime, matters: Collection[Matter], owners: Sequence[str] | None) -> list[str]:
        """The ids of recordings made before that moment that have come to their end and that something may go of.

        Those of the owners, or of everybody; in any order. Whether something is to go is for a rule to say.
        """
        wanted: Fields = {"created_at": {"$lt": before}, "status": {"$in": _ENDED}, **ALIVE}
        wanted |= {"owner_id": {"$in": list(owners)}} if owners is not None else {}
        if Matter.EVERYTHING not in matters:
            wanted["$or"] = [_THERE[matter] for matter in matters]
        async with answering(_SCAN_SECONDS):
            return [found["_id"] async for found in self._recordings.find(wanted, {"_id": 1})]

    async def usage(self, owner_id: str, project_id: str | None = None) -> Usage:
        """What the caller's recordings take up, in one project or in all; as their documents say."""
        wanted: dict[str, Any] = {"owner_id": owner_id, **ALIVE}
        wanted |= {"project_id": project_id} if project_id else {}
        by_status = {"_id": "$status", "recordings": {"$sum": 1}, "size_bytes": {"$sum": "$size_bytes"}}
        by_kind = {"_id": "$renditions.kind", "size_bytes": {"$sum": "$renditions.size_bytes"}}
        expired = {**wanted, "original_expired_at": {"$gt": _EVER}}
        gone = await self._summed([{"$match": expired}, {"$group": {"_id": None, "size": {"$sum": "$size_bytes"}}}])
        states = await self._summed([{"$match": wanted}, {"$group": by_status}])
        kinds = await self._summed([{"$match": wanted}, {"$unwind": "$renditions"}, {"$group": by_kind}])
        return Usage(
            by_status={RecordingStatus(found["_id"]): found["recordings"] for found in states},
            originals_bytes=sum(found["size_bytes"] for found in states if found["_id"] not in WITHOUT_BYTES)
            - sum(found["size"] for found in gone),
            by_rendition={RenditionKind(found["_id"]): found["size_bytes"] for found in kinds},
        )

    async def _page(self, owner_id: str, kind: RecordingKind, before: str | None, limit: int) -> list[Recording]:
        """A page of everything of the caller's of that kind."""
        shelf = shelf_of(owner_id, kind)
        below = await self._places.number_of(shelf, before) if before else None
        if before and below is None:  # it is gone, or another's: whatever is older is looked for among all
            kinds = {"$in": [kind.value, None] if kind is RecordingKind.RECORDING else [kind.value]}
            return await self.matching(_wanted(owner_id, before, None, {"kind": kinds}), limit)
        return [from_document(Recording, fields) for fields in await self._places.page(shelf, below, limit)]

    async def matching(self, wanted: Fields, limit: int) -> list[Recording]:
        """The recordings that match, newest first; each wish is looked for among all of them."""
        async with answering():
            ids = await newest(self._recordings, wanted, limit)
            found = self._recordings.find({"_id": {"$in": ids}})
            recordings = [from_document(Recording, fields) async for fields in found]
        return sorted(recordings, key=lambda recording: recording.id, reverse=True)

    async def _summed(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with answering():
            return [found async for found in self._recordings.aggregate(stages)]


def _wanted(owner_id: str, before: str | None, title: str | None, equal: Fields) -> Fields:
    """What a list of the caller's asks for; what of `equal` is None does not matter."""
    wanted: Fields = {"owner_id": owner_id, **ALIVE}
    wanted |= {"_id": {"$lt": before}} if before else {}
    wanted |= {name: value for name, value in equal.items() if value is not None}
    wanted |= {"title": {"$regex": re.escape(title), "$options": "i"}} if title else {}
    return wanted
