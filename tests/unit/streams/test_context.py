"""What a stage is given: writes that its fence guards, news that are not too many, facts that repeat themselves."""

import asyncio

import pytest

from schemas.events import read_event
from schemas.media import RenditionKind
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from streams.context import Context
from tests.unit.stores.jobs import a_job, a_recording, available, wake_of
from tests.unit.streams.fakes import NO_INTELLIGENCE, World, many_turns


async def claimed(world, job, workdir, at=None):
    at = at or now()
    job, step = await world.resources.jobs.change(
        job.id, lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 30, at)
    )
    return Context(world.resources, NO_INTELLIGENCE, job, step, lambda: workdir)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def job(world):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    return await world.resources.jobs.create(a_job(recording, at=now()))


@pytest.fixture
async def ctx(world, job, tmp_path):
    return await claimed(world, job, tmp_path)


async def test_progress_is_told_but_not_more_often_than_people_can_see(world, ctx, job):
    for fraction in (0.1, 0.2, 0.3):
        await ctx.progress(fraction)
    assert (await world.step(job)).progress == 10
    assert [event.type for event in world.publisher.events] == ["job.progressed"]


async def test_results_are_told_at_once(world, ctx, job):
    await ctx.progress(0.1)
    await ctx.progress(None, {"probe": {"container": "webm"}})
    told = world.publisher.events[-1].job
    assert told.results == (await ctx.job()).results == {"probe": {"container": "webm"}}


async def test_an_early_fact_is_on_its_topic_at_once_and_repeats_its_id(world, ctx, job):
    for _ in range(2):
        await ctx.put_out(available(job))
    told = [event for event in world.publisher.events if event.type == "audio.available"]
    assert {event.id for event in told} == {available(job).id}
    assert (await ctx.job()).outbox == []
    assert ctx.about("audio.available")["id"] == available(job).id


async def test_a_rendition_is_stored_and_listed(world, ctx, tmp_path):
    file = tmp_path / "audio.m4a"
    file.write_bytes(b"sound")
    made = await ctx.store_rendition(RenditionKind.AUDIO, file, "audio.m4a", "audio/mp4")
    recording = await world.resources.recordings.get(ctx.recording_id)
    assert recording.renditions == [made]
    assert (world.objects.stored[made.key], made.size_bytes) == (b"sound", 5)


async def test_every_write_of_an_overtaken_attempt_is_refused(world, job, ctx, tmp_path):
    old = ctx
    await world.resources.jobs.change(job.id, lambda job: lifecycle.give_back(job, "audio", 1, 0, now()))
    new = await claimed(world, job, tmp_path)
    await new.write_recording({"has_audio": True})
    file = tmp_path / "audio.m4a"
    file.write_bytes(b"sound")
    writes = (
        lambda: old.progress(0.9),
        lambda: old.put_out(read_event(job.facts[0])),
        lambda: old.write_recording({"has_audio": False}),
        lambda: old.store_rendition(RenditionKind.AUDIO, file, "audio.m4a", "audio/mp4"),
    )
    for write in writes:
        with pytest.raises(LeaseLost):
            await write()
    recording = await world.resources.recordings.get(job.recording_id)
    assert (recording.has_audio, recording.renditions) == (True, [])


async def test_a_job_that_is_gone_is_lost(world, ctx, job):
    await world.resources.jobs.delete(job.id)
    with pytest.raises(LeaseLost):
        await ctx.job()


async def test_work_waits_for_documents_and_then_goes_on(world, ctx, job):
    world.database.away = True
    saying = asyncio.create_task(ctx.progress(0.5, {"probe": 1}))
    await many_turns()
    assert not saying.done()
    world.database.away = False
    await asyncio.wait_for(saying, 5)
    assert (await world.step(job)).progress == 50


async def test_an_early_fact_that_kafka_does_not_take_is_owed_and_the_work_goes_on(world, ctx, job):
    world.publisher.away = True
    await ctx.put_out(available(job))
    assert available(job).id in (await ctx.job()).outbox
