"""pages: what a document says, page by page, and a picture of each page.

Consumes DocumentUploaded from uploads; puts out DocumentRead. Key: recording. Text is what the document holds as text:
of a scan there is none, and the job's log says so. Cost: a child process that reads some fifty pages a second, and a
copy of the document on the worker's disk.
"""

from contextlib import aclosing
from pathlib import Path

from schemas.documents import Page
from schemas.events import DocumentRead, DocumentUploaded, Event
from schemas.failures import Permanent
from schemas.media import RenditionKind
from schemas.topics import Topic
from stores import keys
from stores.pages import PAGES_TOGETHER
from streams.context import Context
from streams.documents.limits import MAX_LETTERS, MAX_SHEET_BYTES
from streams.documents.messages import Opened, PageRead, Sheet
from streams.documents.reading import read_through
from streams.media.made import checked, contents
from streams.original import copy_of_original
from streams.stage import Outcome, Stage


async def perform(ctx: Context, _: Event) -> Outcome:
    """Reads the document once; stores its pages as they come, then says what there is."""
    shelf: _Shelf | None = None
    async with aclosing(read_through(ctx, await copy_of_original(ctx))) as messages:
        async for message in messages:
            if isinstance(message, Opened):
                await ctx.pages.begin(ctx.recording_id, ctx.fence, message.pages, message.language)
                shelf = _Shelf(ctx, message)
            else:
                assert shelf is not None, "read_pdf began without having opened anything"
                await shelf.add(message)
    assert shelf is not None, "read_pdf ended without having opened anything"
    return await _finish(ctx, shelf)


class _Shelf:
    """The pages of one attempt, on their way to the stores."""

    def __init__(self, ctx: Context, opened: Opened) -> None:
        self._ctx = ctx
        self.pages, self.language = opened.pages, opened.language
        self.words = self.letters = self.unreadable = 0
        self.poster: Path | None = None
        self._waiting: list[Page] = []

    async def add(self, read: PageRead) -> None:
        """Stores the page's picture, and its text with that of its neighbours. Raises Permanent document_too_long."""
        self._count(read)
        self._waiting.append(await self._page(read))
        if read.number % PAGES_TOGETHER == 0 or read.number == self.pages:
            await self._ctx.pages.write(self._ctx.recording_id, self._ctx.fence, self._waiting)
            self._waiting = []
        await self._ctx.progress(read.number / self.pages)

    def _count(self, read: PageRead) -> None:
        self.words += len(read.text.split())
        self.letters += len(read.text)
        self.unreadable += read.sheet is None
        self.poster = self.poster or read.poster
        if self.letters > MAX_LETTERS:
            detail = f"The document holds more text than can be read: {MAX_LETTERS} letters end on page {read.number}."
            raise Permanent("document_too_long", detail)

    async def _page(self, read: PageRead) -> Page:
        if read.sheet is None:
            return Page(number=read.number, text="", readable=False)
        await self._store(read.number, read.sheet)
        size = {"width": read.sheet.width, "height": read.sheet.height}
        return Page(number=read.number, text=read.text, words=len(read.text.split()), **size)

    async def _store(self, number: int, sheet: Sheet) -> None:
        """Stores the picture and frees its place on the disk."""
        picture = contents(sheet.path, self._ctx.workdir, MAX_SHEET_BYTES)
        await self._ctx.objects.put(keys.page(self._ctx.recording_id, number), picture, "image/jpeg")
        sheet.path.unlink(missing_ok=True)


async def _finish(ctx: Context, shelf: _Shelf) -> Outcome:
    if shelf.unreadable == shelf.pages:
        raise Permanent("document_broken", "The document is broken: none of its pages can be read.")
    if not shelf.words:
        await ctx.note("The document holds no text: its pages are pictures, as those of a scan.")
    if shelf.poster is not None:
        poster = checked(shelf.poster, ctx.workdir, MAX_SHEET_BYTES)
        await ctx.store_rendition(RenditionKind.POSTER, poster, "poster.jpg", "image/jpeg")
    await ctx.pages.finish(ctx.recording_id, ctx.fence, shelf.words, shelf.unreadable)
    await ctx.write_recording({"pages": shelf.pages, "language": shelf.language})
    found = {"language": shelf.language, "pages": shelf.pages, "words": shelf.words, "unreadable": shelf.unreadable}
    return Outcome({"pages": found}, DocumentRead(**ctx.about("document.read"), **found))


STAGE = Stage(
    name="pages",
    consumes=Topic.UPLOADS,
    accepts=(DocumentUploaded,),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
    preload=lambda _: ("streams.documents.pdf",),
    in_children=True,
)
