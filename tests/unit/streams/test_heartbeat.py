"""The heartbeat: what a worker says of itself, what it heeds, and that no store can stop it."""

import asyncio
import contextlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from schemas.settings import Settings
from schemas.time import now
from schemas.workers import StageCondition
from stores.workers import Workers
from streams import heartbeat as beating
from streams.breaker import FEWEST, Breaker
from streams.heartbeat import Heartbeat
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.streams.fakes import eventually


class Bench:
    """A worker that hosts two stages."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.workers = Workers(self.database)
        self.hosted = {
            name: SimpleNamespace(
                stage_name=name,
                slots=2,
                running=1,
                waiting_since=None,
                waiting_jobs=("one", "two"),
                breaker=Breaker(name, Settings()),
            )
            for name in ("audio", "render")
        }
        self.heartbeat = Heartbeat(self.workers, "box:7", tuple(self.hosted.values()))

    def stop(self, name: str) -> None:
        for _ in range(FEWEST):
            assert self.hosted[name].breaker.admits()
            self.hosted[name].breaker.ended("timeout")

    def state(self, name: str) -> StageCondition:
        return self.hosted[name].breaker.state().state

    async def told(self):
        return await self.workers.alive(now())


@pytest.fixture
def bench() -> Bench:
    return Bench()


@contextlib.asynccontextmanager
async def running(bench: Bench):
    task = asyncio.create_task(bench.heartbeat.run())
    try:
        yield task
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_beat_says_how_the_stages_are(bench):
    bench.stop("render")
    await bench.heartbeat.beat()
    (worker,) = await bench.told()
    assert (worker.id, set(worker.stages)) == ("box:7", {"audio", "render"})
    audio = worker.stages["audio"]
    assert (audio.slots, audio.running, audio.state, audio.reason) == (2, 1, StageCondition.WORKING, None)
    assert audio.waiting_jobs == ("one", "two")
    render = worker.stages["render"]
    assert (render.state, render.failed_share) == (StageCondition.STOPPED, 1)
    assert render.reason is not None
    assert render.since is not None
    assert timedelta(0) <= worker.seen_at - render.since < timedelta(seconds=5)


async def test_metrics_say_which_stages_are_stopped_and_that_the_loop_lives(bench):
    def stopped(name):
        return REGISTRY.get_sample_value("tidemark_stage_stopped", {"stage": name})

    bench.stop("render")
    await bench.heartbeat.beat()
    assert (stopped("audio"), stopped("render")) == (0, 1)
    assert REGISTRY.get_sample_value("tidemark_worker_seen_seconds") == pytest.approx(now().timestamp(), abs=5)
    bench.hosted["render"].breaker.resume()
    await bench.heartbeat.beat()
    assert stopped("render") == 0


async def test_a_stage_that_is_told_to_goes_on_and_no_other(bench):
    await bench.heartbeat.beat()
    bench.stop("render")
    bench.stop("audio")
    await bench.workers.resume("render", now())
    await bench.heartbeat.beat()
    assert (bench.state("render"), bench.state("audio")) == (StageCondition.WORKING, StageCondition.STOPPED)


async def test_it_goes_on_once_for_each_time_it_is_told(bench):
    await bench.heartbeat.beat()
    for moment in (now(), now() + timedelta(seconds=1)):
        bench.stop("render")
        await bench.workers.resume("render", moment)
        await bench.heartbeat.beat()
        assert bench.state("render") is StageCondition.WORKING
        bench.stop("render")
        await bench.heartbeat.beat()
        assert bench.state("render") is StageCondition.STOPPED
        bench.hosted["render"].breaker.resume()


async def test_what_was_told_before_it_began_is_old(bench):
    await bench.workers.resume("render", now())
    bench.stop("render")
    await bench.heartbeat.beat()
    assert bench.state("render") is StageCondition.STOPPED


async def test_it_beats_on_when_a_store_comes_back_and_signs_off_at_the_end(bench, monkeypatch):
    monkeypatch.setattr(beating, "BEAT_SECONDS", 0.005)
    bench.database.away = True
    with capture_logs() as lines:
        async with running(bench):
            await eventually(lambda: len(lines) > 2)
            bench.database.away = False
            await eventually(bench.told)
    assert await bench.told() == []


async def test_a_mark_that_nobody_can_read_does_not_end_the_worker(bench, monkeypatch):
    monkeypatch.setattr(beating, "BEAT_SECONDS", 0.005)
    await bench.database["stages"].insert_one({"_id": "render"})
    with capture_logs() as lines:
        async with running(bench):
            await eventually(lambda: len(lines) > 2)
            await bench.workers.resume("render", now())
            await eventually(bench.told)


async def test_it_ends_although_the_store_is_away(bench):
    bench.database.away = True
    with capture_logs() as lines:
        async with running(bench) as task:
            await eventually(lambda: lines)
    assert task.cancelled()


async def test_now_and_then_it_forgets_workers_that_are_gone(bench):
    await bench.database["workers"].insert_one({"_id": "gone", "seen_at": now().replace(year=2020)})
    await bench.heartbeat.beat()
    assert await bench.database["workers"].find_one({"_id": "gone"}) is None
