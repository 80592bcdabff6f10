"""Jobs in MongoDB: collection `jobs`, one document a job, its steps inside.

Every change is one replacement of the document, made only if its revision is still the one that was read; so each
revision is one whole state, and two writers never mix. The version, which watchers see, grows only when what they see
has changed. Changes and reads that arrive together go together (stores/grouping), which is what lets a server that
commits once a command keep up.

Layout: `_id`, and `state`, an array of one: the job, each of its facts as text, its steps as one text (JSON) without
what is as in a new one; every field costs on its way. A change asks for the document by its `_id` alone and names the
revision in an array filter, since the embedded server finds by `_id` at once and looks through everything for more.
Indexes, where the server has them: owner and id (lists), recording, what has not ended.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from pymongo import UpdateOne

from schemas.jobs import Job, Status, Step
from schemas.time import after
from stores.alarms import Alarms, Look
from stores.documents import Database, from_document, to_document
from stores.errors import ANSWER_SECONDS, LeaseLost, StoreUnavailable, answering, in_time
from stores.grouping import Grouped
from stores.scan import newest, pages, present
from stores.swaps import Swaps, inserted

T = TypeVar("T")
Fields = dict[str, Any]

_CONFLICTS = 50
_TOGETHER = 200
_WRITTEN_SECONDS = 3 * ANSWER_SECONDS
"""When what is being written now is there, or will not be: it waits for alarm, group and server."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEW_STEP = Step(name="").model_dump()
_ALWAYS_TOLD = frozenset({"name", "status", "attempt", "fence"})
_LIST_SECONDS = 10.0
"""Lists and counts may look through everything, where there are no indexes."""


@dataclass(frozen=True)
class Debt:
    """What a job owes: facts by their ids, and the news of its version."""

    revision: int
    version: int
    outbox: tuple[str, ...]
    announce: bool


class Jobs:
    """The repository of jobs. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._jobs = database["jobs"]
        self.alarms = Alarms(database)
        self._read: Grouped[str, Job | None] = Grouped(self._read_all)
        self._insert: Grouped[Job, bool] = Grouped(self._insert_all)
        self._replace: Grouped[Job, bool] = Grouped(self._replace_all)
        self._swaps = Swaps(self._jobs, "state.stamp", _mark)

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._jobs.create_index([("state.owner_id", 1), ("_id", -1)])
            await self._jobs.create_index([("state.open", 1), ("state.owner_id", 1)], sparse=True)
        await self.alarms.prepare()

    async def create(self, job: Job) -> Job:
        """Stores a new job, or returns the one that is there under the same id: a repeat is harmless."""
        new = await self._insert(job)
        return job if new else await self.get(job.id) or job

    async def get(self, job_id: str) -> Job | None:
        """The job, whoever owns it; None where there is none. Raises ValidationError for one that cannot be read."""
        return await self._read(job_id)

    async def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Those of the jobs that are there and can be read, in any order, whoever owns them.

        However many they are: each `_TOGETHER` of them have the time of one small operation.
        """
        found: list[Job | Exception | None] = []
        for together in _groups(job_ids):
            found += await self._read_all(together)
        return [job for job in found if isinstance(job, Job)]

    async def next_looks(self, job_ids: Sequence[str]) -> dict[str, datetime | None]:
        """When the sweeper is to look at each of the jobs that are there; one that cannot be read it is to look at now.

        Much cheaper than the jobs themselves, and most looks find nothing to do.
        """
        return {fields["_id"]: _next_look(fields) async for fields in self._parts_of(job_ids, "sweep_at")}

    async def versions(self, job_ids: Sequence[str]) -> dict[str, int]:
        """The version of each of the jobs that are there: much cheaper than the jobs themselves."""
        return {fields["_id"]: _version(fields) async for fields in self._parts_of(job_ids, "version")}

    async def debts(self, job_ids: Sequence[str]) -> dict[str, Debt]:
        """What each of the jobs owes that are there and can be read: much cheaper than the jobs themselves."""
        found = self._parts_of(job_ids, "revision", "version", "outbox", "announce")
        debts = {fields["_id"]: _debt(fields) async for fields in found}
        return {job_id: debt for job_id, debt in debts.items() if debt is not None}

    async def _parts_of(self, job_ids: Sequence[str], *names: str) -> AsyncIterator[Fields]:
        for together in _groups(job_ids):
            wanted, parts = {"_id": {"$in": together}}, {f"state.{name}": 1 for name in names}
            async with answering():
                found = await self._jobs.find(wanted, parts).to_list(_TOGETHER)
            for fields in found:
                yield fields

    async def get_owned(self, owner_id: str, job_id: str) -> Job | None:
        """The caller's own job; None where there is none or it is somebody else's."""
        job = await self.get(job_id)
        return job if job and job.owner_id == owner_id else None

    async def list_owned(
        self,
        owner_id: str,
        *,
        limit: int,
        before: str | None = None,
        project_id: str | None = None,
        statuses: Sequence[Status] = (),
    ) -> list[Job]:
        """The caller's jobs, newest first, at most `limit`, those older than the id `before`."""
        wanted: Fields = {"state.owner_id": owner_id}
        wanted |= {"_id": {"$lt": before}} if before else {}
        wanted |= {"state.project_id": project_id} if project_id else {}
        wanted |= {"state.status": {"$in": [str(status) for status in statuses]}} if statuses else {}
        async with self._looking_through():
            found = await self.get_many(await newest(self._jobs, wanted, limit))
        return sorted(found, key=lambda job: job.id, reverse=True)

    async def open_by_owner(self) -> dict[str, int]:
        """How many jobs have not ended, by owner."""
        by_owner: Fields = {"_id": "$state.owner_id", "jobs": {"$sum": 1}}  # an array of one, as `state` is
        groups: list[Fields] = [{"$match": {"state.open": True}}, {"$group": by_owner}]
        async with self._looking_through():
            return {found["_id"][0]: found["jobs"] async for found in self._jobs.aggregate(groups)}

    @asynccontextmanager
    async def _looking_through(self) -> AsyncIterator[None]:
        """Around what may take long: whether the server is there at all is found out by a small question first."""
        await self.get("")
        async with answering(_LIST_SECONDS):
            yield

    async def change(self, job_id: str, transition: Callable[[Job], T], known: Job | None = None) -> tuple[Job, T]:
        """Applies a transition of stores/lifecycle and writes the result, again and again until nobody interferes.

        `known` is the state to try first, without reading. Raises what the transition raises; LeaseLost when the job
        is gone.
        """
        job = _fork(known) if known else await self.get(job_id)
        for _ in range(_CONFLICTS):
            if job is None:
                raise LeaseLost(f"job {job_id} is gone")
            shown, looked_at = _shown(job), job.sweep_at
            outcome = transition(job)
            job.version += _shown(job) != shown
            if await self._store(job, looked_at):
                return job, outcome
            job = await self.get(job_id)
        raise StoreUnavailable("document store", f"job {job_id} changes too fast")

    async def _store(self, job: Job, looked_at: datetime | None) -> bool:
        """Writes the changed job, whose next look was due at `looked_at` before; the alarm for an earlier one first."""
        if job.sweep_at != looked_at:
            await self.alarms.set_all(_looks(job.id, job.sweep_at))
        job.revision += 1
        return await self._replace(job)

    async def cross_off(self, jobs: Sequence[Job], look_at: datetime | None) -> bool:
        """Notes that jobs owe nothing any more, which are all of one revision and to be looked at next at one moment.

        Much cheaper than a change of each. Whether it was noted of all: not of one that has changed meanwhile.
        """
        (revision,) = {job.revision for job in jobs}
        await self.alarms.set_all([look for job in jobs for look in _looks(job.id, look_at)])
        paid = {"outbox": [], "announce": False, "owes_since": None, "sweep_at": look_at, "revision": revision + 1}
        async with answering():
            result = await self._jobs.update_many(
                {"_id": {"$in": [job.id for job in jobs]}},
                {"$set": {f"state.$[was].{name}": value for name, value in paid.items()}},
                array_filters=[{"was.revision": revision}],
            )
        return bool(result.modified_count == len(jobs))

    async def recordings(self) -> AsyncIterator[list[tuple[str, str]]]:
        """Every job's id and its recording's, a page at a time."""
        async for page in pages(self._jobs, "state.recording_id"):
            yield [(found["_id"], found["state"][0]["recording_id"]) for found in page]

    async def present(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the ids that have a document."""
        return await present(self._jobs, job_ids)

    async def delete(self, job_id: str) -> None:
        """Forgets the job. Harmless when repeated."""
        async with answering():
            await self._jobs.delete_one({"_id": job_id})

    async def _read_all(self, job_ids: list[str]) -> list[Job | Exception | None]:
        async with answering():
            found = self._jobs.find({"_id": {"$in": list(set(job_ids))}})
            documents = {fields["_id"]: fields async for fields in found}
        return [_readable(documents.get(job_id)) for job_id in job_ids]

    async def _insert_all(self, jobs: list[Job]) -> list[bool]:
        """For each whether it was new. The alarms of all of them go first."""
        await self.alarms.set_all([look for job in jobs for look in _looks(job.id, job.sweep_at)])
        return await inserted(self._jobs, [_layout(job) for job in jobs])

    async def _replace_all(self, jobs: list[Job]) -> list[bool]:
        """For each whether its revision was the next one."""
        marks = [self._swaps.mark() for _ in jobs]
        writes = [
            UpdateOne(
                {"_id": job.id},
                {"$set": {"state.$[was]": {**_state(job), "stamp": mark}}},
                array_filters=[{"was.revision": job.revision - 1}],
            )
            for job, mark in zip(jobs, marks, strict=True)
        ]
        return await self._swaps.made([job.id for job in jobs], marks, writes)


def _looks(job_id: str, look_at: datetime | None) -> list[Look]:
    """What a job asks of the alarms for its next look; for one so soon that it may come before the write, a second."""
    if look_at is None:
        return []
    written = after(_WRITTEN_SECONDS)
    moments = [look_at] if look_at >= written else [look_at, written]
    return [Look(job_id=job_id, at=moment) for moment in moments]


def _groups(job_ids: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(job_ids), _TOGETHER):
        yield list(job_ids[first : first + _TOGETHER])


def _state(job: Job) -> Fields:
    fields = to_document(job)
    del fields["_id"]
    fields["steps"] = orjson.dumps([_told(step) for step in fields["steps"]]).decode()
    fields["facts"] = [orjson.dumps(fact).decode() for fact in fields["facts"]]
    return {**fields, "open": True} if not job.status.ended else fields


def _told(step: Fields) -> Fields:
    """A step's fields but those that are as in a new one, which are half of them."""
    return {name: value for name, value in step.items() if name in _ALWAYS_TOLD or value != _NEW_STEP[name]}


def _mark(fields: Fields) -> str | None:
    mark: str | None = fields["state"][0].get("stamp")
    return mark


def _layout(job: Job) -> Fields:
    return {"_id": job.id, "state": [_state(job)]}


def _job(fields: Fields) -> Job:
    state = fields["state"][0]
    facts = [orjson.loads(fact) if isinstance(fact, str) else fact for fact in state.get("facts", ())]
    steps = state.get("steps")
    steps = orjson.loads(steps) if isinstance(steps, str) else steps
    return from_document(Job, {"_id": fields["_id"], **state, "facts": facts, "steps": steps})


def _next_look(fields: Fields) -> datetime | None:
    try:
        at = fields["state"][0]["sweep_at"]
    except (KeyError, IndexError, TypeError):
        return _LONG_AGO
    return at if isinstance(at, datetime | None) else _LONG_AGO


def _version(fields: Fields) -> int:
    try:
        return int(fields["state"][0]["version"])
    except (KeyError, IndexError, TypeError, ValueError):
        return 0


def _debt(fields: Fields) -> Debt | None:
    try:
        state = fields["state"][0]
        return Debt(state["revision"], state["version"], tuple(state["outbox"]), state["announce"])
    except (KeyError, IndexError, TypeError):
        return None


def _readable(fields: Fields | None) -> Job | Exception | None:
    try:
        return _job(fields) if fields else None
    except (ValueError, KeyError, IndexError) as error:
        return error


def _fork(job: Job) -> Job:
    """A job that a transition may change in place, without the other noticing: it replaces what lies deeper."""
    own = {"steps": [step.model_copy() for step in job.steps], "results": dict(job.results)}
    return job.model_copy(update={**own, "facts": list(job.facts), "outbox": list(job.outbox)})


def _shown(job: Job) -> tuple[Any, ...]:
    """What watchers see of a job, as far as a transition can change it: cheaper to compare than the view itself."""
    return (
        *(job.status, job.started_at, job.finished_at, job.logs, dict(job.results)),
        *((s.status, s.progress, s.attempt, s.not_before, s.finished_at, s.error, s.history) for s in job.steps),
    )
