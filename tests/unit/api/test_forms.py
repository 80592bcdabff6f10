"""A form has to come at a pace: by the time that is spent waiting for it, and however it is cut up."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import BodyPartReader, StreamReader, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from api import forms
from api.forms import incoming
from schemas.problems import Problem

LIMIT = 2**30


class Clock:
    """A clock that the form turns while it is waited for."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Part(BodyPartReader):
    """A field or file that comes a piece at a time, with `seconds` before each."""

    def __init__(self, clock: Clock, name: str, pieces: Iterator[bytes], seconds: float) -> None:
        filename = '; filename="talk.webm"' if name == "file" else ""
        headers = CIMultiDict({hdrs.CONTENT_DISPOSITION: f'form-data; name="{name}"{filename}'})
        super().__init__(b"--form", CIMultiDictProxy(headers), cast(StreamReader, None))
        self.clock, self.pieces, self.seconds = clock, pieces, seconds

    async def read_chunk(self, size: int = 0) -> bytes:
        self.clock.now += self.seconds
        return next(self.pieces, b"")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(forms, "time", clock)
    return clock


def sent(*parts: Part) -> web.Request:
    coming = iter(parts)

    async def following() -> Part | None:
        return next(coming, None)

    async def multipart() -> SimpleNamespace:
        return SimpleNamespace(next=following)

    return cast(web.Request, SimpleNamespace(content_type="multipart/form-data", multipart=multipart))


def pieces(count: int, size: int) -> Iterator[bytes]:
    return iter([bytes(size)] * count)


async def received(*parts: Part) -> int:
    file = await incoming(sent(*parts), "file", LIMIT)
    await file.head(16)
    async for _ in file.chunks():
        pass
    return file.size_bytes


async def test_a_byte_now_and_then_is_not_enough(clock: Clock) -> None:
    part = Part(clock, "file", pieces(1000, 1), 50)
    with pytest.raises(Problem, match="Only 2 bytes") as caught:
        await received(part)
    assert caught.value.entry.code == "request_timeout"
    assert clock.now <= 1000 + 2 * 60


async def test_a_burst_at_first_does_not_pay_for_what_comes_after(clock: Clock) -> None:
    burst = iter([bytes(2**20), *[b"x"] * 1000])
    with pytest.raises(Problem, match="request_timeout"):
        await received(Part(clock, "file", burst, 20))
    assert clock.now <= 1000 + 4 * 60


async def test_a_slow_line_is_fast_enough(clock: Clock) -> None:
    assert await received(Part(clock, "file", pieces(600, 11_000), 10)) == 600 * 11_000


async def test_a_small_file_that_ends_late_is_whole(clock: Clock) -> None:
    assert await received(Part(clock, "file", pieces(1, 100), 45)) == 100


async def test_what_is_done_with_it_meanwhile_does_not_count(clock: Clock) -> None:
    file = await incoming(sent(Part(clock, "file", pieces(50, 100), 1)), "file", LIMIT)
    async for _ in file.chunks():
        clock.now += 600
    assert file.size_bytes == 5000


async def test_what_is_around_the_file_has_to_come_at_the_same_pace(clock: Clock) -> None:
    around = Part(clock, "title", pieces(1000, 1), 50)
    with pytest.raises(Problem, match="request_timeout"):
        await received(around, Part(clock, "file", pieces(1, 1), 0))
