"""Counting what happens: acknowledged after it is counted, and going on whatever comes."""

import asyncio
from types import SimpleNamespace

import pytest

from stores.activity import Activity
from stores.errors import StoreUnavailable
from streams.activity import ActivityLog
from tests.unit.stores.jobs import START, a_recording, uploaded
from tests.unit.stores.memory import MemoryDatabase


def a_message(offset: int, value: bytes | None = None):
    event = uploaded(a_recording()).model_copy(update={"occurred_at": START})
    place = SimpleNamespace(topic="tidemark.uploads", partition=3, offset=offset)
    return SimpleNamespace(value=value or event.model_dump_json().encode(), message=place)


async def following(log: ActivityLog, messages, count: int) -> list[int]:
    """The offsets that are acknowledged, once there are so many."""
    acked, done = [], asyncio.Event()

    async def coming():
        for message in messages:
            yield message
        await asyncio.Event().wait()

    async def ack(message):
        acked.append(message.message.offset)
        if len(acked) == count:
            done.set()

    taking = asyncio.create_task(log.consume(coming(), ack))
    async with asyncio.timeout(20):
        await done.wait()
    taking.cancel()
    await asyncio.wait([taking])
    return acked


async def uploads(activity: Activity) -> int:
    return (await activity.month("ada", START.date().replace(day=1))).uploads


async def test_what_comes_is_counted_and_then_acknowledged_in_order():
    activity = Activity(MemoryDatabase())
    acked = await following(ActivityLog(activity), [a_message(number) for number in range(5)], 5)
    assert acked == [0, 1, 2, 3, 4]
    assert await uploads(activity) == 5


async def test_what_is_no_event_is_left_to_the_stages():
    activity = Activity(MemoryDatabase())
    acked = await following(ActivityLog(activity), [a_message(0, b"{}"), a_message(1)], 2)
    assert acked == [0, 1]
    assert await uploads(activity) == 1


class Failing(Activity):
    """Refuses so many times, with that error."""

    def __init__(self, error: Exception, times: int = 1) -> None:
        super().__init__(MemoryDatabase())
        self.errors = [error] * times

    async def add(self, facts) -> None:
        if self.errors:
            raise self.errors.pop()
        await super().add(facts)


async def test_a_store_that_is_away_is_waited_for():
    activity = Failing(StoreUnavailable("document store", "away"), times=2)
    assert await following(ActivityLog(activity), [a_message(0)], 1) == [0]
    assert await uploads(activity) == 1


@pytest.mark.parametrize("error", [ValueError("a day that cannot be read")])
async def test_a_day_that_cannot_be_read_does_not_stop_the_others(error):
    activity = Failing(error)
    log = ActivityLog(activity)
    assert await following(log, [a_message(0)], 1) == [0]
    assert await following(log, [a_message(1)], 1) == [1]
    assert await uploads(activity) == 1
