"""Recordings in MongoDB: collection `recordings`, one document each.

A stage writes what it made of a recording with its fence, "job's rank/number of the claim": fences sort by job (a later
one is newer, and one that was set going again) and then by claim. A write with a fence lower than one that has written
before is refused, so a worker that was taken for dead cannot overwrite its successor's work. The job's own state is
written in the same way, with the job's version. Indexes: id and revision, place (see stores/places), and where the
server has them owner and id (filtered lists), project and id.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from pymongo import UpdateOne

from schemas.holds import Hold
from schemas.jobs import Failure, Job, Status
from schemas.media import Rendition, RenditionKind
from schemas.recordings import Recording, RecordingKind, RecordingStatus, Source
from schemas.retention import Matter
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, LeaseLost, OnHold, StoreUnavailable, answering, in_time
from stores.grouping import Grouped
from stores.places import Places, shelf_of
from stores.scan import newest, pages, present
from stores.swaps import Swaps, inserted
from stores.traces import Traces

_STATUS_OF_JOB = {
    Status.QUEUED: RecordingStatus.PROCESSING,
    Status.RUNNING: RecordingStatus.PROCESSING,
    Status.COMPLETED: RecordingStatus.COMPLETED,
    Status.FAILED: RecordingStatus.FAILED,
    Status.CANCELLED: RecordingStatus.FAILED,
}

_ALIVE = {"deleted_at": None}
_CONFLICTS = 50

_EVER = datetime.min.replace(year=1970, tzinfo=UTC)
_ENDED = [RecordingStatus.COMPLETED.value, RecordingStatus.FAILED.value]
_THERE: dict[Matter, dict[str, Any]] = {
    Matter.ORIGINALS: {"original_expired_at": None},
    Matter.RENDITIONS: {"renditions.kind": {"$exists": True}},
}
_SCAN_SECONDS = 10.0
WITHOUT_BYTES = (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE)
"""Of these nothing has been taken in yet, whatever size was announced."""


class Usage(NamedTuple):
    """What recordings take up, in bytes: the uploads that are there, and what was made of them by kind."""

    by_status: dict[RecordingStatus, int]
    originals_bytes: int
    by_rendition: dict[RenditionKind, int]


Fields = dict[str, Any]
Change = Callable[[Fields], Fields | None]
"""What is to be set in a document, by its fields; None where nothing may be, the document itself where nothing is."""


def _wanted(owner_id: str, before: str | None, title: str | None, equal: Fields) -> Fields:
    """What a list of the caller's asks for; what of `equal` is None does not matter."""
    wanted: Fields = {"owner_id": owner_id, **_ALIVE}
    wanted |= {"_id": {"$lt": before}} if before else {}
    wanted |= {name: value for name, value in equal.items() if value is not None}
    wanted |= {"title": {"$regex": re.escape(title), "$options": "i"}} if title else {}
    return wanted


def fence_of(job: Job, number: int) -> str:
    """The fence as documents keep it: higher for a job that was set going later, and within it for a later number."""
    return f"{job.rank or job.id}/{number:08d}"


def _fenced(found: Fields, stage: str, fence: str, fields: Fields) -> Fields | None:
    """The fields and the fence; None where a higher fence of the stage has written."""
    fences = found.get("fences", {})
    return None if fences.get(stage, fence) > fence else {**fields, "fences": {**fences, stage: fence}}


def _unless_written(found: Fields, recording: Recording, fields: Fields) -> Fields | None:
    """The fields, if nobody has written since the recording was read."""
    return fields if found["updated_at"] == recording.updated_at else None


def _unless_touched(found: Fields, recording: Recording, fields: Fields) -> Fields | None:
    """The fields, if nothing at all was written since the recording was read, such as a job that was noted."""
    return fields if found["revision"] == recording.revision else None


def _accepted(job: Job) -> Fields:
    """What was accepted of a recording, as the job that takes it in tells it."""
    for fact in job.facts:
        if fact["type"] == "recording.uploaded" and fact.get("etag"):
            return {name: fact[name] for name in ("content_type", "size_bytes", "etag")}
    return {}


class _Write(NamedTuple):
    """Fields to be set in the document if it still has that revision: the next one among them."""

    recording_id: str
    revision: int
    fields: Fields


def _expect_free(fields: Fields) -> None:
    if hold := fields.get("hold"):
        raise OnHold(f"It is on hold: {hold['reason']}")


class Recordings:
    """The repository of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]
        self._insert: Grouped[Recording, bool] = Grouped(self._insert_all)
        self._read: Grouped[str, Fields | None] = Grouped(self._read_all)
        self._write: Grouped[_Write, bool] = Grouped(self._write_all)
        self._places = Places(database)
        self.traces = Traces(database)
        self._swaps = Swaps(self._recordings, "stamp", lambda fields: fields.get("stamp"))

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        await self._places.prepare()
        async with in_time():
            await self._recordings.create_index([("_id", 1), ("revision", 1)], unique=True)
            await self._recordings.update_many({"revision": {"$exists": False}}, {"$set": {"revision": 1}})
            await self._recordings.create_index([("owner_id", 1), ("_id", -1)])
            await self._recordings.create_index([("owner_id", 1), ("project_id", 1), ("_id", -1)])

    async def create(self, recording: Recording) -> None:
        """Stores a new recording. Raises Duplicate."""
        if not await self._insert(recording):
            raise Duplicate(recording.id)

    async def get(self, recording_id: str) -> Recording | None:
        """The recording, whoever owns it; for the pipeline, never for a request. None for one that is deleted."""
        recording = await self.stored(recording_id)
        return recording if recording and recording.deleted_at is None else None

    async def stored(self, recording_id: str) -> Recording | None:
        """The recording's document, also that of one whose deletion has not come to its end."""
        found = await self._read(recording_id)
        return from_document(Recording, found) if found else None

    async def get_owned(self, owner_id: str, recording_id: str) -> Recording | None:
        """The caller's own recording; None where there is none or it is somebody else's."""
        recording = await self.get(recording_id)
        return recording if recording and recording.owner_id == owner_id else None

    async def list_owned(
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
        return await self._newest(wanted, limit)  # one of an earlier release has no kind

    async def documents_owned(
        self,
        owner_id: str,
        *,
        limit: int,
        before: str | None = None,
        status: RecordingStatus | None = None,
        project_id: str | None = None,
        title: str | None = None,
    ) -> list[Recording]:
        """The caller's documents, as `list_owned` has recordings."""
        if not any((title, status, project_id)):
            return await self._page(owner_id, RecordingKind.DOCUMENT, before, limit)
        equal = {"status": status, "project_id": project_id, "kind": RecordingKind.DOCUMENT.value}
        return await self._newest(_wanted(owner_id, before, title, equal), limit)

    async def _page(self, owner_id: str, kind: RecordingKind, before: str | None, limit: int) -> list[Recording]:
        """A page of everything of the caller's of that kind."""
        shelf = shelf_of(owner_id, kind)
        below = await self._places.number_of(shelf, before) if before else None
        if before and below is None:  # it is gone, or another's: whatever is older is looked for among all
            kinds = {"$in": [kind.value, None] if kind is RecordingKind.RECORDING else [kind.value]}
            return await self._newest(_wanted(owner_id, before, None, {"kind": kinds}), limit)
        return [from_document(Recording, fields) for fields in await self._places.page(shelf, below, limit)]

    async def all_owned(
        self, owner_id: str, *, limit: int, before: str | None = None, project_id: str | None = None
    ) -> list[Recording]:
        """The caller's recordings and documents, newest first."""
        return await self._newest(_wanted(owner_id, before, None, {"project_id": project_id}), limit)

    async def update_owned(self, owner_id: str, recording_id: str, fields: Fields) -> Recording | None:
        """Sets fields of the caller's own recording; None where there is none."""
        changed = await self._change(recording_id, lambda found: fields if found["owner_id"] == owner_id else None)
        return from_document(Recording, changed) if changed else None

    async def write(self, recording_id: str, stage: str, fence: str, fields: Fields) -> None:
        """Sets what a stage found out. A repeat is harmless. Raises LeaseLost for an old fence or a lost recording."""
        if await self._change(recording_id, lambda found: _fenced(found, stage, fence, fields)) is None:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def add_rendition(self, recording_id: str, stage: str, fence: str, rendition: Rendition) -> None:
        """Adds a rendition in the place of an earlier one of its kind. A repeat is harmless. Raises LeaseLost."""
        added = rendition.model_dump()

        def change(found: Fields) -> Fields | None:
            made = list(found["renditions"])
            place = next((n for n, earlier in enumerate(made) if earlier["kind"] == added["kind"]), len(made))
            made[place : place + 1] = [added]
            return _fenced(found, stage, fence, {"renditions": made})

        if await self._change(recording_id, change) is None:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def follow(self, job: Job, known: Recording | None = None) -> bool:
        """Brings the recording in line with its job, and names it: of several the newest.

        That is its status, and what was accepted of it. `known` is the recording as it was read, to be tried first.
        Whether it is there: one that is deleted is not. A repeat is harmless, and so is an older state.
        """
        failed = job.failure
        if failed is None and job.status is Status.CANCELLED:
            failed = Failure(code="cancelled", detail="The work was cancelled.")
        fields = {
            "job_id": job.id,
            "status": RecordingStatus.LIVE if job.live else _STATUS_OF_JOB[job.status],
            "error": failed.model_dump() if failed and not job.live else None,
        }

        def change(found: Fields) -> Fields:
            accepted = _accepted(job) if found["status"] in WITHOUT_BYTES else {}
            news = _fenced(found, "job", fence_of(job, job.version), {**fields, **accepted})
            if news is None or all(found.get(name) == value for name, value in news.items()):
                return found  # a newer state was faster, or it is written already
            return news

        return await self._change(job.recording_id, change, known=known) is not None

    async def mark_deleted(self, recording: Recording, *, unless_changed: bool = False) -> bool:
        """Takes the recording away from everybody at once: it is unknown from now on, and every write is refused.

        Its document stays until `forget`, so that what belongs to it can still be found. With `unless_changed` only if
        nothing was written since `recording` was read, not even a job noted. Whether it was marked just now; a repeat
        is harmless. Raises OnHold for one that is on hold itself.
        """

        def change(found: Fields) -> Fields | None:
            _expect_free(found)
            marked = {"deleted_at": now()}
            return _unless_touched(found, recording, marked) if unless_changed else marked

        return await self._change(recording.id, change, touch=False) is not None

    async def expire(self, recording: Recording, *, originals: bool, renditions: bool) -> Recording | None:
        """Notes that its original, or the media made of it, has gone by a rule; the objects are to go afterwards.

        Only if nothing was written since it was read, not even a job noted: else None. Raises OnHold for one that is on
        hold itself.
        """

        def change(found: Fields) -> Fields | None:
            _expect_free(found)
            gone: Fields = {"original_expired_at": now()} if originals else {}
            gone |= {"renditions_expired_at": now(), "renditions": [], "thumbnails": []} if renditions else {}
            return _unless_touched(found, recording, gone)

        changed = await self._change(recording.id, change, touch=False)
        return from_document(Recording, changed) if changed else None

    async def expirable(self, before: datetime, matters: Collection[Matter], owners: Sequence[str] | None) -> list[str]:
        """The ids of recordings made before that moment that have come to their end and that something may go of.

        Those of the owners, or of everybody; in any order. Whether something is to go is for a rule to say.
        """
        wanted: Fields = {"created_at": {"$lt": before}, "status": {"$in": _ENDED}, **_ALIVE}
        wanted |= {"owner_id": {"$in": list(owners)}} if owners is not None else {}
        if Matter.EVERYTHING not in matters:
            wanted["$or"] = [_THERE[matter] for matter in matters]
        async with answering(_SCAN_SECONDS):
            return [found["_id"] async for found in self._recordings.find(wanted, {"_id": 1})]

    async def set_hold(self, recording_id: str, hold: Hold | None) -> Recording | None:
        """Puts the recording on hold, or lifts its hold; None where there is none. A repeat is harmless."""
        held = {"hold": hold.model_dump() if hold else None}
        changed = await self._change(recording_id, lambda _: held, touch=False)
        return from_document(Recording, changed) if changed else None

    async def amend(self, recording: Recording, fields: Fields) -> bool:
        """Sets fields of the recording if nobody has written since it was read; whether it did."""
        changed = await self._change(recording.id, lambda found: _unless_written(found, recording, fields))
        return changed is not None

    async def unlist(self, recording: Recording, missing: Sequence[str]) -> bool:
        """Takes renditions and thumbnails of those keys off the lists if nobody has written since; whether it did."""

        def change(found: Fields) -> Fields | None:
            lists = ("renditions", "thumbnails")
            left = {name: [item for item in found[name] if item["key"] not in missing] for name in lists}
            return _unless_written(found, recording, left)

        return await self._change(recording.id, change, touch=False) is not None

    async def _change(
        self, recording_id: str, change: Change, *, touch: bool = True, known: Recording | None = None
    ) -> Fields | None:
        """Reads the document and writes what `change` sets if nobody else has, again until nobody interferes.

        The document afterwards; None where there is none, where it is deleted, and where `change` says no. Nothing is
        written where `change` gives back what it was given. `known` is tried first, without reading.
        """
        found = to_document(known) if known else await self._read(recording_id)
        for _ in range(_CONFLICTS):
            if found is None or found.get("deleted_at") is not None or (news := change(found)) is None:
                return None
            if news is found and not known:
                return found
            if news is found:  # whether it is still so, must be read
                found, known = await self._read(recording_id), None
                continue
            fields = {**news, **({"updated_at": now()} if touch else {}), "revision": found["revision"] + 1}
            if await self._write(_Write(recording_id, found["revision"], fields)):
                return {**found, **fields}
            found = await self._read(recording_id)
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

    async def _write_all(self, writes: list["_Write"]) -> list[bool]:
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

    async def ids(self) -> AsyncIterator[list[str]]:
        """Every recording's id, ascending, a page at a time; those of deletions under way too."""
        async for page in pages(self._recordings):
            yield [found["_id"] for found in page]

    async def many(self, recording_ids: Sequence[str]) -> tuple[dict[str, Recording], list[str]]:
        """Those of the recordings that are there, by id, as `stored` does; and the ids of what cannot be read."""
        async with answering():
            found = self._recordings.find({"_id": {"$in": list(recording_ids)}})
            documents = [fields async for fields in found]
        read: dict[str, Recording] = {}
        for fields in documents:
            with contextlib.suppress(ValidationError):
                read[fields["_id"]] = from_document(Recording, fields)
        return read, [fields["_id"] for fields in documents if fields["_id"] not in read]

    async def present(self, recording_ids: Iterable[str]) -> set[str]:
        """Those of the ids that have a document."""
        return await present(self._recordings, recording_ids)

    async def forget(self, recording: Recording) -> None:
        """Removes the document of a deleted recording: the last thing that a deletion does. A repeat is harmless.

        A trace is left of one that somebody may still have an address for.
        """
        if recording.source is Source.PRESIGNED:
            await self.traces.leave(recording.id, now())
        async with answering():
            await self._recordings.delete_one({"_id": recording.id})

    async def delete_owned(self, owner_id: str, recording_id: str) -> None:
        """Forgets the caller's own recording. Harmless when repeated."""
        async with answering():
            await self._recordings.delete_one({"_id": recording_id, "owner_id": owner_id})

    async def note_job(self, recording: Recording, job_id: str) -> None:
        """Notes a job that is about to be made, so that all jobs are found by their recording. A repeat is harmless."""

        def change(found: Fields) -> Fields:
            noted = dict.fromkeys((*found.get("job_ids", ()), recording.job_id, job_id))
            return {"job_ids": list(noted)}

        await self._change(recording.id, change, touch=False)

    async def stored_in(self, owner_id: str, project_id: str, *, before: str, limit: int) -> list[Recording]:
        """The caller's recordings of the project, also those whose deletion has not come to its end; newest first."""
        wanted = {"owner_id": owner_id, "project_id": project_id, "_id": {"$lt": before}}
        return await self._newest(wanted, limit)

    async def stored_of(self, owner_id: str, *, before: str, limit: int) -> list[Recording]:
        """The caller's recordings, also those whose deletion has not come to its end; newest first."""
        return await self._newest({"owner_id": owner_id, "_id": {"$lt": before}}, limit)

    async def held_in(self, owner_id: str, project_id: str | None = None) -> str | None:
        """The id of a recording of the owner's, or of the project, that is on hold itself; None where there is none."""
        wanted: Fields = {"owner_id": owner_id, "hold.at": {"$exists": True}}
        wanted |= {"project_id": project_id} if project_id else {}
        async with answering():
            found = await self._recordings.find_one(wanted)
        return found["_id"] if found else None

    async def _newest(self, wanted: Fields, limit: int) -> list[Recording]:
        async with answering():
            ids = await newest(self._recordings, wanted, limit)
            found = self._recordings.find({"_id": {"$in": ids}})
            recordings = [from_document(Recording, fields) async for fields in found]
        return sorted(recordings, key=lambda recording: recording.id, reverse=True)

    async def usage(self, owner_id: str, project_id: str | None = None) -> Usage:
        """What the caller's recordings take up, in one project or in all; as their documents say."""
        wanted: dict[str, Any] = {"owner_id": owner_id, **_ALIVE}
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

    async def _summed(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with answering():
            return [found async for found in self._recordings.aggregate(stages)]
