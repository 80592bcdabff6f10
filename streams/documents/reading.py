"""A document from its first page to its last, whatever its pages do to the processes that read them.

A page that is made to take for ever, or all memory, ends its child. It is tried once more, in another child, since the
machine may have been at fault; then it is passed over. A few such pages are put up with, and no more: so the time that
a document can take is bounded.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from schemas.failures import Permanent, Retryable, StepFailure
from streams.context import Context
from streams.documents.messages import DocumentMessage, Opened, PageRead
from streams.documents.pdf import read_pdf
from streams.original import over_copy

_OF_A_PAGE = frozenset({"child_crashed", "timeout", "memory_limit"})
"""How a child ends that met such a page."""
_TRIES = 2
_MOST_PASSED_OVER = 3


async def read_through(ctx: Context, copy: Path) -> AsyncGenerator[DocumentMessage, None]:
    """Yields Opened, then a PageRead for each page, in order. To be closed (contextlib.aclosing).

    Raises Permanent as read_pdf does, and document_broken where its children do not come through.
    """
    progress = _Progress()
    while not progress.done:
        try:
            async with aclosing(_from(ctx, copy, progress.next)) as messages:
                async for message in messages:
                    if progress.follows(message):
                        yield message
            progress.expect_end()
        except StepFailure as failure:
            if failure.code not in _OF_A_PAGE:
                raise
            ctx.log.warning("a page ended its reader", page=progress.next, error=str(failure))
            if progress.gives_up(failure):
                await ctx.note(f"Page {progress.next} was passed over. {failure.detail}")
                passed_over = PageRead(progress.next)
                progress.follows(passed_over)
                yield passed_over


def _from(ctx: Context, copy: Path, first: int) -> AsyncGenerator[DocumentMessage, None]:
    settings = ctx.settings
    return over_copy(ctx, copy, settings.document_page_seconds, read_pdf, ctx.workdir, settings.document_pages, first)


class _Progress:
    """How far the reading is: over all children."""

    def __init__(self) -> None:
        self.next = 1
        self._pages: int | None = None
        self._tries = self._passed_over = 0

    @property
    def done(self) -> bool:
        return self._pages is not None and self.next > self._pages

    def follows(self, message: DocumentMessage) -> bool:
        """Takes note of what a child says; whether it is news. Raises Retryable for what none of ours would say."""
        if isinstance(message, Opened):
            first, self._pages = self._pages is None, message.pages
            return first
        if message.number != self.next:
            raise Retryable("child_crashed", "The process that did the work sent its pages in no order.")
        self.next, self._tries = self.next + 1, 0
        return True

    def expect_end(self) -> None:
        """Raises Retryable where the child has ended and the document has not."""
        if not self.done:
            raise Retryable("child_crashed", "The process that did the work ended before its work.")

    def gives_up(self, failure: StepFailure) -> bool:
        """Counts a child that did not come through; whether the page is to be passed over. Raises Permanent."""
        self._tries += 1
        if self._tries < _TRIES:
            return False
        if self._pages is None:
            raise Permanent("document_broken", f"The document cannot be opened. {failure.detail}") from failure
        self._passed_over += 1
        if self._passed_over > _MOST_PASSED_OVER:
            detail = f"Page {self.next} cannot be read, as others before it. {failure.detail}"
            raise Permanent("document_broken", detail) from failure
        return True
