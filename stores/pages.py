"""Pages of documents in MongoDB: collections `documents` (one head each) and `document_pages` (some pages each).

They are stored while the document is read; how versions follow each other, see stores/versions. One page is found by
the `_id` of what it is stored in.
"""

from collections.abc import AsyncIterator, Sequence

from schemas.documents import DocumentOutline, DocumentText, Page
from stores.documents import Database
from stores.versions import Versions

PAGES_TOGETHER = 10
"""How many pages one document of the store has: each of at most some hundred kilobytes."""


class Pages:
    """The repository of pages. Methods raise StoreUnavailable; writes raise LeaseLost for an old fence."""

    def __init__(self, database: Database) -> None:
        names = ("language", "pages", "words", "unreadable")
        self._versions = Versions(database["documents"], database["document_pages"], "text", names)

    async def prepare(self) -> None:
        """Creates the indexes. Harmless when repeated."""
        await self._versions.prepare()

    async def begin(self, recording_id: str, fence: str, pages: int, language: str | None) -> None:
        """Starts a new version, or the writer's own over. A whole one of before is read until this one is finished."""
        fields = {"language": language, "pages": pages, "words": 0, "unreadable": 0}
        await self._versions.begin(recording_id, fence, fields)

    async def write(self, recording_id: str, fence: str, pages: Sequence[Page]) -> None:
        """Stores at most PAGES_TOGETHER pages that belong together: the first is one after a multiple of that.

        A repeat is harmless.
        """
        fields = {"pages": [page.model_dump() for page in pages]}
        await self._versions.write(recording_id, fence, _place(pages[0].number), fields)

    async def finish(self, recording_id: str, fence: str, words: int, unreadable: int) -> None:
        """Marks the version that the writer has begun as whole: from now on readers get it. A repeat is harmless."""
        await self._versions.finish(recording_id, fence, {"words": words, "unreadable": unreadable})

    async def get(self, recording_id: str) -> DocumentText | None:
        """All pages, or those that are there; None before there are any."""
        found = await self._versions.read(recording_id)
        if found is None:
            return None
        shown, parts = found
        pages = tuple(Page.model_validate(fields) for part in parts for fields in part["pages"])
        return DocumentText(language=shown.fields["language"], complete=shown.complete, pages=pages)

    async def page(self, recording_id: str, number: int) -> Page | None:
        """One page; None where there is none of that number, or not yet."""
        found = await self._versions.part(recording_id, _place(number))
        part = found[1] if found else None
        fields = next((page for page in part["pages"] if page["number"] == number), None) if part else None
        return Page.model_validate(fields) if fields else None

    async def outline(self, recording_id: str) -> DocumentOutline | None:
        """What the document holds: cheap, however long it is. None before its pages are known."""
        shown = await self._versions.shown(recording_id)
        return DocumentOutline(complete=shown.complete, **shown.fields) if shown else None

    async def ids(self) -> AsyncIterator[list[str]]:
        """The ids of all documents that have pages, some at a time."""
        async for page in self._versions.ids():
            yield page

    async def headless(self) -> AsyncIterator[list[str]]:
        """The ids of documents that have pages and no head, some at a time; one may come twice."""
        async for page in self._versions.headless():
            yield page

    async def delete(self, recording_id: str) -> None:
        """Forgets the pages. Harmless when repeated."""
        await self._versions.delete(recording_id)


def _place(number: int) -> int:
    return (number - 1) // PAGES_TOGETHER
