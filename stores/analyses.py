"""Analyses in MongoDB: collection `analyses`, one document a recording with all four, guarded by its writer's fence.

`done` has the text of each action item that is checked off, by "n" and its number: one that says something else after
the analysis was made anew is not done.
"""

from collections.abc import AsyncIterator, Iterable, Mapping

from schemas.analyses import ActionItem, Analyses
from stores.documents import Database
from stores.errors import Duplicate, LeaseLost, answering
from stores.scan import pages, present


class AnalysesStore:
    """The repository of analyses. Methods raise StoreUnavailable; `put` raises LeaseLost for an old fence."""

    def __init__(self, database: Database) -> None:
        self._analyses = database["analyses"]

    async def put(self, recording_id: str, fence: str, analyses: Analyses) -> None:
        """Stores the analyses in the place of earlier ones. A repeat is harmless."""
        try:
            async with answering():
                await self._analyses.update_one(
                    {"_id": recording_id, "fence": {"$lte": fence}},
                    {"$set": {"analyses": analyses.model_dump(), "fence": fence}},
                    upsert=True,
                )
        except Duplicate as error:
            raise LeaseLost(f"the analyses of {recording_id} have a newer writer than {fence}") from error

    async def get(self, recording_id: str) -> Analyses | None:
        """The analyses; None before there are any."""
        async with answering():
            found = await self._analyses.find_one({"_id": recording_id})
        return _checked(Analyses.model_validate(found["analyses"]), found.get("done") or {}) if found else None

    async def check(self, recording_id: str, number: int, *, done: bool) -> ActionItem | None:
        """Checks an action item off, or not any more; the item. None where there is none. A repeat is harmless."""
        analyses = await self.get(recording_id)
        if analyses is None or number >= len(analyses.action_items.items):
            return None
        item, path = analyses.action_items.items[number], f"done.n{number}"
        async with answering():
            await self._analyses.update_one({"_id": recording_id}, {"$set": {path: item.text if done else None}})
        return item.model_copy(update={"done": done})

    async def present(self, recording_ids: Iterable[str]) -> set[str]:
        """Those of the recordings that have analyses."""
        return await present(self._analyses, recording_ids)

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all recordings that have analyses, a page at a time."""
        async for page in pages(self._analyses):
            yield [found["_id"] for found in page]

    async def delete(self, recording_id: str) -> None:
        """Forgets the analyses. Harmless when repeated."""
        async with answering():
            await self._analyses.delete_one({"_id": recording_id})


def _checked(analyses: Analyses, done: Mapping[str, str]) -> Analyses:
    items = tuple(
        item.model_copy(update={"done": done.get(f"n{number}") == item.text})
        for number, item in enumerate(analyses.action_items.items)
    )
    return analyses.model_copy(update={"action_items": analyses.action_items.model_copy(update={"items": items})})
