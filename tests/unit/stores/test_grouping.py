"""Calls that are made together: each with its own result, one group at a time, in the order of their asking."""

import asyncio

import pymongo
import pytest
from pymongo import _csot

from stores.errors import StoreUnavailable
from stores.grouping import Grouped
from tests.unit.streams.fakes import many_turns


class Store:
    """Answers group after group when it is let; `groups` has what it was asked."""

    def __init__(self, most: int = 200) -> None:
        self.groups: list[list[int]] = []
        self.under_way = self.most_under_way = 0
        self.gate = asyncio.Event()
        self.grouped = Grouped(self.answer, most)

    async def answer(self, items: list[int]) -> list[int | Exception]:
        self.groups.append(items)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        return [KeyError(item) if item < 0 else item * 10 for item in items]

    def ask(self, *items: int) -> "list[asyncio.Task[int]]":
        return [asyncio.create_task(self.grouped(item)) for item in items]


async def test_a_single_caller_waits_for_nobody():
    store = Store()
    store.gate.set()
    assert [await store.grouped(number) for number in (1, 2)] == [10, 20]
    assert store.groups == [[1], [2]]


async def test_who_asks_while_a_call_is_under_way_goes_with_the_next():
    store = Store()
    first = store.ask(1)
    await many_turns()
    rest = store.ask(2, 3, 4)
    await many_turns()
    assert store.groups == [[1]]
    store.gate.set()
    assert await asyncio.gather(*first, *rest) == [10, 20, 30, 40]
    assert store.groups == [[1], [2, 3, 4]]


async def test_groups_are_made_one_at_a_time_in_order_and_no_larger_than_allowed():
    store = Store(most=3)
    asked = store.ask(*range(8))
    await many_turns()
    store.gate.set()
    assert await asyncio.gather(*asked) == [10 * number for number in range(8)]
    assert store.groups == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert store.most_under_way == 1


async def test_groups_grow_under_load():
    """However long a call takes, a hundred callers need few of them."""
    store = Store()

    async def slow(items):
        store.groups.append(items)
        await asyncio.sleep(0.002)
        return items

    grouped = Grouped(slow)

    async def caller(number):
        for turn in range(5):
            assert await grouped(number * 100 + turn) == number * 100 + turn

    await asyncio.gather(*(caller(number) for number in range(100)))
    assert sum(len(group) for group in store.groups) == 500
    assert len(store.groups) <= 12


async def test_each_has_its_own_result_or_its_own_error():
    store = Store()
    store.gate.set()
    found = await asyncio.gather(*store.ask(1, -2, 3), return_exceptions=True)
    assert (found[0], found[2]) == (10, 30)
    assert isinstance(found[1], KeyError)


async def test_what_the_call_raises_is_raised_for_each_and_the_next_group_goes_on():
    answers = iter([StoreUnavailable("document store", "gone"), None])

    async def fails_once(items):
        await asyncio.sleep(0)
        if error := next(answers):
            raise error
        return items

    grouped = Grouped(fails_once)
    found = await asyncio.gather(*(grouped(number) for number in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [StoreUnavailable] * 3
    assert await grouped(7) == 7


async def test_a_wrong_number_of_results_leaves_nobody_waiting_for_ever():
    async def forgetful(items):
        return items[:-1]

    grouped = Grouped(forgetful)
    found = await asyncio.wait_for(asyncio.gather(*(grouped(n) for n in range(3)), return_exceptions=True), 5)
    assert isinstance(found[-1], Exception)


async def test_who_is_cancelled_before_the_group_goes_takes_the_item_back():
    store = Store()
    first = store.ask(1)
    await many_turns()
    second, third = store.ask(2, 3)
    await many_turns()
    second.cancel()
    await many_turns()
    store.gate.set()
    assert await asyncio.gather(*first, third) == [10, 30]
    assert store.groups == [[1], [3]]
    assert second.cancelled()


async def test_who_is_cancelled_while_it_is_under_way_disturbs_nobody():
    store = Store()
    first, second = store.ask(1, 2)
    await many_turns()
    first.cancel()
    store.gate.set()
    assert await second == 20
    assert await store.grouped(3) == 30


async def test_one_callers_deadline_binds_no_other():
    """The driver keeps a deadline in the context of the task that asks."""
    store, deadlines = Store(), []

    async def noting(items):
        deadlines.append(_csot.get_timeout())
        await store.gate.wait()
        return items

    grouped = Grouped(noting)

    async def hurried():
        with pymongo.timeout(0.5):
            return await grouped(1)

    first = asyncio.create_task(hurried())
    await many_turns()
    second = asyncio.create_task(grouped(2))
    store.gate.set()
    assert await asyncio.gather(first, second) == [1, 2]
    assert deadlines == [None, None]


@pytest.mark.parametrize("most", [1, 200])
async def test_nothing_is_lost_or_mixed_up_among_many(most):
    store = Store(most)
    store.gate.set()
    assert await asyncio.gather(*store.ask(*range(300))) == [10 * number for number in range(300)]


async def test_who_waits_too_long_is_told_and_takes_the_item_back(monkeypatch):
    monkeypatch.setattr("stores.grouping.ANSWER_SECONDS", 0.05)
    store = Store()
    first = store.ask(1)
    await many_turns()
    second = store.ask(2)
    for late in (*first, *second):
        with pytest.raises(StoreUnavailable):
            await late
    store.gate.set()
    assert await store.grouped(3) == 30
    assert store.groups == [[1], [3]]
