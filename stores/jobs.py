"""Jobs in MongoDB: collection `jobs`, one document a job, its steps inside.

Every change is one replacement of the document, made only if its revision is still the one that was read; so each
revision is one whole state, and two writers never mix. The version, which watchers see, grows only when what they see
has changed. Indexes: owner and id (lists), sweep_at (the sweeper), recording.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from schemas.jobs import Job, view
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, LeaseLost, StoreUnavailable, translated

T = TypeVar("T")

_CONFLICTS = 50


class Jobs:
    """The repository of jobs. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        with translated():
            await self._jobs.create_index([("owner_id", 1), ("_id", -1)])
            await self._jobs.create_index("recording_id")
            await self._jobs.create_index("sweep_at", sparse=True)

    async def create(self, job: Job) -> Job:
        """Stores a new job, or returns the one that is there under the same id: a repeat is harmless."""
        try:
            with translated():
                await self._jobs.insert_one(to_document(job))
        except Duplicate:
            return await self.get(job.id) or job
        return job

    async def get(self, job_id: str) -> Job | None:
        """The job, whoever owns it; None where there is none."""
        with translated():
            found = await self._jobs.find_one({"_id": job_id})
        return from_document(Job, found) if found else None

    async def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that are there, in any order, whoever owns them."""
        with translated():
            found = self._jobs.find({"_id": {"$in": list(job_ids)}})
            return [from_document(Job, fields) async for fields in found]

    async def get_owned(self, owner_id: str, job_id: str) -> Job | None:
        """The caller's own job; None where there is none or it is somebody else's."""
        job = await self.get(job_id)
        return job if job and job.owner_id == owner_id else None

    async def change(self, job_id: str, transition: Callable[[Job], T], known: Job | None = None) -> tuple[Job, T]:
        """Applies a transition of stores/lifecycle and writes the result, again and again until nobody interferes.

        `known` is the state to try first, without reading. Raises what the transition raises; LeaseLost when the job
        is gone.
        """
        job = known.model_copy(deep=True) if known else await self.get(job_id)
        for _ in range(_CONFLICTS):
            if job is None:
                raise LeaseLost(f"job {job_id} is gone")
            before = _shown(job)
            outcome = transition(job)
            job.version += _shown(job) != before
            if await self._replace(job):
                return job, outcome
            job = await self.get(job_id)
        raise StoreUnavailable("document store", f"job {job_id} changes too fast")

    async def _replace(self, job: Job) -> bool:
        read = {"_id": job.id, "revision": job.revision}
        job.revision += 1
        with translated():
            result = await self._jobs.replace_one(read, to_document(job))
        return bool(result.matched_count)

    async def due(self, at: datetime, limit: int) -> list[str]:
        """The ids of jobs that the sweeper should look at: up to `limit`, the longest due first."""
        with translated():
            found = self._jobs.find({"sweep_at": {"$lte": at}}, {"_id": 1}).sort("sweep_at", 1).limit(limit)
            return [fields["_id"] async for fields in found]

    async def delete(self, job_id: str) -> None:
        """Forgets the job. Harmless when repeated."""
        with translated():
            await self._jobs.delete_one({"_id": job_id})


def _shown(job: Job) -> str:
    return view(job).model_dump_json(exclude={"version"})
