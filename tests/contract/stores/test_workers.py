"""The registry of workers: who is there, who is forgotten, and what stages were told."""

from datetime import timedelta

import pytest

from schemas.pipeline import STAGE_NAMES
from schemas.time import now
from schemas.workers import StageCondition, StageState, Worker
from stores.errors import StoreUnavailable
from stores.workers import ALIVE_SECONDS, FORGOTTEN_SECONDS, Workers, by_stage
from tests.unit.stores.memory import MemoryDatabase

AT = now()


def a_worker(name: str, seconds_ago: float = 0, **stages: StageState) -> Worker:
    seen = AT - timedelta(seconds=seconds_ago)
    hosted = stages or {"render": StageState(slots=2, running=1)}
    return Worker(id=name, host="box", pid=7, version="1", stages=hosted, started_at=seen, seen_at=seen)


async def test_who_was_seen_lately_is_there(database):
    workers = Workers(database)
    await workers.seen(a_worker("late", ALIVE_SECONDS + 0.1))
    await workers.seen(a_worker("two", ALIVE_SECONDS - 0.1))
    await workers.seen(a_worker("one"))
    assert await workers.alive(AT) == [a_worker("one"), a_worker("two", ALIVE_SECONDS - 0.1)]


async def test_a_beat_takes_the_place_of_the_one_before(database):
    workers = Workers(database)
    told = {"since": AT, "reason": "why", "failed_share": 0.6, "waiting_since": AT}
    stopped = StageState(slots=2, running=0, state=StageCondition.STOPPED, **told)
    await workers.seen(a_worker("one", 5, render=StageState(slots=2, running=2), audio=stopped))
    await workers.seen(a_worker("one", 0, render=stopped))
    assert await workers.alive(AT) == [a_worker("one", 0, render=stopped)]


async def test_who_ends_is_taken_off_the_list(database):
    workers = Workers(database)
    await workers.seen(a_worker("one"))
    await workers.remove("one")
    await workers.remove("one")
    assert await workers.alive(AT) == []


async def test_only_who_was_not_seen_for_long_is_forgotten(database):
    workers = Workers(database)
    await workers.seen(a_worker("gone", FORGOTTEN_SECONDS + 1))
    await workers.seen(a_worker("slow", FORGOTTEN_SECONDS - 1))
    await workers.sweep(AT)
    assert [worker.id for worker in await workers.alive(AT - timedelta(seconds=FORGOTTEN_SECONDS - 5))] == ["slow"]


async def test_a_stage_remembers_when_it_was_last_told_to_go_on(database):
    workers = Workers(database)
    assert await workers.resumed() == {}
    await workers.resume("render", AT - timedelta(seconds=9))
    await workers.resume("render", AT)
    await workers.resume("audio", AT)
    assert await workers.resumed() == {"render": AT, "audio": AT}


async def test_one_that_cannot_be_read_is_left_out(database):
    workers = Workers(database)
    await workers.seen(a_worker("one"))
    await workers.seen(a_worker("strange", render=StageState(slots=1, running=0)))
    await database["workers"].update_one({"_id": "strange"}, {"$set": {"stages.render.state": "dreaming"}})
    assert await workers.alive(AT) == [a_worker("one")]


async def test_a_newer_worker_can_be_read(database):
    workers = Workers(database)
    await workers.seen(a_worker("one"))
    await database["workers"].update_one({"_id": "one"}, {"$set": {"mood": "fine", "stages.render.colour": "red"}})
    assert await workers.alive(AT) == [a_worker("one")]


async def test_a_store_that_is_away_is_an_error():
    database = MemoryDatabase()
    database.away = True
    workers = Workers(database)
    for asking in (workers.alive(AT), workers.seen(a_worker("one")), workers.resumed(), workers.sweep(AT)):
        with pytest.raises(StoreUnavailable):
            await asking


def test_every_stage_is_listed_with_who_hosts_it():
    stopped = StageState(slots=1, running=0, state=StageCondition.STOPPED, reason="timeout 12")
    probing = StageState(slots=1, running=1, state=StageCondition.PROBING, reason="timeout 12")
    working = StageState(slots=3, running=2)
    workers = [a_worker("one", render=stopped, audio=working), a_worker("two", render=probing)]
    workers.append(a_worker("three", render=working))
    stages = {stage.stage: stage for stage in by_stage(workers)}
    assert tuple(stages) == STAGE_NAMES
    assert [host.worker for host in stages["render"].workers] == ["one", "two", "three"]
    assert {name: stage.stopped for name, stage in stages.items() if stage.stopped} == {"render": 2}
    assert (stages["audio"].workers[0].running, stages["audio"].workers[0].slots) == (2, 3)
    assert stages["export"].workers == ()
