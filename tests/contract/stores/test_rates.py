"""Counts of API nodes: each writes its own, all are added up, and what is old is forgotten."""

from datetime import timedelta

import pytest

from schemas.time import now
from stores.rates import RateCounts

LATELY = timedelta(seconds=60)


@pytest.fixture
def counts(database) -> RateCounts:
    return RateCounts(database)


async def test_what_others_told_is_added_up(counts):
    for node, told in (("one", {"a": 3, "b": 1}), ("two", {"a": 4}), ("three", {})):
        await counts.tell(node, told, now())
    assert await counts.of_others("three", now() - LATELY) == {"a": 7, "b": 1}
    assert await counts.of_others("one", now() - LATELY) == {"a": 4}


async def test_what_is_told_again_takes_the_place_of_it(counts):
    await counts.tell("one", {"a": 3, "b": 1}, now())
    await counts.tell("one", {"a": 5}, now())
    assert await counts.of_others("two", now() - LATELY) == {"a": 5}


async def test_what_is_old_neither_counts_nor_stays(counts):
    await counts.tell("old", {"a": 3}, now() - LATELY)
    await counts.tell("new", {"a": 1}, now())
    assert await counts.of_others("me", now() - LATELY / 2) == {"a": 1}
    await counts.sweep(now(), LATELY.total_seconds() / 2)
    assert await counts.of_others("me", now() - 2 * LATELY) == {"a": 1}
