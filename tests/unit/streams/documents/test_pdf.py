"""Reading PDFs: what is on a page is found, in bounds, whatever the page says of itself."""

from pathlib import Path

import pytest
from PIL import Image
from pypdfium2 import PdfDocument

from schemas.failures import Permanent
from streams.documents import limits
from streams.documents.messages import Opened, PageRead
from streams.documents.pdf import read_pdf
from tests.media import pdf


def read(folder: Path, data: bytes, most_pages: int = 10, first: int = 1) -> list[Opened | PageRead]:
    source = folder / "source"
    source.write_bytes(data)
    return list(read_pdf(source, folder, most_pages, first))


def refusal(folder: Path, data: bytes) -> str:
    with pytest.raises(Permanent) as caught:
        read(folder, data)
    return caught.value.code


def test_each_page_has_its_text_and_its_picture(tmp_path):
    opened, first, second = read(tmp_path, pdf.document(["One line.\nAnother (really).", "The end."], language="en-GB"))
    assert opened == Opened(2, "en-GB")
    assert (first.number, first.text) == (1, "One line.\nAnother (really).")
    assert (second.number, second.text) == (2, "The end.")
    assert (first.poster is not None, second.poster) == (True, None)
    with Image.open(first.sheet.path) as sheet, Image.open(first.poster) as poster:
        assert (sheet.format, sheet.size) == ("JPEG", (first.sheet.width, first.sheet.height))
        assert max(sheet.size) == limits.MAX_SHEET_SIDE
        assert sheet.convert("L").getextrema() == (0, 255)
        assert max(poster.size) == limits.POSTER_SIDE


def test_it_goes_on_from_a_page(tmp_path):
    opened, third = read(tmp_path, pdf.document(["1", "2", "3"]), first=3)
    assert (opened.pages, third.number, third.text) == (3, 3, "3")


def test_a_document_that_pdfium_itself_made(tmp_path):
    with PdfDocument.new() as made:
        made.new_page(200, 400).close()
        made.save(tmp_path / "made")
    opened, page = read(tmp_path, (tmp_path / "made").read_bytes())
    assert (opened.pages, opened.language, page.text) == (1, None, "")
    assert (page.sheet.width, page.sheet.height) == (800, 1600)


def test_a_scan_has_pictures_and_no_text(tmp_path):
    _, *pages = read(tmp_path, pdf.scanned(2))
    assert [page.text for page in pages] == ["", ""]
    with Image.open(pages[0].sheet.path) as sheet:
        assert sheet.convert("L").getpixel((500, 500)) == pytest.approx(128, abs=3)


def test_words_that_are_divided_are_put_together(tmp_path):
    _, page = read(tmp_path, pdf.of_contents([b"BT /F1 11 Tf 14 TL 60 780 Td (photo\255) Tj T* (synthesis) Tj ET"]))
    assert page.text == "photosynthesis"


def test_more_pages_than_are_read(tmp_path):
    assert refusal(tmp_path, pdf.document(["x"] * 11)) == "document_too_long"


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-1.7\n", b"just words " * 100, pdf.document(["x"])[:300], pdf.objects(b"<< /Type /Catalog >>")],
    ids=["empty", "head", "words", "cut", "no pages"],
)
def test_what_cannot_be_opened_is_broken(tmp_path, data):
    assert refusal(tmp_path, data) == "document_broken"


def test_a_password_is_asked_for_by_name(tmp_path):
    assert refusal(tmp_path, pdf.encrypted("sesame")) == "document_encrypted"


def test_an_empty_password_is_none(tmp_path):
    opened, page = read(tmp_path, pdf.encrypted(""))
    assert (opened.pages, page.sheet is not None) == (1, True)


@pytest.mark.parametrize(
    "size", [b"0 0 1000000000 1000000000", b"0 0 1000000000 1", b"0 0 1e999 -5", b"7 7 7 7", b"0 0 -100 -200", b"x"]
)
def test_a_page_of_any_size_gives_a_picture_of_a_bounded_one(tmp_path, size):
    _, page = read(tmp_path, pdf.document(["x"]).replace(b"0 0 595 842", size))
    assert min(page.sheet.width, page.sheet.height) >= 1
    assert max(page.sheet.width, page.sheet.height) <= limits.MAX_SHEET_SIDE


def test_pages_that_are_their_own_parents_are_passed_over(tmp_path):
    loop = pdf.objects(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 3 >>")
    opened, *pages = read(tmp_path, loop)
    assert (opened.pages, [page.sheet for page in pages]) == (3, [None] * 3)


def test_a_broken_page_takes_no_other_away(tmp_path):
    data = pdf.document(["one", "two", "three"]).replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [4 0 R 1 0 R 8 0 R]")
    _, *pages = read(tmp_path, data)
    assert {page.number for page in pages} == {1, 2, 3}
    assert next(page.text for page in pages if page.sheet) == "one"


def test_a_page_of_more_letters_than_a_newspaper_has(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.documents.pdf.MAX_PAGE_LETTERS", 10)
    _, page = read(tmp_path, pdf.document(["word " * 100]))
    assert page.text == "word word"
