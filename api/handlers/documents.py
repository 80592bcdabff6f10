"""Documents: sent as a form, listed, read page by page, deleted. Their jobs are as those of recordings.

The same bytes sent again by the same person into the same course are the document that is there.
"""

import re
from hashlib import sha256
from pathlib import PurePosixPath

from aiohttp import web

from api import views
from api.announcing import announced
from api.downloads import Download, send
from api.forms import Incoming, incoming
from api.intake import accept, expect_document
from api.keys import ADMISSION, ANALYSES, CALLER, COPIES, DELETION, PAGES, RECORDINGS, SETTINGS
from api.ownership import document_to_delete, owned_document
from api.paging import page_of
from api.problems import wrong_field
from api.receiving import expect_length, forget, kept_whole, noted, receive
from api.renditions import original, send_rendition
from schemas.documents import DocumentAccepted, DocumentList, DocumentView, PageView
from schemas.problems import Problem
from schemas.recordings import Recording, RecordingKind, RecordingStatus, Source
from schemas.requests import PROJECT_ID, DocumentQuery, bare_filename
from stores import keys
from stores.errors import StoreUnavailable
from stores.signatures import HEAD_BYTES

_TURNS = 10
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


async def upload(request: web.Request) -> DocumentAccepted:
    """Stores the form's `file`, a PDF, in the course `course_id` and starts its reading.

    The same bytes in the same course are stored once: a repeat answers with the document that is there.
    """
    expect_length(request)
    admission, caller = request.app[ADMISSION], request[CALLER]
    with admission.form(caller):
        async with admission.place(caller):
            return await _take_in(request)


async def _take_in(request: web.Request) -> DocumentAccepted:
    app = request.app
    file, digest = await incoming(request, "file", app[SETTINGS].max_upload_bytes), sha256()
    kind = expect_document(await file.head(HEAD_BYTES))
    announced = _announced(request[CALLER], file, kind.content_type)
    async with kept_whole(app, announced):
        await receive(app, file, announced, digest.update)
        await file.rest()
        found = {"size_bytes": file.size_bytes, "sha256": digest.hexdigest(), "project_id": _course_id(file)}
        document = await noted(app, announced, found)
    counts = await _only_one(app, document)
    return DocumentAccepted(
        id=counts.id,
        status=RecordingStatus.PROCESSING if counts.id == document.id else counts.status,
        job_id=counts.job_id,
        course_id=counts.project_id,
        filename=counts.filename,
        size_bytes=counts.size_bytes,
        duplicate=counts.id != document.id,
    )


def _announced(owner_id: str, file: Incoming, content_type: str) -> Recording:
    return announced(
        owner_id,
        Source.DOCUMENT,
        bare_filename(file.filename) or "document.pdf",
        kind=RecordingKind.DOCUMENT,
        project_id=_course_id(file),
        content_type=content_type,
    )


def _course_id(file: Incoming) -> str | None:
    course_id = file.fields.get("course_id") or None
    if course_id is not None and not re.fullmatch(PROJECT_ID, course_id):
        raise wrong_field("course_id", "letters, digits, dots, hyphens and underscores, at most 64")
    return course_id


async def _only_one(app: web.Application, document: Recording) -> Recording:
    """Accepts the document, or finds the one with the same bytes; then nothing is left of the new one."""
    for _ in range(_TURNS):
        holder_id = await app[COPIES].holder(document)
        if holder_id == document.id:
            await accept(app, document)
            return document
        if holder := await _held(app, document, holder_id):
            await forget(app, document)
            return holder
        await app[COPIES].take_over(document, holder_id)
    raise StoreUnavailable("document store", f"the holder of document {document.id} changes too fast")


async def _held(app: web.Application, document: Recording, holder_id: str) -> Recording | None:
    """The holder, if it is there, still in the course, and has not failed. One that was stored and not accepted is
    accepted now.
    """
    holder = await app[RECORDINGS].get_owned(document.owner_id, holder_id)
    if holder is None or holder.project_id != document.project_id or holder.status is RecordingStatus.FAILED:
        return None
    if holder.status is not RecordingStatus.AWAITING_UPLOAD:
        return holder
    try:
        await accept(app, holder)
    except Problem as gone:
        if gone.entry.code != "not_found":
            raise
        return None
    return holder.model_copy(update={"status": RecordingStatus.PROCESSING})


async def index(request: web.Request, query: DocumentQuery) -> DocumentList:
    """The caller's documents, newest first, a page at a time."""
    found = await request.app[RECORDINGS].lists.documents(
        request[CALLER],
        limit=query.limit + 1,
        before=query.cursor,
        status=query.status,
        project_id=query.course_id,
        title=query.q,
    )
    page, next_cursor = page_of(found, query.limit)
    return DocumentList(items=tuple(map(views.document, page)), next_cursor=next_cursor)


async def detail(request: web.Request) -> DocumentView:
    """A document with everything that is ready of it."""
    document = await owned_document(request)
    text = await request.app[PAGES].outline(document.id)
    return views.whole_document(document, text, await request.app[ANALYSES].get(document.id))


async def delete(request: web.Request) -> None:
    """Destroys the document with everything that was made of it: for its owner, and for an administrator."""
    await request.app[DELETION].destroy(await document_to_delete(request))


async def file(request: web.Request) -> web.StreamResponse:
    """The document's bytes, or a range of them, to be shown."""
    shown = original(await owned_document(request)).model_copy(update={"disposition": "inline"})
    return await send(request, shown)


async def rendition(request: web.Request) -> web.StreamResponse:
    """The bytes of what was made of the document, or a range of them."""
    return await send_rendition(request, await owned_document(request))


async def page(request: web.Request) -> PageView:
    """A page's text; empty where the page is a picture, as that of a scan."""
    document, number = await owned_document(request), _number(request)
    found = await request.app[PAGES].page(document.id, number)
    if found is None:
        raise _no_page(document, number)
    return views.page(document, found)


async def image(request: web.Request) -> web.StreamResponse:
    """A page's picture."""
    document, number = await owned_document(request), _number(request)
    if document.pages is not None and number > document.pages:
        raise _no_page(document, number)
    name = f"{PurePosixPath(document.filename).stem}-{number}.jpg"
    return await send(request, Download(key=keys.page(document.id, number), content_type="image/jpeg", filename=name))


def _number(request: web.Request) -> int:
    number = request.match_info["number"]
    if not _PAGE_NUMBER.fullmatch(number):
        raise Problem("not_found", "There is no such page: pages count from 1.")
    return int(number)


def _no_page(document: Recording, number: int) -> Problem:
    if document.pages is not None:
        return Problem("not_found", f"There is no page {number}: the document has {document.pages}.")
    return Problem("not_ready", "The page has not been read yet.")
