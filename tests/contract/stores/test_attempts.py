"""Attempts to sign in: counters that count each of many at once, and addresses that are known for a while."""

import asyncio

import pytest

from stores.attempts import Attempts, Counted
from tests.unit.stores.jobs import START, later

CALLERS = 20


@pytest.fixture
async def attempts(database) -> Attempts:
    attempts = Attempts(database)
    for _ in range(2):
        await attempts.prepare()
    return attempts


def counted(number: int, **fields) -> Counted:
    return Counted(**{"id": "c", "attempts": number, "last_at": START, **fields})


async def test_of_many_who_read_the_same_one_writes(attempts):
    assert await attempts.get("c") is None
    assert sum(await asyncio.gather(*(attempts.put(counted(1), None) for _ in range(CALLERS)))) == 1
    read = await attempts.get("c")
    assert sum(await asyncio.gather(*(attempts.put(counted(2), read) for _ in range(CALLERS)))) == 1
    assert not await attempts.put(counted(9), read)
    assert (await attempts.get("c")).attempts == 2


async def test_a_counter_begins_anew(attempts):
    await attempts.put(counted(1), None)
    for _ in range(2):
        await attempts.forget("c")
    assert await attempts.get("c") is None
    assert await attempts.put(counted(1), None)


async def test_an_address_is_known_until_then(attempts):
    assert not await attempts.knows("p", START)
    for until in (later(5), later(10)):
        await attempts.know("p", until)
    assert await attempts.knows("p", later(9))
    assert not await attempts.knows("p", later(10))


async def test_sweeping_forgets_the_old_and_only_that(attempts):
    await attempts.put(counted(1, id="old"), None)
    await attempts.put(counted(1, id="new", last_at=later(10)), None)
    await attempts.know("past", START)
    await attempts.know("present", later(10))
    for _ in range(2):
        await attempts.sweep(START, later(5))
    assert await attempts.get("old") is None
    assert (await attempts.get("new")).attempts == 1
    assert not await attempts.knows("past", later(-1))
    assert await attempts.knows("present", START)
