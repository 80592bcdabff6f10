"""A watcher's slot: the latest wins, versions only grow, and an ending is never lost."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from api.frames import Frame
from api.slots import Slot

VERSIONS = st.integers(min_value=1, max_value=50)
FRAMES = st.lists(VERSIONS.map(lambda version: Frame("a", version, False, b"")), max_size=30)


def frame(version: int, *, ended: bool = False) -> Frame:
    return Frame("a", version, ended, str(version).encode())


async def test_the_latest_replaces_what_was_not_taken() -> None:
    slot = Slot()
    for version in (1, 3, 2):
        slot.put(frame(version))
    assert await slot.take(1) == frame(3)


async def test_what_was_seen_is_not_given_again() -> None:
    slot = Slot()
    slot.put(frame(2))
    await slot.take(1)
    slot.put(frame(2))
    slot.put(frame(1))
    assert await slot.take(0.01) is None


async def test_an_ending_stays() -> None:
    slot = Slot()
    slot.put(frame(5, ended=True))
    slot.put(frame(6))
    assert await slot.take(1) == frame(5, ended=True)


async def test_a_newer_ending_replaces_an_older_one() -> None:
    slot = Slot()
    slot.put(frame(5, ended=True))
    slot.put(frame(6, ended=True))
    assert await slot.take(1) == frame(6, ended=True)


async def test_who_waits_is_woken() -> None:
    slot = Slot()
    waiting = asyncio.create_task(slot.take(5))
    await asyncio.sleep(0)
    slot.put(frame(1))
    assert await waiting == frame(1)


async def test_closing_wakes_for_good() -> None:
    slot = Slot()
    slot.close()
    assert await slot.take(5) is None
    assert await slot.take(5) is None
    assert slot.closed


@given(FRAMES, st.lists(st.booleans(), max_size=30))
def test_taken_versions_only_grow(frames: list[Frame], takes: list[bool]) -> None:
    async def follow() -> list[int]:
        slot, taken = Slot(), []
        for number, offered in enumerate(frames):
            slot.put(offered)
            if number < len(takes) and takes[number] and (got := await slot.take(0.001)):
                taken.append(got.version)
        if got := await slot.take(0.001):
            taken.append(got.version)
        return taken

    taken = asyncio.run(follow())
    assert taken == sorted(set(taken))
    assert not frames or taken[-1] == max(offered.version for offered in frames)
