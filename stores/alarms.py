"""When to look at which job: collection `alarms`, one small document a look, never changed.

`_id` is the moment and the job, so that alarms sort by time. An alarm is set before the change of the job that needs it
is written, and taken away after the look is done, so a job that something is due at always has one; one too many costs
a look that finds nothing. They lie apart from the jobs, since a server without secondary indexes reads through the
whole collection to find what is due: these documents are small, and few.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import InsertOne
from pymongo.errors import BulkWriteError

from schemas.model import Document
from stores.documents import Database, from_document, to_document
from stores.errors import answering, duplicates_in, in_time
from stores.grouping import Grouped


class Alarm(Document):
    """A look at a job that is due at a moment. `last`: the job was not there the time before."""

    id: str
    job_id: str
    at: datetime
    last: bool = False


class Alarms:
    """The repository of alarms. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._alarms = database["alarms"]
        self._insert: Grouped[Alarm, None] = Grouped(self._insert_all)

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._alarms.create_index("at")

    async def set(self, job_id: str, at: datetime, *, last: bool = False) -> None:
        """Asks for a look at the job at that moment. A repeat is harmless."""
        async with in_time():
            await self._insert(Alarm(id=f"{at:%Y%m%dT%H%M%S.%f}/{job_id}", job_id=job_id, at=at, last=last))

    async def due(self, at: datetime, limit: int) -> list[Alarm]:
        """Up to `limit` alarms whose moment has come, the longest due first."""
        async with answering():
            found = self._alarms.find({"at": {"$lte": at}}).sort("_id", 1).limit(limit)
            return [from_document(Alarm, fields) async for fields in found]

    async def remove(self, alarms: Sequence[Alarm]) -> None:
        """Takes alarms away whose look is done. Harmless when repeated."""
        if alarms:
            async with answering():
                await self._alarms.delete_many({"_id": {"$in": [alarm.id for alarm in alarms]}})

    async def _insert_all(self, alarms: list[Alarm]) -> list[None]:
        writes: list[Any] = [InsertOne(to_document(alarm)) for alarm in alarms]
        async with answering():
            try:
                await self._alarms.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                duplicates_in(error)
        return [None] * len(alarms)
