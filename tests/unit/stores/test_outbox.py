"""The outbox: facts, then the recording's status, then the news, then crossed off; what fails stays owed."""

import asyncio
from datetime import timedelta

import pytest

from schemas.jobs import Status
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores import lifecycle
from stores.errors import StoreUnavailable
from stores.outbox import Outbox
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.streams.fakes import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def job(world):
    recording = a_recording()
    await world.resources.recordings.create(recording)
    return await world.resources.jobs.create(a_job(recording, at=now()))


async def owed(world, job):
    stored = await world.resources.jobs.get(job.id)
    return (stored.outbox, stored.announce)


async def test_everything_owed_is_paid_and_crossed_off(world, job):
    changed, _ = await world.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    await world.resources.outbox.settle(changed)
    assert [event.type for event in world.publisher.events] == ["recording.uploaded", "job.progressed"]
    assert world.publisher.events[-1].job.version == changed.version
    assert await owed(world, job) == ([], False)


async def test_a_first_state_is_news_to_nobody(world, job):
    await world.resources.outbox.settle(job)
    assert [event.type for event in world.publisher.events] == ["recording.uploaded"]
    assert await owed(world, job) == ([], False)


async def test_paying_twice_says_the_same_twice(world, job):
    for _ in range(2):
        await world.resources.outbox.settle(job)
    ids = [event.id for event in world.publisher.events]
    assert ids[:1] == ids[1:]
    assert await owed(world, job) == ([], False)


async def test_what_kafka_does_not_take_stays_owed(world, job):
    world.publisher.away = True
    with pytest.raises(StoreUnavailable):
        await world.resources.outbox.settle(job)
    assert await owed(world, job) == (job.outbox, False)


async def test_news_of_an_older_state_leave_the_newer_one_owed(world, job):
    await world.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    await world.resources.outbox.settle(job)
    assert await owed(world, job) == ([], True)
    await world.resources.outbox.settle(await world.resources.jobs.get(job.id))
    assert await owed(world, job) == ([], False)


async def test_states_that_are_settled_out_of_order_leave_the_newest(world, job):
    newer, _ = await world.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    await asyncio.gather(world.resources.outbox.settle(newer), world.resources.outbox.settle(job))
    await world.resources.outbox.settle(job)
    recording = await world.resources.recordings.get(job.recording_id)
    assert (newer.status, recording.status) == (Status.CANCELLED, RecordingStatus.FAILED)


async def test_a_job_that_is_gone_owes_nothing(world, job):
    await world.resources.jobs.delete(job.id)
    await world.resources.outbox.settle(job)
    assert await world.resources.jobs.get(job.id) is None


async def test_news_that_came_while_others_were_crossed_off_stay_owed_until_they_are_told(world, monkeypatch):
    monkeypatch.setattr("stores.outbox._TOGETHER", 1)
    jobs, publisher = world.resources.jobs, world.publisher
    first, second = [await jobs.create(a_job(at=now())) for _ in range(2)]
    outbox, debts = Outbox(jobs, world.resources.recordings, publisher, pause=60), jobs.debts

    async def changed_meanwhile(job_ids):
        if first.id in job_ids:
            changed, _ = await jobs.change(second.id, lambda job: lifecycle.cancel(job, now()))
            await outbox.settle(changed)
            publisher.away = True
        return await debts(job_ids)

    monkeypatch.setattr(jobs, "debts", changed_meanwhile)
    async with outbox:
        await outbox.settle(first)
        await outbox.settle(second)
        await outbox._cross_off()
        assert await owed(world, first) == ([], False)
        assert (await owed(world, second))[1], "nobody has been told of it"


async def test_many_that_are_alike_are_crossed_off_together_and_the_others_one_by_one(world, monkeypatch):
    jobs, publisher = world.resources.jobs, world.publisher
    made = [await jobs.create(a_job(at=now())) for _ in range(5)]
    changes, change = [], jobs.change

    async def counted(job_id, transition, known=None):
        changes.append(job_id)
        return await change(job_id, transition, known)

    async with Outbox(jobs, world.resources.recordings, publisher, pause=60) as outbox:
        await asyncio.gather(*(outbox.settle(job) for job in made))
        await change(made[2].id, lambda job: lifecycle.wake(job, job.facts[0]["id"], now()))
        await jobs.delete(made[3].id)
        monkeypatch.setattr(jobs, "change", counted)
        await outbox._cross_off()
    assert changes == [made[2].id]
    for job in (made[0], made[1], made[2], made[4]):
        assert await owed(world, job) == ([], False)
        late = (await jobs.get(job.id)).sweep_at - lifecycle.next_look(job)
        assert timedelta() <= late < timedelta(seconds=1)
