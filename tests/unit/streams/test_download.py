"""The download step: what comes is stored as what it is, its address is forgotten, and nothing half is ever seen."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from schemas.failures import Permanent, Retryable
from stores import lifecycle
from stores.errors import LeaseLost
from streams.stages import download
from tests.unit.stores.jobs import START, a_lecture
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.working import context_of

WEBM = b"\x1a\x45\xdf\xa3....webm" + bytes(100)


class Source:
    """A source that has one file, of so many pieces; it may fail after them, or do something in between."""

    def __init__(self, *pieces, sound_alone=False, then=None):
        self.pieces, self.sound_alone, self.then = pieces, sound_alone, then
        self.asked = []

    @asynccontextmanager
    async def open(self, url):
        self.asked.append(url)

        async def chunks():
            for piece in self.pieces:
                yield piece
            if self.then is not None:
                await self.then()

        yield SimpleNamespace(head=self.pieces[0], chunks=chunks, fraction=0.5, sound_alone=self.sound_alone)


async def working(tmp_path, source, recording=None):
    """A world with a lecture, and the context of the step that downloads it."""
    world, recording = World(), recording or a_lecture()
    await world.resources.recordings.create(recording)
    job = lifecycle.lecture_job(recording, "bob", 3, START)
    await world.resources.jobs.create(job)
    ctx = await context_of(world, job, "download", tmp_path, Providers(downloads=source))
    return world, recording, ctx


async def test_a_lecture_is_stored_as_what_it_is_and_its_address_forgotten(tmp_path):
    source = Source(WEBM, b"more")
    world, recording, ctx = await working(tmp_path, source)
    outcome = await download.perform(ctx, None)
    stored = await world.resources.recordings.get(recording.id)
    assert world.objects.stored == {recording.object_key: WEBM + b"more"}
    assert source.asked == ["https://media.example/one.mp4?secret"]
    assert (stored.content_type, stored.filename) == ("video/webm", "lecture-one.webm")
    assert (stored.size_bytes, stored.to_be_downloaded, stored.lecture.url) == (len(WEBM) + 4, False, None)
    assert (outcome.event.type, outcome.event.source) == ("recording.uploaded", "lecture")
    told = outcome.event.model_dump_json() + str(await ctx.job()) + str(world.publisher.events)
    assert "secret" not in told


async def test_what_an_earlier_attempt_has_stored_is_not_downloaded_again(tmp_path):
    source = Source(WEBM)
    _, _, ctx = await working(tmp_path, source)
    first = await download.perform(ctx, None)
    again = await download.perform(ctx, None)
    assert len(source.asked) == 1
    assert again.event.model_dump(exclude={"occurred_at"}) == first.event.model_dump(exclude={"occurred_at"})


async def test_what_was_stored_and_is_gone_is_said_to_be(tmp_path):
    world, recording, ctx = await working(tmp_path, Source(WEBM))
    await download.perform(ctx, None)
    del world.objects.stored[recording.object_key]
    with pytest.raises(Permanent, match="source_missing"):
        await download.perform(ctx, None)


@pytest.mark.parametrize("page", [b"Sign in.", b"%PDF-1.7", b""])
async def test_what_is_no_media_is_not_stored(tmp_path, page):
    world, _, ctx = await working(tmp_path, Source(page))
    with pytest.raises(Permanent, match="download_not_media"):
        await download.perform(ctx, None)
    assert world.objects.stored == {}


async def test_a_page_is_called_one(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "can_find", lambda: False)
    _, _, ctx = await working(tmp_path, Source(b"\n<!DOCTYPE html><html>"))
    with pytest.raises(Permanent, match="web page"):
        await download.perform(ctx, None)


class Pages(Source):
    """A source with a page at the lecture's address, and a film where the page says."""

    @asynccontextmanager
    async def open(self, url):
        self.pieces = (WEBM,) if url.endswith("/film.webm") else (b"<html><video></html>",)
        async with super().open(url) as stream:
            yield stream


class Finder:
    """A child that finds the same media in every page, if any."""

    def __init__(self, *found):
        self.found = found

    async def run(self, entry, page, allowed):
        assert (entry.__name__, page) == ("find_media", "https://media.example/one.mp4?secret")
        for address in self.found:
            yield address


async def test_the_media_behind_a_page_is_taken(tmp_path):
    source = Pages()
    world, recording, ctx = await working(tmp_path, source)
    ctx._intelligence.children = Finder("https://media.example/film.webm")
    await download.perform(ctx, None)
    assert world.objects.stored == {recording.object_key: WEBM}
    assert source.asked[1:] == ["https://media.example/film.webm"]


async def test_a_page_behind_a_page_is_no_media(tmp_path):
    world, _, ctx = await working(tmp_path, Pages())
    ctx._intelligence.children = Finder("https://media.example/other")
    with pytest.raises(Permanent, match="download_not_media"):
        await download.perform(ctx, None)
    assert world.objects.stored == {}


async def test_what_takes_too_long_is_no_fault_of_the_stage(tmp_path):
    world, _, ctx = await working(tmp_path, Source(WEBM, then=asyncio.Event().wait))
    ctx.settings = ctx.settings.model_copy(update={"download_seconds": 0.01})
    with pytest.raises(Permanent, match="DOWNLOAD_SECONDS") as failure:
        await download.perform(ctx, None)
    assert failure.value.code == "download_failed"
    assert world.objects.stored == {}


async def test_what_breaks_off_leaves_nothing(tmp_path):
    async def broken():
        raise Retryable("download_unavailable", "The download broke off.")

    world, recording, ctx = await working(tmp_path, Source(WEBM, then=broken))
    with pytest.raises(Retryable):
        await download.perform(ctx, None)
    assert world.objects.stored == {}
    assert (await world.resources.recordings.get(recording.id)).to_be_downloaded


async def test_what_nobody_foresaw_of_a_source_is_no_fault_of_the_stage(tmp_path):
    async def odd():
        int("1" * 5000)

    world, _, ctx = await working(tmp_path, Source(WEBM, then=odd))
    with pytest.raises(Permanent, match="download_failed"):
        await download.perform(ctx, None)
    assert world.objects.stored == {}
    _, _, ctx = await working(tmp_path, Source())  # opening it fails
    with pytest.raises(Permanent, match="download_failed"):
        await download.perform(ctx, None)


async def test_a_step_that_was_taken_over_lets_nothing_appear(tmp_path):
    async def taken():
        await world.resources.jobs.change(ctx.job_id, lambda job: lifecycle.cancel(job, START))

    world, _, ctx = await working(tmp_path, Source(WEBM, then=taken))
    ctx.known = await ctx.job()
    with pytest.raises(LeaseLost):
        await download.perform(ctx, None)
    assert world.objects.stored == {}


async def test_it_is_noted_when_the_sound_comes_alone(tmp_path):
    _, _, ctx = await working(tmp_path, Source(WEBM, sound_alone=True))
    await download.perform(ctx, None)
    assert any("only the sound" in line.message for line in (await ctx.job()).logs)


async def test_without_an_address_it_fails_for_good(tmp_path):
    lecture = a_lecture()
    lecture.lecture.url = None
    _, _, ctx = await working(tmp_path, Source(WEBM), lecture)
    with pytest.raises(Permanent, match="download_failed"):
        await download.perform(ctx, None)
