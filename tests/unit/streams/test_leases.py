"""Leases: renewed in time for all steps in hand, and their loss noticed soon."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from schemas.settings import Settings
from schemas.time import now
from stores import lifecycle
from stores.jobs import Jobs
from streams.leases import Leases
from tests.unit.stores.jobs import a_job, wake_of
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.streams.fakes import eventually, many_turns

LEASE = 30.0


@pytest.fixture
def database():
    return MemoryDatabase()


@pytest.fixture
def jobs(database):
    return Jobs(database)


async def claimed(jobs, seconds=LEASE, at=None):
    """A job whose first step somebody holds, since `at`."""
    job = await jobs.create(a_job(at=now()))
    return await jobs.change(
        job.id, lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", seconds, at or now())
    )


async def look(leases):
    """A look at what is in hand for longer than a moment: as `run` does it, the second time."""
    await leases.look()
    await leases.look()


async def lease_of(jobs, job):
    return (await jobs.get(job.id)).step("audio").lease_until


@asynccontextmanager
async def running(leases):
    task = asyncio.create_task(leases.run())
    try:
        yield
        assert not task.done(), "it has ended by itself"
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(("age", "renewed"), [(0.0, False), (0.3, False), (0.34, True), (0.9, True)])
async def test_a_lease_is_renewed_when_a_third_of_it_is_over(jobs, age, renewed):
    leases = Leases(jobs, LEASE)
    job, step = await claimed(jobs, at=now() - timedelta(seconds=age * LEASE))
    before, lost = await lease_of(jobs, job), []
    with leases.held(job.id, step, lambda: lost.append(1)):
        await look(leases)
    after = await lease_of(jobs, job)
    assert (after > before) == renewed
    assert after > now()
    assert lost == []
    if renewed:
        assert timedelta(seconds=LEASE - 1) < after - now() <= timedelta(seconds=LEASE)


def cancel(job):
    lifecycle.cancel(job, now())


def take_over(job):
    later = now() + timedelta(seconds=LEASE + 1)
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", LEASE, later)


def give_back(job):
    lifecycle.give_back(job, "audio", 1, 0, now())


def set_going_again(job):
    """Cancelled, and running again under somebody else, between two looks."""
    cancel(job)
    lifecycle.retry(job, now())
    lifecycle.claim(job, "audio", job.facts[-1]["id"], "one", LEASE, now())


@pytest.mark.parametrize("how", [cancel, take_over, give_back, set_going_again, None])
async def test_a_loss_is_noticed(jobs, how):
    leases, lost, kept = Leases(jobs, LEASE), [], []
    (job, step), (other, others) = await claimed(jobs), await claimed(jobs)
    with leases.held(job.id, step, lambda: lost.append(1)), leases.held(other.id, others, lambda: kept.append(1)):
        if how is None:
            await jobs.delete(job.id)
        else:
            await jobs.change(job.id, how)
        before = await jobs.get(job.id)
        await look(leases)
    assert (lost, kept) == ([1], [])
    assert await jobs.get(job.id) == before, "what is no longer ours is left alone"


async def test_a_cancellation_is_noticed_in_good_time_whatever_the_lease(jobs):
    """The work is to stop within two seconds, also where it had only begun."""
    leases, lost = Leases(jobs, Settings().lease_seconds), asyncio.Event()
    job, step = await claimed(jobs, 3600)
    async with running(leases):
        with leases.held(job.id, step, lost.set):
            await jobs.change(job.id, cancel)
            began = time.monotonic()
            await asyncio.wait_for(lost.wait(), 5)
    assert time.monotonic() - began < 1.7


async def test_a_loss_between_reading_and_renewing_is_noticed(jobs, monkeypatch):
    leases, lost = Leases(jobs, LEASE), []
    job, step = await claimed(jobs, at=now() - timedelta(seconds=LEASE / 2))
    many = jobs.get_many

    async def then_cancelled(ids):
        found = await many(ids)
        await jobs.change(job.id, cancel)
        return found

    monkeypatch.setattr(jobs, "get_many", then_cancelled)
    with leases.held(job.id, step, lambda: lost.append(1)):
        await look(leases)
    assert lost == [1]


async def test_what_has_ended_meanwhile_is_not_lost(jobs, monkeypatch):
    leases, lost = Leases(jobs, LEASE), []
    job, step = await claimed(jobs)
    many = jobs.get_many
    held = leases.held(job.id, step, lambda: lost.append(1))

    async def ended_before(ids):
        held.__exit__(None, None, None)
        await jobs.change(job.id, cancel)
        return await many(ids)

    monkeypatch.setattr(jobs, "get_many", ended_before)
    with held:
        await look(leases)
    assert lost == []


async def test_one_read_serves_all_steps_in_hand(jobs, monkeypatch):
    leases, reads, many = Leases(jobs, LEASE), [], jobs.get_many

    async def counted(ids):
        reads.append(len(ids))
        return await many(ids)

    monkeypatch.setattr(jobs, "get_many", counted)
    held = [await claimed(jobs) for _ in range(5)]
    managers = [leases.held(job.id, step, lambda: None) for job, step in held]
    for manager in managers:
        manager.__enter__()
    await leases.look()
    assert reads == [], "what ends between two looks costs none"
    await leases.look()
    assert reads == [5]
    for manager in managers:
        manager.__exit__(None, None, None)
    await look(leases)
    assert reads == [5], "nothing in hand, nothing to read"


async def test_a_store_that_is_away_is_waited_for(jobs, database):
    leases, lost = Leases(jobs, 0.09), []
    job, step = await claimed(jobs, 0.09)
    before = await lease_of(jobs, job)
    async with running(leases):
        with leases.held(job.id, step, lambda: lost.append(1)):
            database.away = True
            await asyncio.sleep(0.08)
            await many_turns()
            assert lost == [], "away is not lost"
            database.away = False

            async def renewed():
                return await lease_of(jobs, job) > before

            await eventually(renewed)
            await jobs.change(job.id, cancel)
            await eventually(lambda: lost)
