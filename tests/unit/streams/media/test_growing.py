"""A growing recording and its child: what is between them, and how it ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from providers.child import Children
from schemas.failures import Permanent
from streams.media.growing import Decoder, growing
from tests.unit.streams.media.test_following import screen_chunks


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    async with Children() as children:
        yield children


async def seconds_of(decoder: Decoder) -> float:
    return sum([len(sound.pcm) async for sound in decoder.pcm()]) / 32_000


async def test_sound_comes_while_the_recording_is_fed_and_ends_with_it(children: Children) -> None:
    chunks = screen_chunks()[:4]
    async with growing(children) as decoder, asyncio.timeout(60):
        sounds = decoder.pcm()
        await decoder.feed(chunks[0])
        first = await anext(sounds)
        assert (first.start, decoder.has_sound) == (0.0, True)
        for chunk in chunks[1:]:
            await decoder.feed(chunk)
        await decoder.end()
        await decoder.end()
        rest = [sound async for sound in sounds]
    assert rest[-1].start + len(rest[-1].pcm) / 32_000 > 3.5
    assert children.pids == ()


async def test_leaving_midway_kills_the_child_and_frees_who_feeds(children: Children) -> None:
    chunks = screen_chunks()

    async def feed(decoder: Decoder) -> None:
        for chunk in chunks * 20:
            await decoder.feed(chunk)

    async with growing(children) as decoder, asyncio.timeout(60):
        feeding = asyncio.create_task(feed(decoder))
        await anext(decoder.pcm())
        assert len(children.pids) == 1
    assert children.pids == ()
    await asyncio.wait_for(feeding, 10)


async def test_a_failure_reaches_the_reader_and_stops_nobody_who_feeds(children: Children) -> None:
    async with growing(children) as decoder, asyncio.timeout(60):
        for _ in range(40):
            await decoder.feed(bytes(500_000))
        await decoder.end()
        with pytest.raises(Permanent) as caught:
            await seconds_of(decoder)
    assert caught.value.code == "not_media"


class Exhausted(Children):
    """Children that use up their processor time."""

    async def run(self, *_: object, **__: object) -> AsyncGenerator[Any, None]:
        raise Permanent("cpu_limit", "The work needs more processor time than its limit of 0 seconds.")
        yield


async def test_a_recording_that_takes_too_long_to_decode_is_told_what_it_may_take() -> None:
    async with growing(Exhausted()) as decoder:
        with pytest.raises(Permanent) as caught:
            await seconds_of(decoder)
    assert caught.value.code == "cpu_limit"
    assert "60 seconds of processor time for a minute" in caught.value.detail
