"""Transcripts in MongoDB: collection `transcripts` (one head each) and `transcript_pages` (some segments each).

A transcript grows while transcription runs, and a long one does not fit one document, so its segments lie in pages:
`_id` is "recording/page". Head and pages carry the fence of their writer (see stores/recordings): a page is replaced
only by the same or a newer fence, and readers take the pages that have the head's fence.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from schemas.transcripts import Segment, Transcript
from stores.documents import Database
from stores.errors import Duplicate, LeaseLost, answering, in_time
from stores.scan import pages

SEGMENTS_A_PAGE = 50


class Transcripts:
    """The repository of transcripts. Methods raise StoreUnavailable; writes raise LeaseLost for an old fence."""

    def __init__(self, database: Database) -> None:
        self._heads = database["transcripts"]
        self._pages = database["transcript_pages"]

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        async with in_time():
            await self._pages.create_index([("recording_id", 1), ("page", 1)])

    async def begin(self, recording_id: str, fence: str, provider: str) -> None:
        """Starts over: what an earlier writer left is no longer read."""
        await self._put(self._heads, recording_id, fence, {"provider": provider, "complete": False, "language": None})

    async def write(self, recording_id: str, fence: str, first: int, segments: Sequence[Segment]) -> None:
        """Stores a page: `segments` from number `first`, a multiple of SEGMENTS_A_PAGE. A repeat is harmless.

        Only between `begin` and `delete`: so there is no page without a head, by which it could be found.
        """
        async with answering():
            head = await self._heads.find_one({"_id": recording_id})
        if head is None or head["fence"] != fence:
            raise LeaseLost(f"the transcript of {recording_id} is not {fence}'s, or is gone")
        page = first // SEGMENTS_A_PAGE
        fields = {
            "recording_id": recording_id,
            "page": page,
            "segments": [segment.model_dump() for segment in segments],
        }
        await self._put(self._pages, f"{recording_id}/{page:06d}", fence, fields)

    async def finish(self, recording_id: str, fence: str, provider: str, language: str | None) -> None:
        """Marks the transcript as whole. A repeat is harmless."""
        await self._put(
            self._heads, recording_id, fence, {"provider": provider, "complete": True, "language": language}
        )

    async def get(self, recording_id: str) -> Transcript | None:
        """The transcript as far as it is there; None before transcription began."""
        async with answering():
            head = await self._heads.find_one({"_id": recording_id})
            if head is None:
                return None
            found = self._pages.find({"recording_id": recording_id, "fence": head["fence"]}).sort("page", 1)
            pages = [page async for page in found]
        segments = [Segment.model_validate(fields) for page in pages for fields in page["segments"]]
        return Transcript(
            language=head["language"],
            provider=head["provider"],
            complete=head["complete"],
            text=" ".join(segment.text for segment in segments),
            segments=tuple(segments),
        )

    async def outline(self, recording_id: str) -> Transcript | None:
        """The transcript without its words: cheap, however long it is. None before transcription began."""
        async with answering():
            head = await self._heads.find_one({"_id": recording_id})
        if head is None:
            return None
        return Transcript(language=head["language"], provider=head["provider"], complete=head["complete"])

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all recordings that have a transcript, a page at a time."""
        async for page in pages(self._heads):
            yield [found["_id"] for found in page]

    async def delete(self, recording_id: str) -> None:
        """Forgets the transcript. Harmless when repeated."""
        async with answering():
            await self._pages.delete_many({"recording_id": recording_id})
            await self._heads.delete_one({"_id": recording_id})

    @staticmethod
    async def _put(collection: Any, document_id: str, fence: str, fields: dict[str, Any]) -> None:
        """One write that only the newest fence can make: a newer document does not match, and the insert collides."""
        try:
            async with answering():
                await collection.update_one(
                    {"_id": document_id, "fence": {"$lte": fence}}, {"$set": {**fields, "fence": fence}}, upsert=True
                )
        except Duplicate as error:
            raise LeaseLost(f"{document_id} has a newer writer than {fence}") from error
