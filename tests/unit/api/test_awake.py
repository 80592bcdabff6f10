"""A busy process waits longer, a silent other is given up, and what was asked for ends either way."""

import asyncio
import time

import pytest

from api import awake
from api.awake import within


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "_LOOK_SECONDS", 0.02)


async def hold_up() -> None:
    """Leaves the loop a turn now and then."""
    while True:
        time.sleep(0.1)  # noqa: ASYNC251 - that is what is tried here
        await asyncio.sleep(0)


async def after_turns(turns: int) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return "here"


async def test_who_is_held_up_hears_the_answer_all_the_same() -> None:
    holding = asyncio.create_task(hold_up())
    assert await within(0.2, after_turns(5)) == "here"
    holding.cancel()


async def test_who_does_not_answer_is_given_up_and_asked_no_longer() -> None:
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await within(0.1, never())
    assert ended.is_set()


async def test_what_the_answer_raises_is_raised() -> None:
    async def refused() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        await within(1, refused())


async def test_who_is_cancelled_leaves_nothing_under_way() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(within(60, never()))
    await begun.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert (waiting.cancelled(), ended.is_set()) == (True, True)
