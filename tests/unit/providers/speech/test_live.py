"""What waits between a listener and who reads it."""

import asyncio

import pytest

from providers.speech.live import Draft, Final, Said
from schemas.failures import Permanent
from schemas.transcripts import Segment

REFUSED = Permanent("provider_refused", "No.")


def final(number: int) -> Final:
    return Final(segment=Segment(id=number, start=number, end=number + 1, text=f"said {number}"), language="en")


def draft(text: str) -> Draft:
    return Draft(start=0.0, end=1.0, text=text)


async def test_only_the_newest_draft_waits_and_a_final_ends_it() -> None:
    said = Said()
    for one in (draft("a"), draft("b"), final(0), draft("c"), draft("d"), final(1), draft("e"), draft("f")):
        await said.put(one)
    await said.close()
    assert [one async for one in said.read()] == [final(0), final(1), draft("f")]


async def test_a_failure_comes_after_what_was_final() -> None:
    said = Said()
    await said.put(final(0))
    await said.close(REFUSED)
    await said.close()
    heard = said.read()
    assert await anext(heard) == final(0)
    with pytest.raises(Permanent):
        await anext(heard)
    with pytest.raises(Permanent):
        await said.closed()
    assert said.failure is REFUSED


async def test_no_more_finals_wait_than_may() -> None:
    said = Said()

    async def put() -> None:
        for number in range(1_500):
            await said.put(final(number))
        await said.close()

    putting = asyncio.create_task(put())
    read = [one async for one in said.read()]
    await putting
    assert read == [final(number) for number in range(1_500)]


async def test_the_end_is_waited_for() -> None:
    said = Said()
    closed = asyncio.create_task(said.closed())
    await asyncio.sleep(0)
    assert not closed.done()
    await said.close()
    await asyncio.wait_for(closed, 5)
