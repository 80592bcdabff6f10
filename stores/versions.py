"""What grows while a step works, and does not fit one document: a head each, and its parts, guarded by fences.

A part's `_id` is "recording/fence/number", and no writer ever touches another's. The head carries the fence of its
newest writer (see stores/recordings) and says what that one makes: the fields of the kind, and whether it is
`complete`. While it is not, `whole` is the version that was complete before, if there was one: readers keep to it until
the new one is whole. What nobody reads any more goes when the next writer begins or finishes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from stores.errors import Duplicate, LeaseLost, StoreUnavailable, answering, in_time
from stores.scan import pages, present

_CONFLICTS = 20

Fields = dict[str, Any]
T = TypeVar("T")


class Shown(NamedTuple):
    """The version that readers get: the fields of its kind, and whether it is all there."""

    fence: str
    fields: Fields
    complete: bool


class Versions:
    """One kind of such texts: `what` for a person, `names` of the head's fields beside those that all have.

    Methods raise StoreUnavailable; writes raise LeaseLost for an old fence.
    """

    def __init__(self, heads: Any, parts: Any, what: str, names: tuple[str, ...]) -> None:
        self._heads, self._parts = heads, parts
        self._what, self._names = what, names

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._parts.create_index([("recording_id", 1), ("page", 1)])

    async def begin(self, recording_id: str, fence: str, fields: Fields) -> None:
        """Starts a new version, or the writer's own over. A whole one of before is read until this one is finished."""
        for _ in range(_CONFLICTS):
            head = await self._head(recording_id)
            if head and head["fence"] > fence:
                raise LeaseLost(f"the {self._what} of {recording_id} has a newer writer than {fence}")
            whole = self._before(head, fence) if head else None
            begun = {**fields, "fence": fence, "complete": False, "whole": whole}
            if await self._swap(recording_id, head, begun):
                break
        else:
            raise self._too_fast(recording_id)
        if head:
            await self._drop(recording_id, {"$lte": fence, "$ne": whole and whole["fence"]})

    async def write(self, recording_id: str, fence: str, number: int, fields: Fields) -> None:
        """Stores a part. A repeat is harmless.

        Only between `begin` and `delete`: so there is no part without a head, unless its writer dies beside a deletion.
        """
        head = await self._head(recording_id)
        if head is None or head["fence"] != fence:
            raise self._lost(recording_id, fence)
        stored = {**fields, "recording_id": recording_id, "page": number, "fence": fence}
        async with answering():
            await self._parts.update_one({"_id": _part_id(recording_id, fence, number)}, {"$set": stored}, upsert=True)

    async def finish(self, recording_id: str, fence: str, fields: Fields) -> None:
        """Marks the version that the writer has begun as whole: from now on readers get it. A repeat is harmless."""
        head = await self._head(recording_id)
        finished = {**fields, "complete": True, "whole": None}
        async with answering():
            result = await self._heads.update_one({"_id": recording_id, "fence": fence}, {"$set": finished})
        if head is None or not result.matched_count:
            raise self._lost(recording_id, fence)
        if head.get("whole"):
            await self._drop(recording_id, {"$lt": fence})

    async def shown(self, recording_id: str) -> Shown | None:
        """The version that readers get, without its parts: cheap, however long it is. None before there is one."""
        head = await self._head(recording_id)
        return self._shown(head) if head else None

    async def read(self, recording_id: str) -> tuple[Shown, list[Fields]] | None:
        """The version that readers get, with its parts in order; None before there is one."""

        async def parts(fence: str) -> list[Fields]:
            async with answering():
                found = self._parts.find({"recording_id": recording_id, "fence": fence}).sort("page", 1)
                return [part async for part in found]

        return await self._steadily(recording_id, parts)

    async def part(self, recording_id: str, number: int) -> tuple[Shown, Fields | None] | None:
        """The version that readers get, with one part of it; None before there is one."""

        async def part(fence: str) -> Fields | None:
            async with answering():
                found: Fields | None = await self._parts.find_one({"_id": _part_id(recording_id, fence, number)})
            return found

        return await self._steadily(recording_id, part)

    async def complete(self, recording_ids: Sequence[str]) -> dict[str, bool]:
        """For each of the recordings that has one whether it is whole."""
        wanted = {"_id": {"$in": list(recording_ids)}}
        async with answering():
            return {head["_id"]: self._whole(head) is not None async for head in self._heads.find(wanted)}

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all recordings that have one, a page at a time."""
        async for page in pages(self._heads):
            yield [found["_id"] for found in page]

    async def headless(self) -> AsyncIterator[list[str]]:
        """The ids of recordings that have parts and no head, some at a time; one may come twice."""
        async for page in pages(self._parts, "recording_id"):
            found = {fields["recording_id"]: None for fields in page}
            heads = await present(self._heads, found)
            yield [recording_id for recording_id in found if recording_id not in heads]

    async def delete(self, recording_id: str) -> None:
        """Forgets it. Harmless when repeated."""
        async with answering():
            await self._parts.delete_many({"recording_id": recording_id})
            await self._heads.delete_one({"_id": recording_id})

    async def _steadily(self, recording_id: str, read: Callable[[str], Awaitable[T]]) -> tuple[Shown, T] | None:
        """What `read` finds of the version that readers get, which must be the same one before and after."""
        head = await self._head(recording_id)
        for _ in range(_CONFLICTS):
            if head is None:
                return None
            found = await read(self._shown(head).fence)
            before, head = head, await self._head(recording_id)
            if head and self._shown(head).fence == self._shown(before).fence:  # else its parts were going meanwhile
                return self._shown(before), found
        raise self._too_fast(recording_id)

    async def _head(self, recording_id: str) -> Fields | None:
        async with answering():
            found: Fields | None = await self._heads.find_one({"_id": recording_id})
        return found

    async def _swap(self, recording_id: str, head: Fields | None, fields: Fields) -> bool:
        """Puts the fields into the head if it is still the one that was read; whether it was."""
        if head is None:
            try:
                async with answering():
                    await self._heads.insert_one({"_id": recording_id, **fields})
            except Duplicate:
                return False
            return True
        read = {"_id": recording_id, "fence": head["fence"], "complete": head["complete"]}
        async with answering():
            result = await self._heads.update_one(read, {"$set": fields})
        return bool(result.matched_count)

    async def _drop(self, recording_id: str, fences: Fields) -> None:
        """Removes the parts of those fences: never a newer writer's, whatever it has done meanwhile."""
        async with answering():
            await self._parts.delete_many({"recording_id": recording_id, "fence": fences})

    def _before(self, head: Fields, fence: str) -> Fields | None:
        """The whole version that is not that writer's own."""
        return self._whole(head) if head["fence"] != fence else head.get("whole")

    def _whole(self, head: Fields) -> Fields | None:
        """The version that is complete; None where there is none."""
        if head["complete"]:
            return {name: head[name] for name in ("fence", *self._names)}
        whole: Fields | None = head.get("whole")
        return whole

    def _shown(self, head: Fields) -> Shown:
        """The whole version, else the one that grows."""
        whole = self._whole(head)
        shown = whole or head
        return Shown(shown["fence"], {name: shown[name] for name in self._names}, whole is not None)

    def _lost(self, recording_id: str, fence: str) -> LeaseLost:
        return LeaseLost(f"the {self._what} of {recording_id} is not {fence}'s, or is gone")

    def _too_fast(self, recording_id: str) -> StoreUnavailable:
        return StoreUnavailable("document store", f"the {self._what} of {recording_id} changes too fast")


def _part_id(recording_id: str, fence: str, number: int) -> str:
    return f"{recording_id}/{fence}/{number:06d}"
