"""Traces of deleted recordings: collection `deleted_recordings`, `_id` the recording's, and when it went; nothing else.

A presigned address outlives the recording that it was made for. What is put there is nobody's any more, and without a
trace it looks like what is left when documents are lost. The reconciler forgets a trace when no address can be valid.
"""

from collections.abc import Sequence
from datetime import datetime

from stores.documents import Database
from stores.errors import answering
from stores.scan import present


class Traces:
    """The repository of traces. Methods raise StoreUnavailable; a repeat is harmless."""

    def __init__(self, database: Database) -> None:
        self._traces = database["deleted_recordings"]

    async def leave(self, recording_id: str, at: datetime) -> None:
        """Remembers that the recording was deleted."""
        async with answering():
            await self._traces.update_one({"_id": recording_id}, {"$set": {"at": at}}, upsert=True)

    async def among(self, recording_ids: Sequence[str]) -> set[str]:
        """Those of the ids that are known to have been deleted."""
        return await present(self._traces, recording_ids)

    async def sweep(self, before: datetime) -> None:
        """Forgets what was deleted before that. Looks through all traces."""
        async with answering():
            await self._traces.delete_many({"at": {"$lt": before}})
