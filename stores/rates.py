"""What other API processes have let in: collection `rate_counts`, one document a process.

`counts` maps the digest of a counter (who, which class, which window) to what the process counted there itself. Each
process writes its own document whole and reads the others, so nothing is ever incremented in the store and a repeat is
harmless. A document outlives its process: what it let in counts until its windows are over.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from stores.documents import Database
from stores.errors import answering

_ANSWER_SECONDS = 2.0


class RateCounts:
    """The repository of counts. Methods raise StoreUnavailable, and end in time."""

    def __init__(self, database: Database) -> None:
        self._counts = database["rate_counts"]

    async def tell(self, node: str, counts: Mapping[str, int], at: datetime) -> None:
        """Writes down what the process has counted, in place of what it told before."""
        async with answering(_ANSWER_SECONDS):
            await self._counts.update_one({"_id": node}, {"$set": {"at": at, "counts": counts}}, upsert=True)

    async def of_others(self, node: str, since: datetime) -> Counter[str]:
        """What all other processes have told since that moment, added up."""
        total: Counter[str] = Counter()
        async with answering(_ANSWER_SECONDS):
            async for fields in self._counts.find({}):
                if fields["_id"] != node and fields["at"] >= since:
                    total.update(fields["counts"])
        return total

    async def sweep(self, at: datetime, seconds: float) -> None:
        """Forgets what was told longer ago. Harmless when repeated."""
        async with answering(_ANSWER_SECONDS):
            await self._counts.delete_many({"at": {"$lt": at - timedelta(seconds=seconds)}})
