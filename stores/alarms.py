"""When to look at which job: collection `alarms`, one small document for looks that were asked for together.

`_id` begins with the moment, so that alarms sort by time; a document is never changed. An alarm is set before the
change of the job that needs it is written, and taken away after the look is done, so a job that something is due at
always has one; one too many costs a look that finds nothing. They lie apart from the jobs, since a server without
secondary indexes reads through the whole collection to find what is due: these documents are small, and few.

Layout: `_id`, `at`, and `looks`, as text: JSON of a list of [job's id, moment, whether it is the last]. As documents in
an array, which those of an earlier release are, they cost the embedded server a sixth of its time for an upload.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from pymongo import InsertOne

from schemas.ids import new_id
from schemas.model import Document
from stores.documents import Database, from_document
from stores.errors import answering, in_time
from stores.grouping import Grouped


class Look(Document):
    """A look at a job that is due at a moment. `last`: the job was not there the time before."""

    job_id: str
    at: datetime
    last: bool = False


class Alarm(Document):
    """Looks that are due within the same second, at the moment of the last of them."""

    id: str
    at: datetime
    looks: tuple[Look, ...]


class Alarms:
    """The repository of alarms. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._alarms = database["alarms"]
        self._insert: Grouped[Sequence[Look], None] = Grouped(self._insert_all)

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._alarms.create_index("at")

    async def set(self, job_id: str, at: datetime, *, last: bool = False) -> None:
        """Asks for a look at the job at that moment; it may be up to a second late. A repeat asks for another."""
        await self._insert((Look(job_id=job_id, at=at, last=last),))

    async def set_all(self, looks: Sequence[Look]) -> None:
        """Asks for all these looks together; otherwise as `set`."""
        if looks:
            await self._insert(looks)

    async def due(self, at: datetime, limit: int) -> list[Alarm]:
        """Up to `limit` alarms whose moment has come, the longest due first."""
        async with answering():
            found = self._alarms.find({"at": {"$lte": at}}).sort("_id", 1).limit(limit)
            return [alarm_of(fields) async for fields in found]

    async def remove(self, alarms: Sequence[Alarm]) -> None:
        """Takes alarms away whose looks are done. Harmless when repeated."""
        if alarms:
            async with answering():
                await self._alarms.delete_many({"_id": {"$in": [alarm.id for alarm in alarms]}})

    async def _insert_all(self, asked: list[Sequence[Look]]) -> list[None]:
        alarms = _together(itertools.chain.from_iterable(asked))
        async with answering():
            await self._alarms.bulk_write([InsertOne(_layout(alarm)) for alarm in alarms], ordered=False)
        return [None] * len(asked)


def alarm_of(fields: dict[str, Any]) -> Alarm:
    """The alarm that lies in the store so."""
    looks = fields["looks"]
    if isinstance(looks, str):
        looks = [{"job_id": job_id, "at": at, "last": last} for job_id, at, last in orjson.loads(looks)]
    return from_document(Alarm, {**fields, "looks": looks})


def _layout(alarm: Alarm) -> dict[str, Any]:
    looks = orjson.dumps([(look.job_id, look.at, look.last) for look in alarm.looks]).decode()
    return {"_id": alarm.id, "at": alarm.at, "looks": looks}


def _together(looks: Iterable[Look]) -> Iterator[Alarm]:
    """One alarm for all the looks of a second."""
    different = {(look.at, look.job_id, look.last): look for look in looks}
    in_order = [different[key] for key in sorted(different)]
    for _, group in itertools.groupby(in_order, key=lambda look: look.at.replace(microsecond=0)):
        same = tuple(group)
        at = same[-1].at
        yield Alarm(id=f"{at:%Y%m%dT%H%M%S.%f}/{new_id()}", at=at, looks=same)
