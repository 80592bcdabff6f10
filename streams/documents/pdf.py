"""Reading a PDF, page by page: the text that it holds, and a picture of it. Nothing in it is run.

PDFium (BSD licence) is what Chromium opens PDFs with. It is not safe from several threads, and is not to be: there is
one child a document. Forms are not filled in, scripts are not run, and nothing is fetched.
"""

import math
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from PIL import Image
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage, raw

from schemas.failures import Permanent
from streams.documents.limits import MAX_PAGE_LETTERS, MAX_SHEET_SIDE, POSTER_SIDE
from streams.documents.messages import DocumentMessage, Opened, PageRead, Sheet
from streams.media.memory import short_of_memory

_LOCKED = (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
_QUALITY = 80
_TAG_BYTES = 128
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SOFT_HYPHEN = re.compile("[\x02\xad\ufffe](\r?\n)?")
"""How PDFium shows a word that is divided at the end of a line."""
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def read_pdf(source: Path, workdir: Path, most_pages: int, first: int = 1) -> Iterator[DocumentMessage]:
    """Yields Opened, then a PageRead for each page from `first` on. Writes pictures into `workdir`. Blocks.

    Of a page that is broken it says nothing but that. Raises Permanent: document_encrypted, document_broken (it cannot
    be opened), document_too_long; MemoryError when most of the memory is used up. PDFium ends the process when it gets
    no memory at all.
    """
    with closing(_opened(source)) as document:
        pages = len(document)
        if pages > most_pages:
            detail = f"The document has {pages} pages; at most {most_pages} are read (DOCUMENT_PAGES)."
            raise Permanent("document_too_long", detail)
        yield Opened(pages, _language(document))
        poster = False
        for number in range(first, pages + 1):
            read = _page(document, number, workdir, wants_poster=not poster)
            poster = poster or read.poster is not None
            yield read


def _opened(source: Path) -> PdfDocument:
    try:
        return PdfDocument(source)
    except PdfiumError as error:
        _expect_memory()
        if error.err_code in _LOCKED:
            raise Permanent("document_encrypted", "It opens with a password only: send it without.") from error
        raise Permanent("document_broken", "The document is broken: it cannot be opened.") from error


def _page(document: PdfDocument, number: int, workdir: Path, *, wants_poster: bool) -> PageRead:
    try:
        with closing(document[number - 1]) as page:
            text = _text(page)
            picture = _picture(page)
    except (PdfiumError, ValueError, OverflowError):
        _expect_memory()
        return PageRead(number)
    poster = _written(picture, workdir / "poster.jpg", POSTER_SIDE).path if wants_poster else None
    return PageRead(number, text, _written(picture, workdir / f"{number:05d}.jpg", MAX_SHEET_SIDE), poster)


def _expect_memory() -> None:
    """PDFium does not say why something cannot be had."""
    if short_of_memory():
        raise MemoryError


def _text(page: PdfPage) -> str:
    with closing(page.get_textpage()) as found:
        text = found.get_text_bounded()[: 2 * MAX_PAGE_LETTERS]
    lines = _SOFT_HYPHEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_TEXT.sub(" ", lines)[:MAX_PAGE_LETTERS].strip()


def _picture(page: PdfPage) -> Image.Image:
    """The page as it is printed, its longer side MAX_SHEET_SIDE pixels long, whatever its own measure is."""
    width, height = page.get_size()
    if not (math.isfinite(width) and math.isfinite(height) and min(width, height) > 0):
        raise ValueError("a page of no size")
    scale = MAX_SHEET_SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    bitmap = PdfBitmap.new_native(*size, raw.FPDFBitmap_BGRx)
    with closing(bitmap):
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
        raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, *size, 0, raw.FPDF_ANNOT | raw.FPDF_RENDER_LIMITEDIMAGECACHE)
        picture: Image.Image = bitmap.to_pil().convert("RGB")
    return picture


def _written(picture: Image.Image, path: Path, side: int) -> Sheet:
    if max(picture.size) > side:
        picture = picture.copy()
        picture.thumbnail((side, side))
    picture.save(path, "JPEG", quality=_QUALITY)
    return Sheet(path, *picture.size)


def _language(document: PdfDocument) -> str | None:
    """The language that the document's catalogue names, if that is a tag."""
    buffer = (raw.FPDF_WCHAR * _TAG_BYTES)()
    length = raw.FPDFCatalog_GetLanguage(document, buffer, 2 * _TAG_BYTES)
    tag = bytes(buffer)[: max(length - 2, 0)].decode("utf-16-le", errors="replace") if length <= 2 * _TAG_BYTES else ""
    return tag if _LANGUAGE.fullmatch(tag) else None
