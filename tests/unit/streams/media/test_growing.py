"""A growing recording and its child: what is between them, and how it ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from providers.child import Children
from schemas.failures import Permanent, Retryable
from streams.media.growing import Decoder, growing
from streams.media.messages import LiveSound, LiveTracks
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


class Saying(Children):
    """Children that say what the test wants, and then that they used up their processor time."""

    def __init__(self, *messages: object) -> None:
        super().__init__()
        self._messages = messages

    async def run(self, *_: object, **__: object) -> AsyncGenerator[Any, None]:
        for message in self._messages:
            yield message
        raise Permanent("cpu_limit", "The work needs more processor time than its limit of 0 seconds.")


async def test_a_recording_that_takes_too_long_to_decode_is_told_what_it_may_take() -> None:
    async with growing(Saying(LiveTracks(has_sound=True), LiveSound(0.0, bytes(3_200)))) as decoder:
        with pytest.raises(Permanent) as caught:
            await seconds_of(decoder)
    assert caught.value.code == "cpu_limit"
    assert "60 seconds of processor time for a minute" in caught.value.detail


@pytest.mark.parametrize("message", [LiveSound(7.0, bytes(2)), LiveSound(float("nan"), bytes(2)), "sound"], ids=str)
async def test_a_child_that_says_what_none_of_ours_would_is_not_believed(message: object) -> None:
    async with growing(Saying(message)) as decoder:
        with pytest.raises(Retryable) as caught:
            await seconds_of(decoder)
    assert caught.value.code == "child_crashed"
