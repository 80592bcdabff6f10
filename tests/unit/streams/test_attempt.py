"""One attempt: how each way of ending it comes out in the job."""

import asyncio
from datetime import timedelta

from schemas.events import read_event
from schemas.failures import Busy, Permanent, Retryable
from schemas.jobs import Status, Step
from schemas.time import now
from stores import keys, lifecycle
from stores.errors import LeaseLost, StoreUnavailable
from streams.attempt import Attempt, _backoff
from tests.unit.stores.jobs import a_job, result_of, wake_of
from tests.unit.streams.fakes import NO_INTELLIGENCE, World, eventually, many_turns, outcome, stage_of


async def claimed(world: World, perform, limit: float = 60, attempts: int = 3):
    """A stored job, and the attempt at its first step."""
    job = await world.resources.jobs.create(a_job(attempts=attempts, at=now()))
    lease = world.settings.lease_seconds
    job, step = await world.resources.jobs.change(
        job.id, lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", lease, now())
    )
    event = read_event(job.facts[0])
    return job, Attempt(stage_of(perform, limit), world.resources, NO_INTELLIGENCE, job, step, event)


def raising(error: Exception):
    async def perform(ctx, event):
        raise error

    return perform


async def forever(ctx, event):
    await asyncio.Event().wait()


async def quick(ctx, event):
    return outcome(await ctx.job())


async def test_a_retryable_error_is_tried_again_after_what_the_other_side_said():
    world = World()
    job, attempt = await claimed(world, raising(Retryable("provider_busy", "Later.", 70)))
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.attempt, step.error.code) == (Status.QUEUED, 1, "provider_busy")
    assert timedelta(seconds=60) < step.not_before - now() <= timedelta(seconds=70)


async def test_a_store_that_is_away_costs_no_attempt():
    world = World()
    job, attempt = await claimed(world, raising(StoreUnavailable("object store", "it is away")), attempts=1)
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.attempt) == (Status.QUEUED, 0)
    assert step.not_before > now()


async def test_without_a_word_from_the_other_side_the_pause_grows():
    world = World(retry_delay_seconds=100)
    for number, longest in ((1, 100), (2, 200), (3, 300)):
        job, attempt = await claimed(world, raising(Retryable("away", "Away.")), attempts=9)
        attempt._step.attempt = number
        await attempt.run()
        pause = ((await world.step(job)).not_before - now()).total_seconds()
        assert longest / 2 - 1 <= pause <= longest


async def test_a_pause_that_was_asked_for_is_kept_however_long():
    assert all(1800 <= _backoff(Step(name="audio", attempt=number), 3600) <= 3600 for number in (1, 2, 9))


async def test_what_was_written_under_a_deleted_recording_goes_too():
    world = World()

    async def overtaken(ctx, event):
        await ctx.transcripts.begin(ctx.recording_id, ctx.fence, "speech")
        await ctx.objects.put(keys.speech_part(ctx.recording_id, 0), b"sound", "audio/pcm")
        await world.resources.jobs.delete(ctx.job_id)
        await ctx.progress(0.5, {})

    job, attempt = await claimed(world, overtaken)
    await attempt.run()
    assert await world.resources.objects.keys(keys.recording_prefix(job.recording_id)) == []
    assert await world.resources.transcripts.get(job.recording_id) is None


async def test_a_permanent_error_fails_the_step():
    world = World()
    job, attempt = await claimed(world, raising(Permanent("no_media", "No sound, no picture.")))
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.error.code, step.error.detail) == (Status.FAILED, "no_media", "No sound, no picture.")


async def test_a_busy_step_is_given_back_and_its_attempt_does_not_count():
    world = World()
    job, attempt = await claimed(world, raising(Busy("full", "Full.", 40)))
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.attempt, step.error) == (Status.QUEUED, 0, None)
    assert step.not_before - now() > timedelta(seconds=30)


async def test_a_step_that_takes_too_long_is_stopped_and_says_so():
    world = World()
    job, attempt = await claimed(world, forever, limit=0.01)
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.error.code) == (Status.QUEUED, "timeout")
    assert "0.01 seconds (MEDIA_STEP_SECONDS)" in step.error.detail


async def test_an_error_that_nobody_foresaw_is_tried_again_without_showing_itself():
    world = World()
    job, attempt = await claimed(world, raising(ValueError("secret of the house")))
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.error.code) == (Status.QUEUED, "unexpected")
    assert "secret" not in (await world.resources.jobs.get(job.id)).model_dump_json()


async def test_the_last_attempt_leaves_a_dead_letter():
    world = World()
    job, attempt = await claimed(world, raising(Retryable("away", "Away.")), attempts=1)
    await attempt.run()
    assert (await world.step(job)).status is Status.FAILED
    assert "dead.letter" in world.publisher.types()


async def test_an_ending_that_comes_too_late_is_refused():
    world = World()

    async def perform(ctx, event):
        await world.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
        return outcome(await ctx.job())

    job, attempt = await claimed(world, perform)
    await attempt.run()
    assert (await world.step(job)).status is Status.CANCELLED
    assert "audio.extracted" not in world.publisher.types()


async def test_work_whose_place_newer_work_has_taken_fails_and_says_so():
    """The claim is ours, but what it writes is refused: no other attempt would fare better."""
    world = World()
    job, attempt = await claimed(world, raising(LeaseLost("a newer job has written")))
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.error.code) == (Status.FAILED, "superseded")


async def test_work_that_notices_the_loss_itself_writes_nothing():
    world = World()

    async def perform(ctx, event):
        await world.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
        raise LeaseLost("somebody else has it")

    job, attempt = await claimed(world, perform)
    await attempt.run()
    step = await world.step(job)
    assert (step.status, step.error) == (Status.CANCELLED, None)


async def test_an_ending_waits_for_the_store():
    world = World()

    async def perform(ctx, event):
        done = outcome(await ctx.job())
        world.database.away = True
        return done

    job, attempt = await claimed(world, perform)
    running = asyncio.create_task(attempt.run())
    await eventually(lambda: world.database.away)
    await many_turns()
    world.database.away = False
    await running
    assert (await world.step(job)).status is Status.COMPLETED


async def test_what_kafka_does_not_take_stays_owed():
    world = World()
    world.publisher.away = True
    job, attempt = await claimed(world, quick)
    await attempt.run()
    stored = await world.resources.jobs.get(job.id)
    assert stored.step("audio").status is Status.COMPLETED
    assert (stored.outbox, stored.announce) == ([result_of(job, "audio").id], True)
    assert stored.sweep_at <= now() + timedelta(seconds=8)


async def test_cancelled_it_gives_back_even_while_kafka_hangs():
    world = World()
    world.publisher.hung = True
    job, attempt = await claimed(world, forever)
    running = asyncio.create_task(attempt.run())
    await many_turns()
    world.publisher.hung = False
    running.cancel()
    await running
    step = await world.step(job)
    assert (step.status, step.attempt) == (Status.QUEUED, 0)


async def test_what_is_given_back_wakes_somebody_else_at_once():
    world = World()
    job, attempt = await claimed(world, forever)
    running = asyncio.create_task(attempt.run())
    await many_turns()
    world.publisher.events.clear()
    running.cancel()
    await running
    assert world.publisher.types() == ["recording.uploaded"]
    assert (await world.resources.jobs.get(job.id)).outbox == []


async def test_the_folder_of_the_work_is_gone_afterwards():
    world = World()
    seen = []

    async def perform(ctx, event):
        (ctx.workdir / "large").write_bytes(b"x")
        seen.append(ctx.workdir)
        return outcome(await ctx.job())

    _, attempt = await claimed(world, perform)
    await attempt.run()
    assert not seen[0].exists()
