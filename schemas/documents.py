"""A document as it was read, its pages with their text, and as clients see it. Pages count from 1, as people do."""

from datetime import datetime

from pydantic import Field

from schemas.jobs import Failure
from schemas.model import Frozen
from schemas.recordings import RecordingStatus
from schemas.responses import AnalysesView, RenditionView


class Page(Frozen):
    """A page. `text` is empty where it holds none, as that of a scan; `readable` is false where the page is broken.

    `width` and `height` are those of its picture, in pixels; None where there is none.
    """

    number: int = Field(ge=1)
    text: str
    words: int = Field(default=0, ge=0)
    width: int | None = None
    height: int | None = None
    readable: bool = True


class DocumentText(Frozen):
    """All pages of a document. `language` is a BCP 47 tag, None where the document names none."""

    language: str | None = None
    complete: bool = True
    pages: tuple[Page, ...] = ()

    @property
    def text(self) -> str:
        """All of it, with a form feed after each page."""
        return "".join(f"{page.text}\n\f" for page in self.pages)


class DocumentOutline(Frozen):
    """What a document holds: how many pages and words, and how many pages are broken."""

    language: str | None = None
    complete: bool = True
    pages: int = 0
    words: int = 0
    unreadable: int = 0


class DocumentAccepted(Frozen):
    """A document was stored and is being read; or the same one is there already, which is then the one that is named.

    `duplicate` says so.
    """

    id: str
    status: RecordingStatus
    job_id: str
    course_id: str | None = None
    filename: str
    size_bytes: int
    duplicate: bool = False


class DocumentItem(Frozen):
    """A document in a list. `pages` is None until it has been read."""

    id: str
    title: str
    filename: str
    status: RecordingStatus
    course_id: str | None
    size_bytes: int
    pages: int | None
    language: str | None
    created_at: datetime
    job_id: str
    error: Failure | None
    file_url: str
    renditions: tuple[RenditionView, ...]


class DocumentView(DocumentItem):
    """A document with everything that is ready of it. `text` is None before its pages are known."""

    text: DocumentOutline | None
    analyses: AnalysesView | None


class DocumentList(Frozen):
    """A page of documents, newest first. `next_cursor` is None on the last page."""

    items: tuple[DocumentItem, ...]
    next_cursor: str | None = None


class PageView(Page):
    """A page with the address of its picture; None where it is broken."""

    image_url: str | None
