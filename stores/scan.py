"""Reading through a whole collection, in bounded memory on both sides.

Ascending by `_id`, by the hint of its index and not by sorting: the embedded server keeps documents in that order, but
to sort them it takes every one of them into memory first, and dies of it.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from stores.errors import answering

_PAGE = 1000
_SCAN_SECONDS = 10.0
"""The embedded server reads everything before it answers the first page."""


async def pages(collection: Any, *fields: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every document's `_id` and `fields`, a page at a time. What is written meanwhile may be seen or not.

    Raises StoreUnavailable.
    """
    cursor = collection.find({}, dict.fromkeys(("_id", *fields), 1)).hint([("_id", 1)]).batch_size(_PAGE)
    try:
        while page := await _next(cursor):
            yield page
    finally:
        await cursor.close()


async def _next(cursor: Any) -> list[dict[str, Any]]:
    async with answering(_SCAN_SECONDS):
        found: list[dict[str, Any]] = await cursor.to_list(_PAGE)
        return found


async def present(collection: Any, ids: Iterable[str]) -> set[str]:
    """Those of the ids that have a document. Raises StoreUnavailable."""
    async with answering():
        return {found["_id"] async for found in collection.find({"_id": {"$in": list(ids)}}, {"_id": 1})}


async def newest(collection: Any, wanted: dict[str, Any], limit: int) -> list[str]:
    """The ids of up to `limit` documents that fit, newest first. Only ids are sorted, never whole documents."""
    stages = [{"$match": wanted}, {"$project": {"_id": 1}}, {"$sort": {"_id": -1}}, {"$limit": limit}]
    return [found["_id"] async for found in collection.aggregate(stages)]
