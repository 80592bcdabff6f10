"""Recordings in MongoDB: collection `recordings`, one document each.

A stage writes what it made of a recording with its fence, "job's rank/number of the claim": fences sort by job (a later
one is newer, and one that was set going again) and then by claim. A write with a fence lower than one that has written
before is refused, so a worker that was taken for dead cannot overwrite its successor's work. The job's own state is
written in the same way, with the job's version. Indexes: id and revision, place (see stores/places), and where the
server has them owner and id (filtered lists), project and id.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence

from pydantic import ValidationError

from schemas.holds import Hold
from schemas.jobs import Failure, Job, Status
from schemas.media import Rendition
from schemas.recordings import Recording, RecordingStatus, Source
from schemas.time import now
from stores.documents import Database, from_document
from stores.errors import Duplicate, LeaseLost, OnHold, answering, in_time
from stores.places import Places
from stores.recordings.collection import Collection, Fields
from stores.recordings.lists import WITHOUT_BYTES, Lists
from stores.scan import pages, present
from stores.traces import Traces

_STATUS_OF_JOB = {
    Status.QUEUED: RecordingStatus.PROCESSING,
    Status.RUNNING: RecordingStatus.PROCESSING,
    Status.COMPLETED: RecordingStatus.COMPLETED,
    Status.FAILED: RecordingStatus.FAILED,
    Status.CANCELLED: RecordingStatus.FAILED,
}


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


def _expect_free(fields: Fields) -> None:
    if hold := fields.get("hold"):
        raise OnHold(f"It is on hold: {hold['reason']}")


class Recordings:
    """The repository of recordings. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._recordings = database["recordings"]
        self._places = Places(database)
        self._collection = Collection(database, self._places)
        self.lists = Lists(database, self._places)
        self.traces = Traces(database)

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
        if not await self._collection.insert(recording):
            raise Duplicate(recording.id)

    async def get(self, recording_id: str) -> Recording | None:
        """The recording, whoever owns it; for the pipeline, never for a request. None for one that is deleted."""
        recording = await self.stored(recording_id)
        return recording if recording and recording.deleted_at is None else None

    async def stored(self, recording_id: str) -> Recording | None:
        """The recording's document, also that of one whose deletion has not come to its end."""
        found = await self._collection.read(recording_id)
        return from_document(Recording, found) if found else None

    async def get_owned(self, owner_id: str, recording_id: str) -> Recording | None:
        """The caller's own recording; None where there is none or it is somebody else's."""
        recording = await self.get(recording_id)
        return recording if recording and recording.owner_id == owner_id else None

    async def update_owned(self, owner_id: str, recording_id: str, fields: Fields) -> Recording | None:
        """Sets fields of the caller's own recording; None where there is none."""
        changed = await self._collection.change(
            recording_id, lambda found: fields if found["owner_id"] == owner_id else None
        )
        return from_document(Recording, changed) if changed else None

    async def write(self, recording_id: str, stage: str, fence: str, fields: Fields) -> None:
        """Sets what a stage found out. A repeat is harmless. Raises LeaseLost for an old fence or a lost recording."""
        if await self._collection.change(recording_id, lambda found: _fenced(found, stage, fence, fields)) is None:
            raise LeaseLost(f"recording {recording_id} has a newer writer than {fence}, or is gone")

    async def add_rendition(self, recording_id: str, stage: str, fence: str, rendition: Rendition) -> None:
        """Adds a rendition in the place of an earlier one of its kind. A repeat is harmless. Raises LeaseLost."""
        added = rendition.model_dump()

        def change(found: Fields) -> Fields | None:
            made = list(found["renditions"])
            place = next((n for n, earlier in enumerate(made) if earlier["kind"] == added["kind"]), len(made))
            made[place : place + 1] = [added]
            return _fenced(found, stage, fence, {"renditions": made})

        if await self._collection.change(recording_id, change) is None:
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

        return await self._collection.change(job.recording_id, change, known=known) is not None

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

        return await self._collection.change(recording.id, change, touch=False) is not None

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

        changed = await self._collection.change(recording.id, change, touch=False)
        return from_document(Recording, changed) if changed else None

    async def set_hold(self, recording_id: str, hold: Hold | None) -> Recording | None:
        """Puts the recording on hold, or lifts its hold; None where there is none. A repeat is harmless."""
        held = {"hold": hold.model_dump() if hold else None}
        changed = await self._collection.change(recording_id, lambda _: held, touch=False)
        return from_document(Recording, changed) if changed else None

    async def reopen(self, recording: Recording, job_id: str) -> Recording | None:
        """The recording awaits its upload again, under a job of its own; the one before stays among its jobs.

        Changes nothing, and gives None, if anything was written since it was read, even a job noted.
        """

        def change(found: Fields) -> Fields | None:
            awaiting: Fields = {"status": RecordingStatus.AWAITING_UPLOAD.value, "size_bytes": 0, "error": None}
            awaiting |= {"etag": None, "content_type": None, "job_id": job_id}
            awaiting["job_ids"] = list(dict.fromkeys((*found.get("job_ids", ()), found["job_id"])))
            awaiting["fences"] = {**found.get("fences", {}), "job": f"{job_id}/{0:08d}"}  # the one before is old now
            return _unless_touched(found, recording, awaiting)

        changed = await self._collection.change(recording.id, change)
        return from_document(Recording, changed) if changed else None

    async def amend(self, recording: Recording, fields: Fields) -> bool:
        """Sets fields of the recording if nobody has written since it was read; whether it did."""
        changed = await self._collection.change(recording.id, lambda found: _unless_written(found, recording, fields))
        return changed is not None

    async def unlist(self, recording: Recording, missing: Sequence[str]) -> bool:
        """Takes renditions and thumbnails of those keys off the lists if nobody has written since; whether it did."""

        def change(found: Fields) -> Fields | None:
            lists = ("renditions", "thumbnails")
            left = {name: [item for item in found[name] if item["key"] not in missing] for name in lists}
            return _unless_written(found, recording, left)

        return await self._collection.change(recording.id, change, touch=False) is not None

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

        await self._collection.change(recording.id, change, touch=False)
