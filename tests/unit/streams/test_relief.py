"""What waits for a slot that is held for long is taken over by whoever has room, and else its watchers are told."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from schemas.events import read_event
from schemas.jobs import Status
from schemas.time import now
from streams.heartbeat import Heartbeat
from streams.relief import NO_ROOM, Relief
from streams.runner import Runner
from tests.unit.stores.jobs import a_job
from tests.unit.streams.fakes import NO_INTELLIGENCE, Inbox, World, eventually, many_turns, outcome, stage_of


class Hall:
    """Workers of one endless stage with a slot each, on the same stores; each has an inbox of its own."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.world, self.go = World(), asyncio.Event()
        self.done: list[str] = []
        self._stack = stack

    async def perform(self, ctx, _):
        await self.go.wait()
        self.done.append(ctx.job_id)
        return outcome(await ctx.job())

    def worker(self, name: str) -> "Worker":
        stage = replace(stage_of(self.perform), endless=True, slots=lambda _: 1)
        runner, inbox = Runner(stage, self.world.resources, NO_INTELLIGENCE, name), Inbox()
        consuming = asyncio.create_task(runner.consume(inbox.messages(), inbox.ack))
        self._stack.push_async_callback(runner.close)
        self._stack.push_async_callback(asyncio.wait, [consuming])
        self._stack.callback(consuming.cancel)
        return Worker(self.world, runner, inbox, name)

    async def owner(self, job) -> str | None:
        return (await self.world.step(job)).owner

    async def ended(self, job) -> None:
        async def is_so():
            return (await self.world.step(job)).status is Status.COMPLETED

        await eventually(is_so)


class Worker:
    """A worker that beats and looks around when it is told to."""

    def __init__(self, world: World, runner: Runner, inbox: Inbox, name: str) -> None:
        self._world, self.runner, self.inbox, self._name = world, runner, inbox, name
        self._heart = Heartbeat(world.resources.workers, name, [runner])
        self._relief = Relief(world.resources, [runner], name)

    async def hears_of(self, jobs: int = 1) -> list:
        made = [await self._world.resources.jobs.create(a_job(at=now())) for _ in range(jobs)]
        for job in made:
            self.inbox.put(read_event(job.facts[0]))
        return made

    async def is_at(self, waiting: int) -> None:
        await eventually(lambda: self.runner.running == 1 and len(self.runner.waiting_jobs) == waiting)

    async def beat(self) -> None:
        await self._heart.beat()

    async def look(self) -> None:
        await self._relief.look()


@pytest.fixture
async def hall():
    async with AsyncExitStack() as stack:
        yield Hall(stack)


async def test_who_has_room_takes_over_what_waits_with_one_who_has_none(hall):
    full, idle = hall.worker("full"), hall.worker("idle")
    first, second, third = await full.hears_of(3)
    await full.is_at(waiting=2)
    await full.beat()
    await idle.look()
    await eventually(lambda: idle.runner.running == 1)
    assert await hall.owner(first) == "full"
    assert "idle" in [await hall.owner(second), await hall.owner(third)]
    assert idle.runner.waiting_jobs == (), "no more than there is room for"
    hall.go.set()
    for job in (first, second, third):
        await hall.ended(job)
    await eventually(lambda: full.inbox.acked == [0, 1, 2])
    assert sorted(hall.done) == sorted(job.id for job in (first, second, third)), "each once"


async def test_a_message_that_comes_to_who_has_taken_over_is_acknowledged(hall):
    full, idle = hall.worker("full"), hall.worker("idle")
    _, second = await full.hears_of(2)
    await full.is_at(waiting=1)
    await full.beat()
    await idle.look()
    await idle.look()
    await eventually(lambda: idle.runner.running == 1)
    idle.inbox.put(read_event(second.facts[0]))
    await idle.is_at(waiting=1)
    hall.go.set()
    await hall.ended(second)
    await eventually(lambda: idle.inbox.acked == [0])
    assert hall.done.count(second.id) == 1


async def test_where_nobody_has_room_the_watchers_are_told_once(hall):
    full = hall.worker("full")
    _, second = await full.hears_of(2)
    await full.is_at(waiting=1)

    async def told() -> int:
        job = await hall.world.resources.jobs.get(second.id)
        return [line.message for line in job.logs].count(NO_ROOM)

    await full.look()
    assert await told() == 0, "somebody may come"
    for _ in range(5):
        await full.look()
    assert await told() == 1
    assert [event.job_id for event in hall.world.publisher.events if event.type == "job.progressed"][-1] == second.id
    hall.go.set()
    await hall.ended(second)


async def test_what_does_not_wait_any_more_is_left_alone(hall):
    full, idle = hall.worker("full"), hall.worker("idle")
    await full.hears_of(2)
    await full.is_at(waiting=1)
    await full.beat()
    hall.go.set()
    await eventually(lambda: len(hall.done) == 2)
    await idle.look()
    await many_turns()
    assert len(hall.done) == 2
