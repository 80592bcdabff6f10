"""The sweeper: what nobody else looks after is paid, taken back and woken, once."""

import asyncio
from datetime import timedelta

import pytest

from schemas.events import read_event
from schemas.jobs import Failure, Status
from schemas.time import now
from schemas.workers import StageState, Worker
from stores import lifecycle
from stores.errors import StoreUnavailable
from streams.stages import STAGES
from streams.sweeper import Sweeper
from tests.unit.stores.jobs import a_job, a_recording, available, result_of, wake_of
from tests.unit.streams.fakes import World, eventually


@pytest.fixture
def world() -> World:
    return World(sweep_seconds=0.01)


@pytest.fixture
def sweeper(world) -> Sweeper:
    return Sweeper(world.resources, STAGES)


async def stored(world, job, *transitions):
    """The job in the store, after transitions that all happened a minute ago."""
    for transition in transitions:
        transition(job)
    return await world.resources.jobs.create(job)


def a_minute_ago():
    return now() - timedelta(minutes=1)


def claim(stage, lease=10, at=None):
    at = at or a_minute_ago()
    return lambda job: lifecycle.claim(job, stage, wake_of(job, stage), "gone", lease, at)


def paid(job):
    lifecycle.published(job, list(job.outbox), job.version, a_minute_ago())


async def alarms(world):
    """The moments for which looks are asked."""
    due = await world.resources.jobs.alarms.due(now() + timedelta(days=999), 1000)
    return [look.at for alarm in due for look in alarm.looks]


async def test_what_a_writer_left_is_paid(world, sweeper):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    job = await stored(world, a_job(recording, at=a_minute_ago()), lambda job: lifecycle.cancel(job, a_minute_ago()))
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"]
    assert world.publisher.events[-1].job.status is Status.CANCELLED
    assert (await world.resources.recordings.get(recording.id)).status == "failed"
    stored_job = await world.resources.jobs.get(job.id)
    assert (stored_job.outbox, stored_job.announce, stored_job.sweep_at) == ([], False, None)


async def test_an_expired_step_is_woken_with_the_fact_it_waits_for(world, sweeper):
    def put_out(job):
        lifecycle.put_out(job, "audio", 1, available(job), a_minute_ago())

    def complete(job):
        lifecycle.complete(job, "audio", 1, {}, result_of(job, "audio"), a_minute_ago())

    job = await stored(
        world,
        a_job(at=a_minute_ago()),
        claim("audio"),
        put_out,
        claim("transcribe"),
        complete,
        claim("render", 300),
        paid,
    )
    await sweeper.sweep()
    assert world.publisher.types() == ["audio.extracted"], "the newest fact of the stage, and no other stage's"
    step = await world.step(job, "transcribe")
    assert (step.status, step.attempt, step.losses, step.fence) == (Status.QUEUED, 0, 1, 1)


async def test_a_step_is_not_woken_before_it_is_due(world, sweeper):
    await stored(world, a_job(at=a_minute_ago()), paid)
    await stored(world, a_job(at=a_minute_ago()), claim("audio", 300), claim("render", 300), paid)
    await sweeper.sweep()
    assert world.publisher.events == []


def a_worker(name, stages=None, seen=None):
    return Worker(id=name, host="h", pid=1, version="1", stages=stages or {}, started_at=now(), seen_at=seen or now())


def waiting(at):
    """A worker where an event of that moment waits for a slot of `audio`, and of `render`."""
    return a_worker("w", dict.fromkeys(("audio", "render"), StageState(slots=2, running=2, waiting_since=at)))


@pytest.mark.parametrize(("older_by", "woken"), [(1, False), (0, False), (-1, True)])
@pytest.mark.parametrize("others", [(), (claim("render", 7200, now()),)], ids=["alone", "beside one that runs"])
async def test_a_step_whose_stage_still_holds_older_events_waits_its_turn(world, sweeper, older_by, woken, others):
    uploaded = now() - timedelta(hours=1)
    job = a_job(at=uploaded)
    await world.resources.workers.seen(waiting(read_event(job.facts[0]).occurred_at - timedelta(seconds=older_by)))
    await stored(world, job, *others, paid)
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"] * woken
    left = await world.resources.jobs.get(job.id)
    assert left.sweep_at > now()
    assert left.sweep_at in await alarms(world), "it is looked at again"


async def test_a_step_that_nobody_claims_is_woken_after_half_an_hour_whatever_its_stage_holds(world, sweeper):
    job = a_job(at=now() - timedelta(hours=1))
    await world.resources.workers.seen(waiting(now() - timedelta(days=1)))
    for step in job.steps:
        step.wakes = 2
    await stored(world, job, paid)
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"]


async def test_a_lost_step_whose_wake_was_refused_is_woken_again_whatever_its_stage_holds(world, sweeper):
    await world.resources.workers.seen(waiting(now() - timedelta(days=1)))
    job = a_job(at=a_minute_ago())
    await stored(world, job, claim("audio"), claim("render", 300), paid)
    await sweeper.sweep()
    await world.resources.jobs.change(job.id, lambda job: lifecycle.expire(job, now() + timedelta(seconds=20)))

    def due_again(job):
        job.step("audio").wake_at = job.sweep_at = a_minute_ago()

    await world.resources.jobs.change(job.id, due_again)
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"] * 2


async def test_a_step_that_was_put_off_is_woken_when_its_time_has_come(world, sweeper):
    job = a_job(at=a_minute_ago())
    await world.resources.workers.seen(waiting(a_minute_ago() - timedelta(days=1)))
    busy = Failure(code="recording_busy", detail="x")
    put_off = [claim("audio"), lambda job: lifecycle.put_off(job, "audio", 1, busy, 1, a_minute_ago())]
    await stored(world, job, *put_off, claim("render", 300), paid)
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"]


async def test_one_of_many_sweepers_looks_after_a_job(world):
    await stored(world, a_job(at=a_minute_ago()), claim("audio"), claim("render", 300), paid)
    await asyncio.gather(*(Sweeper(world.resources, STAGES).sweep() for _ in range(5)))
    assert world.publisher.types() == ["recording.uploaded"]


async def test_workers_share_the_alarms_and_what_nobody_heard_in_time_is_everybodys(world):
    for name in ("one", "two"):
        await world.resources.workers.seen(a_worker(name))
    for _ in range(40):
        job = await world.resources.jobs.create(a_job(at=now()))
        await world.resources.jobs.alarms.set(job.id, now())
    await Sweeper(world.resources, STAGES, "one").sweep()
    left = await world.resources.jobs.alarms.due(now(), 1000)
    assert 0 < len(left) < 40
    await Sweeper(world.resources, STAGES, "two").sweep()
    assert await world.resources.jobs.alarms.due(now(), 1000) == []


@pytest.mark.parametrize(("silent", "late"), [(0, 6), (6, 0)], ids=["late alarms", "of one that is gone"])
async def test_no_alarm_waits_for_a_worker_that_does_not_hear(world, silent, late):
    await world.resources.workers.seen(a_worker("deaf", seen=now() - timedelta(seconds=silent)))
    await world.resources.workers.seen(a_worker("one"))
    for _ in range(20):
        await world.resources.jobs.alarms.set("gone", now() - timedelta(seconds=late), last=True)
    await Sweeper(world.resources, STAGES, "one").sweep()
    assert await alarms(world) == []


async def test_what_kafka_did_not_take_stays_due(world, sweeper):
    job = await stored(world, a_job(at=a_minute_ago()))
    world.publisher.away = True
    await sweeper.sweep()
    left = await world.resources.jobs.get(job.id)
    assert left.outbox == job.outbox
    assert left.sweep_at <= now() + timedelta(seconds=8)
    assert left.sweep_at in await alarms(world)


async def test_a_store_that_is_away_leaves_every_alarm(world, sweeper):
    await stored(world, a_job(at=a_minute_ago()))
    before = await alarms(world)
    world.database.away = True
    with pytest.raises(StoreUnavailable):
        await sweeper.sweep()
    world.database.away = False
    assert await alarms(world) == before


async def test_an_alarm_is_taken_away_when_the_look_is_done(world, sweeper):
    job = await stored(world, a_job(at=a_minute_ago()))
    await sweeper.sweep()
    left = await world.resources.jobs.get(job.id)
    assert left.sweep_at in await alarms(world)
    assert min(await alarms(world)) > now()


async def test_a_look_before_the_change_is_written_is_not_the_last(world, sweeper, monkeypatch):
    """The alarm of what is due at once comes before the write that it is set for: another look follows soon."""
    job = await stored(world, a_job(at=a_minute_ago()), claim("audio", 3600), claim("render", 3600), paid)
    await sweeper.sweep()
    jobs, write = world.resources.jobs, world.resources.jobs._replace

    async def looked_at_before(job):
        await sweeper.sweep()
        return await write(job)

    monkeypatch.setattr(jobs, "_replace", looked_at_before)
    job, _ = await jobs.change(job.id, lambda job: lifecycle.give_back(job, "audio", 1, 0.001, now()))
    assert any(job.sweep_at <= at <= now() + timedelta(seconds=8) for at in await alarms(world))


async def test_more_than_one_batch_is_looked_after_in_one_sweep(world, sweeper, monkeypatch):
    monkeypatch.setattr("streams.sweeper._BATCH", 3)
    for _ in range(10):
        await stored(world, a_job(at=a_minute_ago()))
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"] * 10


async def test_a_job_that_is_still_being_written_is_looked_for_again(world, sweeper):
    await world.resources.jobs.alarms.set("to come", a_minute_ago())
    await sweeper.sweep()
    (again,) = await alarms(world)
    assert now() < again <= now() + timedelta(minutes=1)


async def test_a_job_that_never_comes_is_given_up(world, sweeper):
    await world.resources.jobs.alarms.set("never", a_minute_ago(), last=True)
    await sweeper.sweep()
    assert await alarms(world) == []


async def test_a_job_that_nobody_can_read_keeps_no_other_waiting(world, sweeper):
    await world.database["jobs"].insert_one({"_id": "strange", "state": [{"version": 1, "status": "melted"}]})
    await world.resources.jobs.alarms.set("strange", a_minute_ago() - timedelta(days=1))
    await stored(world, a_job(at=a_minute_ago()))
    await sweeper.sweep()
    assert world.publisher.types() == ["recording.uploaded"]
    assert any(now() < at <= now() + timedelta(minutes=1) for at in await alarms(world)), "it is kept in view"


async def test_a_step_of_a_stage_that_this_version_does_not_have_keeps_no_other_waiting(world):
    await stored(world, a_job(at=a_minute_ago()), claim("audio"), paid)
    await stored(world, a_job(at=a_minute_ago()), claim("render"), paid)
    await Sweeper(world.resources, {"render": STAGES["render"]}).sweep()
    assert world.publisher.types() == ["recording.uploaded"]


async def test_it_goes_on_when_a_store_was_away(world, sweeper):
    await stored(world, a_job(at=a_minute_ago()))
    world.database.away = True
    running = asyncio.create_task(sweeper.run())
    await asyncio.wait([running], timeout=0.03)
    world.database.away = False
    await eventually(world.publisher.types)
    running.cancel()
    await asyncio.wait([running])


async def test_a_lease_that_ran_out_while_documents_were_away_is_spared_for_a_while():
    world = World(sweep_seconds=0.01, lease_seconds=0.3)
    sweeper = Sweeper(world.resources, STAGES)
    job = await stored(world, a_job(at=a_minute_ago()), claim("audio"), paid)
    world.database.away = True
    with pytest.raises(StoreUnavailable):
        await sweeper.sweep()
    world.database.away = False
    await sweeper.sweep()
    assert (await world.step(job)).status is Status.RUNNING
    running = asyncio.create_task(sweeper.run())
    await eventually(lambda: "recording.uploaded" in world.publisher.types())
    running.cancel()
    assert (await world.step(job)).status is Status.QUEUED
