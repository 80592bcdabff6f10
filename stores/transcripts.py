"""Transcripts in MongoDB: collections `transcripts` (one head each) and `transcript_pages` (some segments each).

What people have put right is read with it: see stores/corrections.

A transcript grows while transcription runs; how versions follow each other, see stores/versions. Documents of earlier
releases are read as well: their pages are "recording/page", and a head without `whole` has none.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from schemas.transcripts import Segment, Transcript
from stores.corrections import corrected, update
from stores.documents import Database
from stores.errors import answering
from stores.versions import Shown, Versions

SEGMENTS_A_PAGE = 50


class Transcripts:
    """The repository of transcripts. Methods raise StoreUnavailable; writes raise LeaseLost for an old fence."""

    def __init__(self, database: Database) -> None:
        heads, parts = database["transcripts"], database["transcript_pages"]
        self._heads = heads
        self._versions = Versions(heads, parts, "transcript", ("provider", "language"))

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        await self._versions.prepare()

    async def begin(self, recording_id: str, fence: str, provider: str) -> None:
        """Starts a new version, or the writer's own over. A whole one of before is read until this one is finished."""
        await self._versions.begin(recording_id, fence, {"provider": provider, "language": None})

    async def write(self, recording_id: str, fence: str, first: int, segments: Sequence[Segment]) -> None:
        """Stores a page: `segments` from number `first`, a multiple of SEGMENTS_A_PAGE. A repeat is harmless.

        Only between `begin` and `delete`: so there is no page without a head, unless its writer dies beside a deletion.
        """
        fields = {"segments": [segment.model_dump() for segment in segments]}
        await self._versions.write(recording_id, fence, first // SEGMENTS_A_PAGE, fields)

    async def finish(self, recording_id: str, fence: str, provider: str, language: str | None) -> None:
        """Marks the version that the writer has begun as whole: from now on readers get it. A repeat is harmless."""
        await self._versions.finish(recording_id, fence, {"provider": provider, "language": language})

    async def get(self, recording_id: str) -> Transcript | None:
        """The whole transcript, or as far as it is there; None before transcription began."""
        heard = await self.heard(recording_id)
        return corrected(heard, await self._corrections(recording_id)) if heard else None

    async def correct(
        self, recording_id: str, names: Mapping[str, str | None], texts: Mapping[int, str | None]
    ) -> Transcript | None:
        """Puts names of speakers and texts of segments right; None takes a correction back. The transcript with it.

        None where there is no transcript. Raises KeyError with a label or id that it does not have, Overfull where all
        corrections together were too much (stores/corrections). A repeat is harmless; without a head nothing is
        written, so nothing outlives a deletion.
        """
        heard = await self.heard(recording_id)
        if heard is None:
            return None
        if changes := update(heard, await self._corrections(recording_id), names, texts):
            async with answering():
                await self._heads.update_one({"_id": recording_id}, {"$set": changes})
        return corrected(heard, await self._corrections(recording_id))

    async def _corrections(self, recording_id: str) -> dict[str, Any]:
        async with answering():
            head = await self._heads.find_one({"_id": recording_id})
        return (head or {}).get("corrections") or {}

    async def heard(self, recording_id: str) -> Transcript | None:
        """As `get`, but as the engine heard it: what a writer goes on from."""
        found = await self._versions.read(recording_id)
        if found is None:
            return None
        shown, pages = found
        segments = tuple(Segment.model_validate(fields) for page in pages for fields in page["segments"])
        text = " ".join(segment.text for segment in segments)
        return _outline(shown).model_copy(update={"text": text, "segments": segments})

    async def outline(self, recording_id: str) -> Transcript | None:
        """The transcript without its words: cheap, however long it is. None before transcription began."""
        shown = await self._versions.shown(recording_id)
        return _outline(shown) if shown else None

    async def complete(self, recording_ids: Sequence[str]) -> dict[str, bool]:
        """For each of the recordings that has a transcript whether it is whole."""
        return await self._versions.complete(recording_ids)

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all recordings that have a transcript, a page at a time."""
        async for page in self._versions.ids():
            yield page

    async def headless(self) -> AsyncIterator[list[str]]:
        """The ids of recordings that have pages and no head, some at a time; one may come twice."""
        async for page in self._versions.headless():
            yield page

    async def delete(self, recording_id: str) -> None:
        """Forgets the transcript. Harmless when repeated."""
        await self._versions.delete(recording_id)


def _outline(shown: Shown) -> Transcript:
    return Transcript(complete=shown.complete, **shown.fields)
