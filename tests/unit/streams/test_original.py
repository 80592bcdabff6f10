"""Reading the original: whose fault it is when it cannot be read, and that nothing of the child is left."""

import asyncio
import os
from contextlib import aclosing

import pytest

from providers.child import Children
from schemas.failures import Permanent, Retryable
from schemas.pipeline import JobType
from stores.errors import StoreUnavailable
from streams import original
from streams.media.messages import Progress
from streams.media.scenes import find_scenes
from streams.original import over_original
from tests.unit.providers import child_work
from tests.unit.stores.jobs import a_recording
from tests.unit.streams.fakes import Providers, World, etag_of
from tests.unit.streams.working import asked_for


class Swapping:
    """Children that say something before and after somebody has put other bytes there."""

    def __init__(self, world: World, body: bytes, then: Exception | None = None) -> None:
        self.world, self.body, self.then = world, body, then

    async def run(self, entry, *args):
        yield "before"
        for key in self.world.objects.stored:
            self.world.objects.stored[key] = self.body
        yield Progress(0.5)
        if self.then:
            raise self.then
        yield "after"


class Failing:
    """Children that cannot do it."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    async def run(self, entry, *args):
        yield 1
        raise self.failure


UNREADABLE = Retryable("source_unreadable", "It broke off.")


async def read(world, folder, failure, *, there=True):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    if there:
        world.objects.stored[recording.object_key] = b"bytes"
    ctx = await asked_for(world, recording, JobType.SCENE_DETECTION, folder, Providers(Failing(failure)))
    return [message async for message in over_original(ctx, find_scenes, 6.0)]


async def test_a_store_that_is_away_costs_no_attempt(tmp_path):
    world = World()
    world.objects.away = True
    with pytest.raises(StoreUnavailable):
        await read(world, tmp_path, UNREADABLE)


async def test_a_store_that_is_there_again_is_asked_once_more(tmp_path):
    with pytest.raises(Retryable) as caught:
        await read(World(), tmp_path, UNREADABLE)
    assert caught.value is UNREADABLE


async def test_an_original_that_is_gone_will_not_come_back(tmp_path):
    with pytest.raises(Permanent, match="source_missing"):
        await read(World(), tmp_path, UNREADABLE, there=False)


@pytest.mark.parametrize("failure", [Retryable("disk_full", "Full."), Permanent("not_media", "It is a letter.")])
async def test_what_is_not_about_reading_stays_what_it_is(tmp_path, failure):
    world = World()
    world.objects.away = True
    with pytest.raises(type(failure)) as caught:
        await read(world, tmp_path, failure)
    assert caught.value is failure


async def swapped(folder, body: bytes, then: Exception | None = None, **fields):
    """What is passed on of a recording that is swapped while it is read, up to the error."""
    world, recording, passed = World(), a_recording(**fields), []
    await world.resources.recordings.create(recording)
    world.objects.stored[recording.object_key] = b"bytes"
    ctx = await asked_for(world, recording, JobType.SCENE_DETECTION, folder, Providers(Swapping(world, body, then)))
    try:
        async for message in over_original(ctx, find_scenes, 6.0):
            passed.append(message)
    except Permanent as failure:
        passed.append(failure.code)
    return passed


async def test_what_was_read_from_other_bytes_than_the_accepted_is_not_passed_on(tmp_path):
    accepted = etag_of(b"bytes")
    assert await swapped(tmp_path, b"other", etag=accepted) == ["before", Progress(0.5), "source_changed"]
    assert await swapped(tmp_path, b"other", UNREADABLE, etag=accepted) == ["before", Progress(0.5), "source_changed"]
    assert await swapped(tmp_path, b"bytes", etag=accepted) == ["before", Progress(0.5), "after"]
    assert await swapped(tmp_path, b"other") == ["before", Progress(0.5), "after"]


async def test_bytes_that_were_swapped_before_the_work_began_say_nothing(tmp_path):
    assert await swapped(tmp_path, b"bytes", etag=etag_of(b"the first")) == ["source_changed"]


class Writing:
    """Children that write two small files and say something; then they write a third one, and say nothing more."""

    def __init__(self, folder) -> None:
        self.folder, self.gone = folder, False

    async def run(self, entry, *args):
        try:
            for name in ("a", "b"):
                (self.folder / name).write_bytes(bytes(400))
            yield "said"
            (self.folder / "c").write_bytes(bytes(400))
            await asyncio.Event().wait()
        finally:
            self.gone = True


async def reading(world, children, folder, entry, *args):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    world.objects.stored[recording.object_key] = b"bytes"
    ctx = await asked_for(world, recording, JobType.SCENE_DETECTION, folder, Providers(children))
    return over_original(ctx, entry, *args)


@pytest.mark.parametrize(("most", "said"), [(1000, ["said"]), (700, [])])
async def test_all_that_a_child_writes_is_bounded_also_while_it_says_nothing(tmp_path, monkeypatch, most, said):
    monkeypatch.setattr(original, "output_bytes", lambda _: most)
    monkeypatch.setattr(original, "_LOOK_SECONDS", 0.001)
    children, passed = Writing(tmp_path), []
    try:
        async for message in await reading(World(), children, tmp_path, find_scenes, 6.0):
            passed.append(message)
    except Permanent as failure:
        passed.append(failure.code)
    assert (passed, children.gone) == ([*said, "output_limit"], True)


async def test_a_file_of_a_real_child_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(original, "output_bytes", lambda _: 1000)
    async with Children() as children:
        messages = await reading(World(), children, tmp_path, child_work.fill_beside, tmp_path)
        with pytest.raises(Permanent, match="output_limit"):
            [message async for message in messages]
    assert (tmp_path / "file").stat().st_size <= 1000


async def test_a_child_is_gone_as_soon_as_its_reading_is_closed(tmp_path):
    async with Children() as children:
        messages = await reading(World(), children, tmp_path, child_work.hang_beside)
        async with aclosing(messages):
            pid = await anext(messages)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_child_is_gone_before_work_that_was_cancelled_has_ended(tmp_path):
    async with Children() as children:
        messages = await reading(World(), children, tmp_path, child_work.hang_beside)
        pid = await anext(messages)
        waiting = asyncio.create_task(anext(messages))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
