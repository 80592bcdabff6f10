"""Transcripts in MongoDB: collection `transcripts` (one head each) and `transcript_pages` (some segments each).

A transcript grows while transcription runs, and a long one does not fit one document, so its segments lie in pages:
`_id` is "recording/fence/page", and no writer ever touches another's. The head carries the fence of its newest writer
(see stores/recordings) and says what that one makes: `provider`, `language`, and whether it is `complete`. While it is
not, `whole` is the version that was complete before, if there was one: readers keep to it until the new one is whole.
What nobody reads any more goes when the next writer begins or finishes.

Documents of before that are read as well: their pages are "recording/page", and a head without `whole` has none.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from schemas.transcripts import Segment, Transcript
from stores.documents import Database
from stores.errors import Duplicate, LeaseLost, StoreUnavailable, answering, in_time
from stores.scan import pages, present

SEGMENTS_A_PAGE = 50
_CONFLICTS = 20

Fields = dict[str, Any]


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
        """Starts a new version, or the writer's own over. A whole one of before is read until this one is finished."""
        for _ in range(_CONFLICTS):
            head = await self._head(recording_id)
            if head and head["fence"] > fence:
                raise LeaseLost(f"the transcript of {recording_id} has a newer writer than {fence}")
            whole = _before(head, fence) if head else None
            begun = {"fence": fence, "provider": provider, "complete": False, "language": None, "whole": whole}
            if await self._swap(recording_id, head, begun):
                break
        else:
            raise StoreUnavailable("document store", f"the transcript of {recording_id} changes too fast")
        if head:
            await self._drop(recording_id, {"$lte": fence, "$ne": whole and whole["fence"]})

    async def write(self, recording_id: str, fence: str, first: int, segments: Sequence[Segment]) -> None:
        """Stores a page: `segments` from number `first`, a multiple of SEGMENTS_A_PAGE. A repeat is harmless.

        Only between `begin` and `delete`: so there is no page without a head, unless its writer dies beside a deletion.
        """
        head = await self._head(recording_id)
        if head is None or head["fence"] != fence:
            raise LeaseLost(f"the transcript of {recording_id} is not {fence}'s, or is gone")
        page = first // SEGMENTS_A_PAGE
        fields = {
            "recording_id": recording_id,
            "page": page,
            "fence": fence,
            "segments": [segment.model_dump() for segment in segments],
        }
        async with answering():
            await self._pages.update_one({"_id": f"{recording_id}/{fence}/{page:06d}"}, {"$set": fields}, upsert=True)

    async def finish(self, recording_id: str, fence: str, provider: str, language: str | None) -> None:
        """Marks the version that the writer has begun as whole: from now on readers get it. A repeat is harmless."""
        head = await self._head(recording_id)
        finished = {"provider": provider, "complete": True, "language": language, "whole": None}
        async with answering():
            result = await self._heads.update_one({"_id": recording_id, "fence": fence}, {"$set": finished})
        if head is None or not result.matched_count:
            raise LeaseLost(f"the transcript of {recording_id} is not {fence}'s, or is gone")
        if head.get("whole"):
            await self._drop(recording_id, {"$lt": fence})

    async def get(self, recording_id: str) -> Transcript | None:
        """The whole transcript, or as far as it is there; None before transcription began."""
        head = await self._head(recording_id)
        for _ in range(_CONFLICTS):
            if head is None:
                return None
            segments = await self._segments(recording_id, _shown(head)["fence"])
            before, head = head, await self._head(recording_id)
            if head and _shown(head)["fence"] == _shown(before)["fence"]:  # else its pages were going meanwhile
                return _outline(before).model_copy(update={"text": _text(segments), "segments": segments})
        raise StoreUnavailable("document store", f"the transcript of {recording_id} changes too fast")

    async def outline(self, recording_id: str) -> Transcript | None:
        """The transcript without its words: cheap, however long it is. None before transcription began."""
        head = await self._head(recording_id)
        return _outline(head) if head else None

    async def complete(self, recording_ids: Sequence[str]) -> dict[str, bool]:
        """For each of the recordings that has a transcript whether it is whole."""
        wanted = {"_id": {"$in": list(recording_ids)}}
        async with answering():
            return {head["_id"]: _whole(head) is not None async for head in self._heads.find(wanted)}

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all recordings that have a transcript, a page at a time."""
        async for page in pages(self._heads):
            yield [found["_id"] for found in page]

    async def headless(self) -> AsyncIterator[list[str]]:
        """The ids of recordings that have pages and no head, some at a time; one may come twice."""
        async for page in pages(self._pages, "recording_id"):
            found = {fields["recording_id"]: None for fields in page}
            heads = await present(self._heads, found)
            yield [recording_id for recording_id in found if recording_id not in heads]

    async def delete(self, recording_id: str) -> None:
        """Forgets the transcript. Harmless when repeated."""
        async with answering():
            await self._pages.delete_many({"recording_id": recording_id})
            await self._heads.delete_one({"_id": recording_id})

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

    async def _segments(self, recording_id: str, fence: str) -> tuple[Segment, ...]:
        async with answering():
            found = self._pages.find({"recording_id": recording_id, "fence": fence}).sort("page", 1)
            written = [page async for page in found]
        return tuple(Segment.model_validate(fields) for page in written for fields in page["segments"])

    async def _drop(self, recording_id: str, fences: Fields) -> None:
        """Removes the pages of those fences: never a newer writer's, whatever it has done meanwhile."""
        async with answering():
            await self._pages.delete_many({"recording_id": recording_id, "fence": fences})


def _before(head: Fields, fence: str) -> Fields | None:
    """The whole version that is not that writer's own."""
    return _whole(head) if head["fence"] != fence else head.get("whole")


def _whole(head: Fields) -> Fields | None:
    """The version that is complete; None where there is none."""
    if head["complete"]:
        return {name: head[name] for name in ("fence", "provider", "language")}
    whole: Fields | None = head.get("whole")
    return whole


def _shown(head: Fields) -> Fields:
    """The version that readers get: the whole one, else the one that grows."""
    return _whole(head) or head


def _outline(head: Fields) -> Transcript:
    shown = _shown(head)
    return Transcript(language=shown["language"], provider=shown["provider"], complete=_whole(head) is not None)


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text for segment in segments)
