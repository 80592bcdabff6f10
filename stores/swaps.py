"""Writes that go to one collection together, and which of them were made: inserts, and compare-and-set.

A server tells of many changes only how many documents they were made to. So each leaves a mark of its own in its
document: where some were not made, the marks say which.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from schemas.ids import new_id
from stores.errors import answering, duplicates_in

Fields = dict[str, Any]


async def inserted(collection: Any, documents: Sequence[Fields]) -> list[bool]:
    """Inserts the documents in one command, and tells for each whether it was new. Raises StoreUnavailable."""
    async with answering():
        try:
            await collection.bulk_write([InsertOne(document) for document in documents], ordered=False)
        except BulkWriteError as error:
            taken = duplicates_in(error)
            return [number not in taken for number in range(len(documents))]
    return [True] * len(documents)


class Swaps:
    """The writes of one process to one collection. `mark_of` finds the mark in a document, at the path `where`."""

    def __init__(self, collection: Any, where: str, mark_of: Callable[[Fields], str | None]) -> None:
        self._collection = collection
        self._where = where
        self._mark_of = mark_of
        self._writer = new_id()
        self._numbers = itertools.count()

    def mark(self) -> str:
        """A new mark, which one write is to leave."""
        return f"{self._writer}/{next(self._numbers)}"

    async def made(self, ids: Sequence[str], marks: Sequence[str], writes: Sequence[UpdateOne]) -> list[bool]:
        """Makes the writes in one command, and tells for each whether it was made. Raises StoreUnavailable.

        One that somebody wrote over at once may pass for not made: the writes must bear to be made again.
        """
        async with answering():
            result = await self._collection.bulk_write(list(writes), ordered=False)
            if result.modified_count in (0, len(writes)):
                return [result.modified_count > 0] * len(writes)
            found = self._collection.find({"_id": {"$in": list(ids)}}, {self._where: 1})
            written = {self._mark_of(fields) async for fields in found}
        return [mark in written for mark in marks]
