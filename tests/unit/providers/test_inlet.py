"""Bytes between two tasks: in order, never many at once, and no one waits for who is gone."""

import asyncio

from providers.inlet import Inlet

MB = 1024 * 1024


async def turns() -> None:
    """Lets the other tasks run as far as they can."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_everything_arrives_in_order_and_then_the_end() -> None:
    inlet, data = Inlet(), bytes(range(256)) * 12_000

    async def put() -> None:
        for start in range(0, len(data), 700_001):
            await inlet.put(data[start : start + 700_001])
        await inlet.end()
        await inlet.end()

    putting = asyncio.create_task(put())
    slices = [piece async for piece in inlet.slices()]
    await putting
    assert b"".join(slices) == data
    assert max(map(len, slices)) <= MB


async def test_who_puts_waits_for_who_takes() -> None:
    inlet = Inlet()
    putting = asyncio.create_task(inlet.put(bytes(4 * MB)))
    await turns()
    assert not putting.done()
    slices = inlet.slices()
    taken = [len(await anext(slices)) for _ in range(4 * MB // (128 * 1024))]
    await asyncio.wait_for(putting, 5)
    assert sum(taken) == 4 * MB


async def test_nobody_waits_for_who_is_gone() -> None:
    inlet = Inlet()
    putting = asyncio.create_task(inlet.put(bytes(4 * MB)))
    await turns()
    inlet.close()
    await asyncio.wait_for(putting, 5)
    await inlet.put(bytes(4 * MB))
    await inlet.end()
