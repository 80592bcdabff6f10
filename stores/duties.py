"""Duties that one worker process at a time does for all: collection `duties`, one document each.

`until` says until when nobody else may take the duty up: while it is done that is a lease, afterwards the pause before
the next time. So the pause is kept across all processes, and an owner that dies holds up nobody for long.
"""

from schemas.time import after, now
from stores.documents import Database
from stores.errors import Duplicate, answering


class Duties:
    """The repository of duties. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._duties = database["duties"]

    async def take(self, name: str, owner: str, seconds: float) -> bool:
        """Whether the duty is the owner's for so long: nobody has it, and its pause is over."""
        try:
            async with answering():
                await self._duties.update_one(
                    {"_id": name, "until": {"$lte": now()}},
                    {"$set": {"owner": owner, "until": after(seconds)}},
                    upsert=True,
                )
        except Duplicate:
            return False
        return True

    async def keep(self, name: str, owner: str, seconds: float) -> bool:
        """Prolongs the owner's lease, or sets the pause once the duty is done; False when somebody else has it."""
        async with answering():
            kept = await self._duties.update_one({"_id": name, "owner": owner}, {"$set": {"until": after(seconds)}})
        return bool(kept.matched_count)
