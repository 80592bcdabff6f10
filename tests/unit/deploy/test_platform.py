"""What a person is told while everything ends."""

import asyncio
from typing import cast

import pytest

from deploy import platform
from deploy.embedded.supervisor import Supervisor
from deploy.platform import stop_all


class Slow:
    """A program that ends once it may."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def stop(self) -> None:
        await self.may_end.wait()


def program(slow: Slow) -> Supervisor:
    return cast(Supervisor, slow)


async def test_an_end_that_takes_long_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "WONDER_SECONDS", 0)
    slow, said = Slow(), list[str]()

    def say(line: str) -> None:
        said.append(line)
        slow.may_end.set()

    async with asyncio.timeout(20):
        await stop_all((program(slow),), say, "waiting for the work in hand to end")
    assert said == ["waiting for the work in hand to end"]


async def test_a_quick_end_says_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "WONDER_SECONDS", 0.01)
    quick, said, later = Slow(), list[str](), asyncio.Event()
    quick.may_end.set()
    await stop_all((program(quick), program(quick)), said.append, "waiting")
    asyncio.get_running_loop().call_later(0.02, later.set)  # after the moment at which it would be said
    await later.wait()
    assert said == []
