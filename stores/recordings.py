"""Recordings in MongoDB: collection `recordings`, one document each.

A stage writes what it made of a recording with its fence, "job id/number of the claim": fences sort by job and then by
claim, a write with a fence lower than one that has written before is refused, so a worker that was taken for dead
cannot overwrite its successor's work. The job's own state is written in the same way, with the job's version. Indexes:
owner and id (lists), project and id.
"""

import contextlib
import re
from typing import Any

from schemas.jobs import Failure, Job, Status
from schemas.media import Rendition
from schemas.recordings import Recording, RecordingStatus
from schemas.time import now
from stores.documents import Database, from_document, to_document
from stores.errors import LeaseLost, translated

_STATUS_OF_JOB = {
    Status.QUEUED: RecordingStatus.PROCESSING,
    Status.RUNNING: RecordingStatus.PROCESSING,
    Status.COMPLETED: RecordingStatus.COMPLETED,
    Status.FAILED: RecordingStatus.FAILED,
    Status.CANCELLED: RecordingStatus.FAILED,
}


def fence_of(job_id: str, fence: int) -> str:
    """The fence as documents keep it: a newer job's is higher, and within a job a later claim's."""
    return f"{job_id}/{fence:08d}"


class Recordings:
    """The repository of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        with translated():
            await self._recordings.create_index([("owner_id", 1), ("_id", -1)])
            await self._recordings.create_index([("owner_id", 1), ("project_id", 1), ("_id", -1)])

    async def create(self, recording: Recording) -> None:
        """Stores a new recording. Raises Duplicate."""
        with translated():
            await self._recordings.insert_one(to_document(recording))

    async def get(self, recording_id: str) -> Recording | None:
        """The recording, whoever owns it; for the pipeline, never for a request."""
        with translated():
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
        wanted: dict[str, Any] = {"owner_id": owner_id}
        wanted |= {"_id": {"$lt": before}} if before else {}
        wanted |= {"status": status} if status else {}
        wanted |= {"project_id": project_id} if project_id else {}
        wanted |= {"title": {"$regex": re.escape(title), "$options": "i"}} if title else {}
        with translated():
            found = self._recordings.find(wanted).sort("_id", -1).limit(limit)
            return [from_document(Recording, fields) async for fields in found]

    async def update_owned(self, owner_id: str, recording_id: str, fields: dict[str, Any]) -> Recording | None:
        """Sets fields of the caller's own recording; None where there is none."""
        with translated():
            result = await self._recordings.update_one(
                {"_id": recording_id, "owner_id": owner_id}, {"$set": {**fields, "updated_at": now()}}
            )
        return await self.get(recording_id) if result.matched_count else None

    async def write(self, recording_id: str, stage: str, fence: str, fields: dict[str, Any]) -> None:
        """Sets what a stage found out. A repeat is harmless. Raises LeaseLost for an old fence or a lost recording."""
        mark = f"fences.{stage}"
        newest = {"$or": [{mark: {"$exists": False}}, {mark: {"$lte": fence}}]}
        with translated():
            result = await self._recordings.update_one(
                {"_id": recording_id, **newest}, {"$set": {**fields, mark: fence, "updated_at": now()}}
            )
        if not result.matched_count:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def add_rendition(self, recording_id: str, stage: str, fence: str, rendition: Rendition) -> None:
        """Adds a rendition in the place of an earlier one of its kind. A repeat is harmless. Raises LeaseLost."""
        await self.write(recording_id, stage, fence, {})
        mine = {"_id": recording_id, f"fences.{stage}": fence}
        fields = rendition.model_dump()
        with translated():
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
        """Brings the recording's status in line with its job. A repeat is harmless, and so is an older state."""
        failed = next((step.error for step in job.steps if step.status is Status.FAILED and step.error), None)
        if failed is None and job.status is Status.CANCELLED:
            failed = Failure(code="cancelled", detail="The work was cancelled.")
        fields = {"status": _STATUS_OF_JOB[job.status], "error": failed.model_dump() if failed else None}
        with contextlib.suppress(LeaseLost):  # a newer state was faster, or the recording is gone
            await self.write(job.recording_id, "job", fence_of(job.id, job.version), fields)

    async def delete_owned(self, owner_id: str, recording_id: str) -> None:
        """Forgets the caller's own recording. Harmless when repeated."""
        with translated():
            await self._recordings.delete_one({"_id": recording_id, "owner_id": owner_id})
