"""Alarms: each is due at its moment, the longest due first, until it is taken away."""

import asyncio

import pytest

from stores.alarms import Alarms
from tests.unit.stores.jobs import START, later


@pytest.fixture
async def alarms(database) -> Alarms:
    alarms = Alarms(database)
    for _ in range(2):
        await alarms.prepare()
    return alarms


async def due(alarms, at, limit=100):
    return [(look.job_id, look.at) for alarm in await alarms.due(at, limit) for look in alarm.looks]


async def test_what_is_due_comes_longest_due_first_and_no_more_than_asked(alarms):
    moments = {"late": 30, "early": -3600 * 24 * 400, "now": 0, "soon": 0.001, "middle": -5}
    for job_id, seconds in moments.items():
        await alarms.set(job_id, later(seconds))
    assert await due(alarms, START) == [(name, later(moments[name])) for name in ("early", "middle", "now")]
    assert await due(alarms, START, 2) == [(name, later(moments[name])) for name in ("early", "middle")]


async def test_a_repeat_is_harmless(alarms):
    await asyncio.gather(*(alarms.set("job", START) for _ in range(5)), alarms.set("other", START))
    await alarms.set("job", START)
    assert set(await due(alarms, START)) == {("job", START), ("other", START)}


async def test_what_is_asked_for_together_and_due_within_a_second_is_one_alarm_that_is_never_early(alarms):
    moments = {"first": 0, "second": 0.999, "third": 1, "earlier": -0.001}
    await asyncio.gather(*(alarms.set(job_id, later(seconds)) for job_id, seconds in moments.items()))
    assert await due(alarms, later(0.5)) == [("earlier", later(-0.001))]
    both = await alarms.due(later(0.999), 10)
    assert [[look.job_id for look in alarm.looks] for alarm in both] == [["earlier"], ["first", "second"]]
    assert len(await alarms.due(later(1), 10)) == 3


async def test_a_job_may_have_many(alarms):
    for seconds in (0, 1, 2):
        await alarms.set("job", later(seconds))
    assert await due(alarms, later(1)) == [("job", START), ("job", later(1))]


async def test_only_what_is_taken_away_is_gone(alarms):
    for name in ("one", "two", "three"):
        await alarms.set(name, START)
    one, two = (await alarms.due(START, 10))[:2]
    for _ in range(2):
        await alarms.remove([one, two])
    assert len(await due(alarms, START)) == 1
    await alarms.remove([])
    assert len(await due(alarms, START)) == 1


async def test_it_remembers_that_it_is_the_last(alarms):
    await alarms.set("gone", START, last=True)
    await alarms.set("there", START)
    looks = (look for alarm in await alarms.due(START, 10) for look in alarm.looks)
    assert {look.job_id: look.last for look in looks} == {"gone": True, "there": False}


async def test_more_at_once_than_go_in_one_group(alarms):
    await asyncio.gather(*(alarms.set(f"job {number}", START) for number in range(450)))
    assert len(set(await due(alarms, START, 1000))) == 450


async def test_one_of_an_earlier_release_is_read(alarms, database):
    looks = [{"job_id": "job", "at": START, "last": True}]
    await database["alarms"].insert_one({"_id": "earlier", "at": START, "looks": looks})
    (alarm,) = await alarms.due(START, 10)
    assert [look.model_dump() for look in alarm.looks] == looks
