"""Recordings in MongoDB: collection `recordings`, one document each.

A stage writes what it made of a recording with its fence, "job's rank/number of the claim": fences sort by job (a later
one is newer, and one that was set going again) and then by claim. A write with a fence lower than one that has written
before is refused, so a worker that was taken for dead cannot overwrite its successor's work. The job's own state is
written in the same way, with the job's version. Indexes: owner and id (lists), project and id.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.holds import Hold
from schemas.jobs import Failure, Job, Status
from schemas.media import Rendition, RenditionKind
from schemas.recordings import Recording, RecordingKind, RecordingStatus
from schemas.retention import Matter
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import LeaseLost, OnHold, StoreUnavailable, answering, in_time
from stores.scan import newest, pages, present

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
_WITHOUT_BYTES = (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE)


class Usage(NamedTuple):
    """What recordings take up, in bytes: the uploads that are there, and what was made of them by kind."""

    by_status: dict[RecordingStatus, int]
    originals_bytes: int
    by_rendition: dict[RenditionKind, int]


Fields = dict[str, Any]
Change = Callable[[Fields], bool]


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


def _newest(fields: Fields, stage: str, fence: str) -> bool:
    """Whether no higher fence of the stage has written; then this one is noted."""
    fences = fields.setdefault("fences", {})
    if fences.get(stage, fence) > fence:
        return False
    fences[stage] = fence
    return True


def _same(fields: Fields, recording: Recording) -> bool:
    """Whether nobody has written since the recording was read."""
    return bool(fields["updated_at"] == recording.updated_at)


def _expect_free(fields: Fields) -> None:
    if hold := fields.get("hold"):
        raise OnHold(f"It is on hold: {hold['reason']}")


class Recordings:
    """The repository of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._recordings.create_index([("_id", 1), ("revision", 1)], unique=True)
            await self._recordings.update_many({"revision": {"$exists": False}}, {"$set": {"revision": 1}})
            await self._recordings.create_index([("owner_id", 1), ("_id", -1)])
            await self._recordings.create_index([("owner_id", 1), ("project_id", 1), ("_id", -1)])

    async def create(self, recording: Recording) -> None:
        """Stores a new recording. Raises Duplicate."""
        async with answering():
            await self._recordings.insert_one(to_document(recording))

    async def get(self, recording_id: str) -> Recording | None:
        """The recording, whoever owns it; for the pipeline, never for a request. None for one that is deleted."""
        recording = await self.stored(recording_id)
        return recording if recording and recording.deleted_at is None else None

    async def stored(self, recording_id: str) -> Recording | None:
        """The recording's document, also that of one whose deletion has not come to its end."""
        async with answering():
            found = await self._recordings.find_one({"_id": recording_id})
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

        `title` is a part of the title, in any case.
        """
        equal = {"status": status, "project_id": project_id, "section_id": section_id, "tags": tag}
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
        equal = {"status": status, "project_id": project_id, "kind": RecordingKind.DOCUMENT.value}
        return await self._newest(_wanted(owner_id, before, title, equal), limit)

    async def all_owned(
        self, owner_id: str, *, limit: int, before: str | None = None, project_id: str | None = None
    ) -> list[Recording]:
        """The caller's recordings and documents, newest first."""
        return await self._newest(_wanted(owner_id, before, None, {"project_id": project_id}), limit)

    async def update_owned(self, owner_id: str, recording_id: str, fields: Fields) -> Recording | None:
        """Sets fields of the caller's own recording; None where there is none."""

        def change(found: Fields) -> bool:
            found.update(fields)
            return bool(found["owner_id"] == owner_id)

        changed = await self._change(recording_id, change)
        return from_document(Recording, changed) if changed else None

    async def write(self, recording_id: str, stage: str, fence: str, fields: Fields) -> None:
        """Sets what a stage found out. A repeat is harmless. Raises LeaseLost for an old fence or a lost recording."""

        def change(found: Fields) -> bool:
            found.update(fields)
            return _newest(found, stage, fence)

        if await self._change(recording_id, change) is None:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def add_rendition(self, recording_id: str, stage: str, fence: str, rendition: Rendition) -> None:
        """Adds a rendition in the place of an earlier one of its kind. A repeat is harmless. Raises LeaseLost."""
        added = rendition.model_dump()

        def change(found: Fields) -> bool:
            made = found["renditions"]
            place = next((n for n, earlier in enumerate(made) if earlier["kind"] == added["kind"]), len(made))
            made[place : place + 1] = [added]
            return _newest(found, stage, fence)

        if await self._change(recording_id, change) is None:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def follow(self, job: Job) -> None:
        """Brings the recording's status in line with its job, and names it: of several the newest.

        A repeat is harmless, and so is an older state.
        """
        failed = next((step.error for step in job.steps if step.status is Status.FAILED and step.error), None)
        if failed is None and job.status is Status.CANCELLED:
            failed = Failure(code="cancelled", detail="The work was cancelled.")
        fields = {
            "job_id": job.id,
            "status": _STATUS_OF_JOB[job.status],
            "error": failed.model_dump() if failed else None,
        }
        with contextlib.suppress(LeaseLost):  # a newer state was faster, or the recording is gone
            await self.write(job.recording_id, "job", fence_of(job, job.version), fields)

    async def mark_deleted(self, recording: Recording, *, unless_changed: bool = False) -> bool:
        """Takes the recording away from everybody at once: it is unknown from now on, and every write is refused.

        Its document stays until `forget`, so that what belongs to it can still be found. With `unless_changed` only if
        nobody has written since `recording` was read. Whether it was marked just now; a repeat is harmless. Raises
        OnHold for one that is on hold itself.
        """

        def change(found: Fields) -> bool:
            _expect_free(found)
            found["deleted_at"] = now()
            return not unless_changed or _same(found, recording)

        return await self._change(recording.id, change, touch=False) is not None

    async def expire(self, recording: Recording, *, originals: bool, renditions: bool) -> Recording | None:
        """Notes that its original, or the media made of it, has gone by a rule; the objects are to go afterwards.

        Only if nobody has written since it was read: else None. Raises OnHold for one that is on hold itself.
        """

        def change(found: Fields) -> bool:
            _expect_free(found)
            found.update({"original_expired_at": now()} if originals else {})
            found.update({"renditions_expired_at": now(), "renditions": [], "thumbnails": []} if renditions else {})
            return _same(found, recording)

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

        def change(found: Fields) -> bool:
            found["hold"] = hold.model_dump() if hold else None
            return True

        changed = await self._change(recording_id, change, touch=False)
        return from_document(Recording, changed) if changed else None

    async def amend(self, recording: Recording, fields: Fields) -> bool:
        """Sets fields of the recording if nobody has written since it was read; whether it did."""

        def change(found: Fields) -> bool:
            found.update(fields)
            return _same(found, recording)

        return await self._change(recording.id, change) is not None

    async def unlist(self, recording: Recording, missing: Sequence[str]) -> bool:
        """Takes renditions and thumbnails of those keys off the lists if nobody has written since; whether it did."""

        def change(found: Fields) -> bool:
            for listed in ("renditions", "thumbnails"):
                found[listed] = [item for item in found[listed] if item["key"] not in missing]
            return _same(found, recording)

        return await self._change(recording.id, change, touch=False) is not None

    async def _change(self, recording_id: str, change: Change, *, touch: bool = True) -> Fields | None:
        """Reads the document, changes it and writes it if nobody else has, again until nobody interferes.

        None where there is none, where it is deleted, and where `change` says no.
        """
        for _ in range(_CONFLICTS):
            async with answering():
                found = await self._recordings.find_one({"_id": recording_id})
            if found is None or found.get("deleted_at") is not None or not change(found):
                return None
            read = {"_id": recording_id, "revision": found["revision"]}
            found["revision"] += 1
            found |= {"updated_at": now()} if touch else {}
            async with answering():
                result = await self._recordings.replace_one(read, found)
            if result.matched_count:
                return found
        raise StoreUnavailable("document store", f"recording {recording_id} changes too fast")

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

    async def forget(self, recording_id: str) -> None:
        """Removes the document of a deleted recording: the last thing that a deletion does. A repeat is harmless."""
        async with answering():
            await self._recordings.delete_one({"_id": recording_id})

    async def delete_owned(self, owner_id: str, recording_id: str) -> None:
        """Forgets the caller's own recording. Harmless when repeated."""
        async with answering():
            await self._recordings.delete_one({"_id": recording_id, "owner_id": owner_id})

    async def note_job(self, recording: Recording, job_id: str) -> None:
        """Notes a job that is about to be made, so that all jobs are found by their recording. A repeat is harmless."""

        def change(found: Fields) -> bool:
            noted = found.setdefault("job_ids", [])
            noted.extend(new for new in (recording.job_id, job_id) if new not in noted)
            return True

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
            originals_bytes=sum(found["size_bytes"] for found in states if found["_id"] not in _WITHOUT_BYTES)
            - sum(found["size"] for found in gone),
            by_rendition={RenditionKind(found["_id"]): found["size_bytes"] for found in kinds},
        )

    async def _summed(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with answering():
            return [found async for found in self._recordings.aggregate(stages)]
