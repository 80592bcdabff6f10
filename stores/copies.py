"""Which document has which bytes: collection `document_copies`, a small document each, found by its `_id`.

`_id` is made of owner, course and SHA-256, so that of two documents with the same bytes one comes first, whoever is at
it at the same moment. What names a document that is gone, or has failed, is taken over by the next one.
"""

from schemas.ids import derived_id
from schemas.recordings import Recording
from stores.documents import Database
from stores.errors import Duplicate, answering


class Copies:
    """The repository of what is held. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._copies = database["document_copies"]

    async def holder(self, recording: Recording) -> str:
        """The id of the document that has these bytes in this course: the recording's own, where there was none."""
        key = _key(recording)
        while True:
            try:
                async with answering():
                    await self._copies.insert_one({"_id": key, "recording_id": recording.id})
            except Duplicate:
                async with answering():
                    found = await self._copies.find_one({"_id": key})
                if found is None:  # released at this moment
                    continue
                return str(found["recording_id"])
            return recording.id

    async def take_over(self, recording: Recording, holder: str) -> bool:
        """Puts the recording in the place of that holder, if it still is it; whether it was."""
        async with answering():
            result = await self._copies.update_one(
                {"_id": _key(recording), "recording_id": holder}, {"$set": {"recording_id": recording.id}}
            )
        return bool(result.matched_count)

    async def release(self, recording: Recording) -> None:
        """Forgets whatever the recording holds, also in a course that it has left. Harmless when repeated.

        Looks through the whole collection.
        """
        if recording.sha256 is None:
            return
        async with answering():
            await self._copies.delete_many({"recording_id": recording.id})


def _key(recording: Recording) -> str:
    assert recording.sha256 is not None
    return derived_id("document", recording.owner_id, recording.project_id or "", recording.sha256)
