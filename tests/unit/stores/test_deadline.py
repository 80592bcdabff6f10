"""One limit for many waits: each has its own time, and who is done in time is left alone."""

import asyncio

from stores.deadline import Deadline


def futures(count: int) -> "list[asyncio.Future[int]]":
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


async def test_each_wait_has_its_own_time():
    deadline, loop = Deadline(0.05, lambda: TimeoutError("over")), asyncio.get_running_loop()
    ended: dict[asyncio.Future[int], float] = {}
    began = {}
    for waiting in futures(4):
        waiting.add_done_callback(lambda done: ended.setdefault(done, loop.time()))
        began[waiting] = loop.time()
        deadline.watch(waiting)
        await asyncio.sleep(0.02)
    await asyncio.wait(began)
    assert all(isinstance(waiting.exception(), TimeoutError) for waiting in began)
    assert all(ended[waiting] - began[waiting] >= 0.049 for waiting in began)


async def test_who_is_done_or_gone_in_time_is_left_alone():
    deadline = Deadline(0.02, lambda: TimeoutError("over"))
    done, gone, late = futures(3)
    for waiting in (done, gone, late):
        deadline.watch(waiting)
    done.set_result(1)
    gone.cancel()
    await asyncio.wait([late])
    assert (done.result(), gone.cancelled(), isinstance(late.exception(), TimeoutError)) == (1, True, True)


async def test_it_rings_again_for_those_that_come_after_all_are_done():
    deadline = Deadline(0.02, lambda: TimeoutError("over"))
    for _ in range(3):
        (waiting,) = futures(1)
        deadline.watch(waiting)
        await asyncio.wait([waiting])
        assert isinstance(waiting.exception(), TimeoutError)


async def test_what_is_done_is_not_kept():
    deadline = Deadline(60, lambda: TimeoutError("over"))
    for waiting in futures(1000):
        deadline.watch(waiting)
        waiting.set_result(0)
    assert len(deadline._watched) == 1
