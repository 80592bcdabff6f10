"""Duties: one owner at a time, a pause that all keep, and an owner that dies holds up nobody."""

import asyncio

import pytest

from stores.duties import Duties


@pytest.fixture
def duties(database) -> Duties:
    return Duties(database)


async def test_of_many_one_gets_it(duties):
    taken = await asyncio.gather(*(duties.take("tidy", f"worker {number}", 60) for number in range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert not await duties.take("tidy", "another", 60)
    assert await duties.take("something else", "another", 60)


async def test_the_owner_keeps_it_and_nobody_else(duties):
    assert await duties.take("tidy", "one", 60)
    assert await duties.keep("tidy", "one", 60)
    assert not await duties.keep("tidy", "two", 60)


async def test_what_ran_out_is_anybodys(duties):
    assert await duties.take("tidy", "one", 0)
    assert await duties.take("tidy", "two", 60)
    assert not await duties.keep("tidy", "one", 60)


async def test_done_it_rests_for_everybody(duties):
    assert await duties.take("tidy", "one", 0)
    assert await duties.keep("tidy", "one", 60)
    for owner in ("one", "two"):
        assert not await duties.take("tidy", owner, 60)
