"""What the lease does while an attempt works: it is renewed, and its loss stops the work."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from schemas.jobs import Status
from schemas.time import now
from stores import lifecycle
from tests.unit.stores.jobs import wake_of
from tests.unit.streams.fakes import World, eventually, many_turns, outcome
from tests.unit.streams.test_attempt import claimed, forever


@asynccontextmanager
async def keeping_leases(world: World):
    """As the worker process does beside its stages."""
    keeping = asyncio.create_task(world.resources.leases.run())
    try:
        yield
        assert not keeping.done(), "the leases are no longer kept"
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def test_the_lease_is_renewed_while_the_work_goes_on():
    world = World(lease_seconds=0.15)
    go = asyncio.Event()

    async def perform(ctx, event):
        await go.wait()
        return outcome(await ctx.job())

    job, attempt = await claimed(world, perform)
    first = (await world.step(job)).lease_until

    async def outlived():
        step = await world.step(job)
        return now() > first < step.lease_until > now()

    async with keeping_leases(world):
        running = asyncio.create_task(attempt.run())
        await eventually(outlived)
        go.set()
        await running
    assert (await world.step(job)).status is Status.COMPLETED


@pytest.mark.parametrize("how", ["cancelled", "taken", "deleted"])
async def test_a_lost_lease_stops_the_work_and_writes_nothing(how):
    world = World(lease_seconds=0.06)
    stopped = asyncio.Event()

    async def perform(ctx, event):
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    job, attempt = await claimed(world, perform)

    def take(job):
        later = now() + timedelta(seconds=30)
        lifecycle.expire(job, later)
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 30, later)

    def cancel(job):
        lifecycle.cancel(job, now())

    async with keeping_leases(world):
        running = asyncio.create_task(attempt.run())
        await many_turns()
        if how == "deleted":
            await world.resources.jobs.delete(job.id)
        else:
            await world.resources.jobs.change(job.id, take if how == "taken" else cancel)
        before = await world.resources.jobs.get(job.id)
        await running
    assert stopped.is_set()
    assert await world.resources.jobs.get(job.id) == before


async def test_the_lease_is_renewed_also_while_kafka_hangs():
    world = World(lease_seconds=0.06)
    world.publisher.hung = True
    job, attempt = await claimed(world, forever)
    first = (await world.step(job)).lease_until

    async def renewed():
        return (await world.step(job)).lease_until > first

    async with keeping_leases(world):
        running = asyncio.create_task(attempt.run())
        await eventually(renewed)
        world.publisher.hung = False
        running.cancel()
        await running
