"""A document through the stage, with real children: whatever its pages do, it ends, and says why."""

import asyncio
from io import BytesIO

import pytest
from pypdfium2 import PdfDocument

from providers.child import Children
from schemas.failures import Permanent, Retryable, StepFailure
from streams.documents.messages import Opened, PageRead, Sheet
from streams.stages import pages
from tests.media import pdf
from tests.unit.stores.jobs import a_document, a_job
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.working import context_of
from tests.work import jobs_of


async def at_work(data, children, folder, **settings):
    """The world and the context of the step that is to read that document."""
    world, document = World(**settings), a_document(size_bytes=len(data))
    await world.resources.recordings.create(document)
    await world.objects.put(document.object_key, data, "application/pdf")
    job = await world.resources.jobs.create(a_job(document))
    return world, await context_of(world, job, "pages", folder, Providers(children))


async def read(data, folder, memory_mb=2048, **settings):
    """The world, the document and the outcome, after it has been read."""
    async with Children(memory_mb=memory_mb) as children:
        world, ctx = await at_work(data, children, folder, **settings)
        outcome = await pages.perform(ctx, None)
        assert children.pids == ()
    return world, await ctx.recording(), outcome


async def test_text_and_pictures_are_stored(tmp_path):
    data = pdf.document([f"This is page {number}." for number in range(1, 13)], language="en")
    world, document, outcome = await read(data, tmp_path)
    text = await world.resources.pages.get(document.id)
    assert (text.complete, text.language) == (True, "en")
    assert [page.text for page in text.pages] == [f"This is page {number}." for number in range(1, 13)]
    assert await world.resources.pages.page(document.id, 11) == text.pages[10]
    stored = [key for key in world.objects.stored if "/pages/" in key]
    assert stored == [f"recordings/{document.id}/pages/{number:05d}.jpg" for number in range(1, 13)]
    assert [made.kind.value for made in document.renditions] == ["poster"]
    assert (document.pages, document.language) == (12, "en")
    assert outcome.results == {"pages": {"language": "en", "pages": 12, "words": 48, "unreadable": 0}}
    assert (outcome.event.type, outcome.event.pages, outcome.event.words) == ("document.read", 12, 48)
    assert {file.name for file in tmp_path.iterdir()} == {"original", "poster.jpg"}, "pictures do not pile up"


async def test_a_scan_completes_and_says_that_it_has_no_text(tmp_path):
    world, document, outcome = await read(pdf.scanned(), tmp_path)
    assert outcome.results["pages"]["words"] == 0
    (job,) = await jobs_of(world.resources.jobs, document.id)
    assert "no text" in job.logs[-1].message


async def refused(data, folder, **settings) -> StepFailure:
    with pytest.raises(Permanent) as caught:
        await read(data, folder, **settings)
    return caught.value


async def test_ten_thousand_pages_are_refused_at_once(tmp_path):
    failure = await refused(pdf.document(["x"] * 10_000), tmp_path)
    assert failure.code == "document_too_long"
    assert "10000 pages" in failure.detail
    assert "DOCUMENT_PAGES" in failure.detail


async def test_a_locked_document_is_refused(tmp_path):
    assert (await refused(pdf.encrypted("sesame"), tmp_path)).code == "document_encrypted"


async def test_a_document_of_broken_pages_alone_is_broken(tmp_path):
    loop = pdf.objects(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 3 >>")
    failure = await refused(loop, tmp_path)
    assert (failure.code, "none of its pages" in failure.detail) == ("document_broken", True)


async def test_more_text_than_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.stages.pages.MAX_LETTERS", 30)
    failure = await refused(pdf.document(["twenty letters a page"] * 3), tmp_path)
    assert (failure.code, "page 2" in failure.detail) == ("document_too_long", True)


LITTLE = 256
"""Megabytes: enough for a page, and soon used up by one that wants all."""
BOMB = pdf.of_contents([b" " * (256 * 2**20)], packed=True)


async def test_a_bomb_takes_its_child_and_its_page(tmp_path):
    async with Children(memory_mb=LITTLE) as children:
        _, ctx = await at_work(BOMB, children, tmp_path)
        with pytest.raises(Permanent, match="none of its pages"):
            await pages.perform(ctx, None)
    assert any("Page 1 was passed over" in line.message for line in ctx.known.logs)


GREEDY = pdf.forms_in_forms(12, 10)


async def test_a_page_that_wants_everything_is_passed_over_and_the_others_are_read(tmp_path):
    world, document, outcome = await read(_between(GREEDY), tmp_path, LITTLE)
    text = await world.resources.pages.get(document.id)
    assert [page.readable for page in text.pages] == [True, False, True]
    assert [page.text for page in text.pages] == ["before", "", "after"]
    assert outcome.results["pages"]["unreadable"] == 1


def _between(middle: bytes) -> bytes:
    """A document of three pages: words, the page of that document, words."""
    out = BytesIO()
    with PdfDocument.new() as made:
        for data in (pdf.document(["before"]), middle, pdf.document(["after"])):
            with PdfDocument(data) as source:
                made.import_pages(source)
        made.save(out)
    return out.getvalue()


async def test_one_hostile_page_after_another_ends_the_reading(tmp_path, monkeypatch):
    monkeypatch.setattr("streams.documents.reading._MOST_PASSED_OVER", 0)
    failure = await refused(GREEDY, tmp_path, memory_mb=LITTLE)
    assert (failure.code, "Page 1 cannot be read" in failure.detail) == ("document_broken", True)


class Silent:
    """Children that say so much and then nothing more; how many there were, and whether they are gone."""

    def __init__(self, *messages) -> None:
        self.messages, self.made, self.gone = messages, 0, 0

    async def run(self, *_):
        self.made += 1
        try:
            for message in self.messages:
                yield message
            await asyncio.Event().wait()
        finally:
            self.gone += 1


async def test_a_page_that_takes_for_ever_is_given_two_children(tmp_path):
    children = Silent(Opened(1))
    _, ctx = await at_work(b"%PDF-1.7", children, tmp_path, document_page_seconds=0.01)
    with pytest.raises(Permanent, match="none of its pages"):
        await pages.perform(ctx, None)
    assert (children.made, children.gone) == (2, 2)
    assert any("longer than 0.01 seconds" in line.message for line in ctx.known.logs)


async def test_what_cannot_even_be_opened_ends(tmp_path):
    children = Silent()
    _, ctx = await at_work(b"%PDF-1.7", children, tmp_path, document_page_seconds=0.01)
    with pytest.raises(Permanent, match="cannot be opened"):
        await pages.perform(ctx, None)
    assert (children.made, children.gone) == (2, 2)


@pytest.mark.parametrize("number", [0, 5, -1])
async def test_pages_in_no_order_are_not_believed(tmp_path, number):
    _, ctx = await at_work(b"%PDF-1.7", Silent(Opened(3), PageRead(number, "lies")), tmp_path)
    with pytest.raises(Permanent, match="document_broken"):
        await pages.perform(ctx, None)
    assert not any(page.text or page.readable for page in (await ctx.pages.get(ctx.recording_id)).pages)


async def test_a_picture_that_lies_elsewhere_is_never_stored(tmp_path):
    folder, secret = tmp_path / "work", tmp_path / "secret"
    folder.mkdir()
    secret.write_bytes(b"secret")
    world, ctx = await at_work(b"%PDF-1.7", Silent(Opened(1), PageRead(1, "", Sheet(secret, 1, 1))), folder)
    with pytest.raises(Retryable, match="child_crashed"):
        await pages.perform(ctx, None)
    assert b"secret" not in world.objects.stored.values()


async def test_a_document_that_was_replaced_is_not_read(tmp_path):
    world, ctx = await at_work(b"%PDF-1.7", Silent(), tmp_path)
    await world.objects.put((await ctx.recording()).object_key, b"%PDF-1.7 and more", "application/pdf")
    with pytest.raises(Permanent, match="source_changed"):
        await pages.perform(ctx, None)
    await world.objects.delete_prefix("recordings/")
    with pytest.raises(Permanent, match="source_missing"):
        await pages.perform(ctx, None)
