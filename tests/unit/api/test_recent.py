"""What was read a moment ago: asked for once, forgotten in time, bounded, and never a failure."""

import asyncio

import pytest

from api.recent import Recent


class Source:
    """Counts how often it is asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0
        self.free = asyncio.Event()
        self.free.set()
        self.fails = False

    async def load(self, key: str) -> str:
        self.asked.append(key)
        number = len(self.asked)
        await self.free.wait()
        if self.fails:
            raise OSError(key)
        return f"{key}{number}"

    def recent(self, **options: int) -> Recent[str, str]:
        return Recent(self.load, 5, clock=lambda: self.now, **options)


@pytest.fixture
async def source() -> Source:
    return Source()


async def test_it_is_asked_once_within_the_time(source: Source) -> None:
    recent = source.recent()
    assert [await recent.get("a"), await recent.get("a"), await recent.get("b")] == ["a1", "a1", "b2"]
    source.now = 5
    assert await recent.get("a") == "a3"


async def test_many_at_once_ask_once(source: Source) -> None:
    recent = source.recent()
    assert set(await asyncio.gather(*(recent.get("a") for _ in range(20)))) == {"a1"}


async def test_one_that_leaves_takes_nothing_from_the_others(source: Source) -> None:
    recent = source.recent()
    source.free.clear()
    leaving, staying = asyncio.create_task(recent.get("a")), asyncio.create_task(recent.get("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    source.free.set()
    assert await staying == "a1"


async def test_what_is_forgotten_while_it_is_read_is_read_again(source: Source) -> None:
    recent = source.recent()
    source.free.clear()
    first = asyncio.create_task(recent.get("a"))
    await asyncio.sleep(0)
    recent.forget("a")
    source.free.set()
    assert (await first, await recent.get("a"), await recent.get("a")) == ("a1", "a2", "a2")


async def test_a_failure_is_told_and_not_remembered(source: Source) -> None:
    recent = source.recent()
    source.fails = True
    for error in await asyncio.gather(*(recent.get("a") for _ in range(3)), return_exceptions=True):
        assert isinstance(error, OSError)
    source.fails = False
    assert await recent.get("a") == "a2"


async def test_the_oldest_make_room(source: Source) -> None:
    recent = source.recent(most=2)
    for key in "abc":
        await recent.get(key)
    assert [await recent.get("c"), await recent.get("b"), await recent.get("a")] == ["c3", "b2", "a4"]
