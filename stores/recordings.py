"""Recordings in MongoDB: collection `recordings`, one document each.

A stage writes what it made of a recording with its fence, "job id/number of the claim": fences sort by job and then by
claim, a write with a fence lower than one that has written before is refused, so a worker that was taken for dead
cannot overwrite its successor's work. The job's own state is written in the same way, with the job's version. Indexes:
owner and id (lists), project and id.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pymongo import UpdateOne

from schemas.jobs import Failure, Job, Status
from schemas.media import Rendition, RenditionKind
from schemas.recordings import Recording, RecordingStatus
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import LeaseLost, answering, in_time
from stores.grouping import Grouped
from stores.scan import newest, pages

_STATUS_OF_JOB = {
    Status.QUEUED: RecordingStatus.PROCESSING,
    Status.RUNNING: RecordingStatus.PROCESSING,
    Status.COMPLETED: RecordingStatus.COMPLETED,
    Status.FAILED: RecordingStatus.FAILED,
    Status.CANCELLED: RecordingStatus.FAILED,
}

_ALIVE = {"deleted_at": None}
"""In the filter of every write: a deleted recording takes no more of them, whatever their fence."""

_WITHOUT_BYTES = (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE)


class Usage(NamedTuple):
    """What recordings take up, in bytes: the uploads that are there, and what was made of them by kind."""

    by_status: dict[RecordingStatus, int]
    originals_bytes: int
    by_rendition: dict[RenditionKind, int]


def fence_of(job_id: str, fence: int) -> str:
    """The fence as documents keep it: a newer job's is higher, and within a job a later claim's."""
    return f"{job_id}/{fence:08d}"


def _fenced(recording_id: str, stage: str, fence: str, fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Filter and update of a write that is refused when a higher fence of the stage has written."""
    mark = f"fences.{stage}"
    newest = {"$or": [{mark: {"$exists": False}}, {mark: {"$lte": fence}}]}
    return {"_id": recording_id, **_ALIVE, **newest}, {"$set": {**fields, mark: fence, "updated_at": now()}}


class Recordings:
    """The repository of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]
        self._follow: Grouped[UpdateOne, None] = Grouped(self._follow_all)

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
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
    ) -> list[Recording]:
        """The caller's recordings, newest first, at most `limit`, those older than the id `before`.

        `title` is a part of the title, in any case.
        """
        wanted: dict[str, Any] = {"owner_id": owner_id, **_ALIVE}
        wanted |= {"_id": {"$lt": before}} if before else {}
        wanted |= {"status": status} if status else {}
        wanted |= {"project_id": project_id} if project_id else {}
        wanted |= {"title": {"$regex": re.escape(title), "$options": "i"}} if title else {}
        async with answering():
            ids = await newest(self._recordings, wanted, limit)
            found = self._recordings.find({"_id": {"$in": ids}})
            recordings = [from_document(Recording, fields) async for fields in found]
        return sorted(recordings, key=lambda recording: recording.id, reverse=True)

    async def update_owned(self, owner_id: str, recording_id: str, fields: dict[str, Any]) -> Recording | None:
        """Sets fields of the caller's own recording; None where there is none."""
        async with answering():
            result = await self._recordings.update_one(
                {"_id": recording_id, "owner_id": owner_id, **_ALIVE}, {"$set": {**fields, "updated_at": now()}}
            )
        return await self.get(recording_id) if result.matched_count else None

    async def write(self, recording_id: str, stage: str, fence: str, fields: dict[str, Any]) -> None:
        """Sets what a stage found out. A repeat is harmless. Raises LeaseLost for an old fence or a lost recording."""
        async with answering():
            result = await self._recordings.update_one(*_fenced(recording_id, stage, fence, fields))
        if not result.matched_count:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def add_rendition(self, recording_id: str, stage: str, fence: str, rendition: Rendition) -> None:
        """Adds a rendition in the place of an earlier one of its kind. A repeat is harmless. Raises LeaseLost."""
        await self.write(recording_id, stage, fence, {})
        mine = {"_id": recording_id, **_ALIVE, f"fences.{stage}": fence}
        fields = rendition.model_dump()
        async with answering():
            replaced = await self._recordings.update_one(
                {**mine, "renditions.kind": rendition.kind}, {"$set": {"renditions.$": fields}}
            )
            if replaced.matched_count:
                return
            added = await self._recordings.update_one(
                {**mine, "renditions.kind": {"$ne": rendition.kind}}, {"$push": {"renditions": fields}}
            )
        if not added.matched_count:
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
        wanted, update = _fenced(job.recording_id, "job", fence_of(job.id, job.version), fields)
        await self._follow(UpdateOne(wanted, update))  # of no effect when a newer state was faster, or it is gone

    async def _follow_all(self, updates: list[UpdateOne]) -> list[None]:
        async with answering():
            await self._recordings.bulk_write(updates, ordered=False)
        return [None] * len(updates)

    async def mark_deleted(self, recording: Recording, *, unless_changed: bool = False) -> bool:
        """Takes the recording away from everybody at once: it is unknown from now on, and every write is refused.

        Its document stays until `forget`, so that what belongs to it can still be found. With `unless_changed` only if
        nobody has written since `recording` was read. Whether it was marked just now; a repeat is harmless.
        """
        same = {"updated_at": recording.updated_at} if unless_changed else {}
        return await self._update(recording.id, same, {"$set": {"deleted_at": now()}})

    async def amend(self, recording: Recording, fields: dict[str, Any]) -> bool:
        """Sets fields of the recording if nobody has written since it was read; whether it did."""
        same = {"updated_at": recording.updated_at}
        return await self._update(recording.id, same, {"$set": {**fields, "updated_at": now()}})

    async def unlist(self, recording: Recording, missing: Sequence[str]) -> bool:
        """Takes renditions and thumbnails of those keys off the lists if nobody has written since; whether it did."""
        listed = {"key": {"$in": list(missing)}}
        same = {"updated_at": recording.updated_at}
        return await self._update(recording.id, same, {"$pull": {"renditions": listed, "thumbnails": listed}})

    async def _update(self, recording_id: str, same: dict[str, Any], update: dict[str, Any]) -> bool:
        async with answering():
            result = await self._recordings.update_one({"_id": recording_id, **same, **_ALIVE}, update)
        return bool(result.matched_count)

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
        async with answering():
            found = self._recordings.find({"_id": {"$in": list(recording_ids)}}, {"_id": 1})
            return {fields["_id"] async for fields in found}

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
        noted = {"$addToSet": {"job_ids": {"$each": [recording.job_id, job_id]}}}
        async with answering():
            await self._recordings.update_one({"_id": recording.id}, noted)

    async def stored_in(self, owner_id: str, project_id: str, *, before: str, limit: int) -> list[Recording]:
        """The caller's recordings of the project, also those whose deletion has not come to its end; newest first."""
        wanted = {"owner_id": owner_id, "project_id": project_id, "_id": {"$lt": before}}
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
        states = await self._summed([{"$match": wanted}, {"$group": by_status}])
        kinds = await self._summed([{"$match": wanted}, {"$unwind": "$renditions"}, {"$group": by_kind}])
        return Usage(
            by_status={RecordingStatus(found["_id"]): found["recordings"] for found in states},
            originals_bytes=sum(found["size_bytes"] for found in states if found["_id"] not in _WITHOUT_BYTES),
            by_rendition={RenditionKind(found["_id"]): found["size_bytes"] for found in kinds},
        )

    async def _summed(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with answering():
            return [found async for found in self._recordings.aggregate(stages)]
