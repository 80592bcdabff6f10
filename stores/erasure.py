"""The erasure of accounts: collection `erasures`, one document each, `_id` the account's; and how it is done.

The document is written first, then the account is closed: nobody gets in with it, and nothing new is made. What belongs
to it goes after that, whatever is left of an earlier try, and the erasure is finished when a whole round found nothing
more, when all that was let in before the account was closed has come. So one that broke off anywhere is found by its
document, and gone on with. Whoever stores something new of an account looks for its document afterwards (`resume`): so
what comes later than any grace is found, too.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.erasure import Erasure
from schemas.ids import new_id
from schemas.time import now
from stores.deletion import Deletion
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, OnHold, answering
from stores.lectures import Lectures

GRACE = timedelta(seconds=90)
"""So long after it was asked for, what was let in before may still be stored: a form may be silent for 60 seconds, and
another node takes an account as it was 5 seconds ago."""
_AT_ONCE = 20

Forgetting = Callable[[Erasure], Awaitable[int]]
"""Removes what an account has in one store, and says how much that was. Harmless when repeated."""


class Erasures:
    """The repository of erasures. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._erasures = database["erasures"]

    async def begin(self, erasure: Erasure) -> Erasure:
        """Stores it, or returns the one that the account has: a repeat is harmless."""
        try:
            async with answering():
                await self._erasures.insert_one(to_document(erasure))
        except Duplicate:
            return await self.get(erasure.id) or erasure
        return erasure

    async def get(self, user_id: str) -> Erasure | None:
        """The account's erasure."""
        async with answering():
            found = await self._erasures.find_one({"_id": user_id})
        return from_document(Erasure, found) if found else None

    async def unfinished(self) -> list[Erasure]:
        """Those that are not finished. Looks through all erasures."""
        async with answering():
            found = self._erasures.find({"finished_at": None})
            return [from_document(Erasure, fields) async for fields in found]

    async def note(self, user_id: str, name: str, count: int) -> None:
        """Adds to what is removed."""
        if count:
            async with answering():
                await self._erasures.update_one({"_id": user_id}, {"$inc": {f"removed.{name}": count}})

    async def finish(self, erasure: Erasure, at: datetime) -> bool:
        """Nothing is left; whether that stays so: not where it was resumed since it was read."""
        read = {"_id": erasure.id, "resumed_at": erasure.resumed_at}
        async with answering():
            return bool((await self._erasures.update_one(read, {"$set": {"finished_at": at}})).matched_count)

    async def resume(self, user_id: str, at: datetime) -> bool:
        """Has the account's erasure go on, finished or not, where there is one; whether there is."""
        if await self.get(user_id) is None:
            return False
        async with answering():
            await self._erasures.update_one({"_id": user_id}, {"$set": {"finished_at": None, "resumed_at": at}})
        return True


@dataclass(frozen=True)
class Eraser:
    """Erases accounts. What it raises is StoreUnavailable; then the erasure is to be gone on with.

    `close` keeps everybody out of an account; `stores` says, by what is counted, how each store forgets it.
    """

    erasures: Erasures
    deletion: Deletion
    lectures: Lectures
    close: Callable[[str], Awaitable[None]]
    stores: Mapping[str, Forgetting]
    grace: timedelta = GRACE

    async def expect_free(self, user_id: str) -> None:
        """Raises OnHold when anything of the account is on hold, or a lecture that it is the last reader of."""
        await self._expect_free(user_id)
        if await self.lectures.held_with(user_id):
            raise OnHold("A lecture that nobody else reads is on hold: an administrator has to lift that first.")

    async def _expect_free(self, user_id: str) -> None:
        held = any(folder.hold for folder in await self.deletion.folders.of_owner(user_id))
        if held or await self.deletion.recordings.lists.held_in(user_id):
            raise OnHold("Something of the account is on hold: an administrator has to lift that first.")

    async def erase(self, erasure: Erasure) -> bool:
        """Removes everything of the account; whether nothing is left, nor can come. A repeat is harmless.

        It is so when a round that began after the grace found nothing: to be repeated until then.
        What was put on hold after the erasure was asked for stays, and the erasure with it, until that is lifted: all
        of it where that is the account's own, its link alone where that is a lecture.
        """
        await self.close(erasure.id)
        try:
            await self._expect_free(erasure.id)
            settled = await self._emptied(erasure)
        except OnHold:
            return False
        return settled and await self.erasures.finish(erasure, now())

    async def _emptied(self, erasure: Erasure) -> bool:
        """Goes round until nothing is found; whether that was after the grace."""
        while True:
            begun = now()
            if not await self._round(erasure):
                return begun >= erasure.requested_at + self.grace

    async def _round(self, erasure: Erasure) -> int:
        """Goes once through every store; how much was there. Raises OnHold at its end for what had to stay."""
        found, held = await self._recordings(erasure.id), None
        for name, forget in self.stores.items():
            try:
                removed = await forget(erasure)
            except OnHold as error:  # the other stores forget the account all the same
                held = error
                continue
            await self.erasures.note(erasure.id, name, removed)
            found += removed
        if held is not None:
            raise held
        return found

    async def _recordings(self, user_id: str) -> int:
        found, before = 0, new_id()
        while page := await self.deletion.recordings.lists.stored_of(user_id, before=before, limit=_AT_ONCE):
            for recording in page:
                await self.deletion.destroy(recording)
                await self.erasures.note(user_id, "recordings", 1)
                await self.erasures.note(user_id, "bytes", recording.size_bytes)
            found, before = found + len(page), page[-1].id
        return found
