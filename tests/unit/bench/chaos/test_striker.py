"""What the striker hits: what this process has started, and nothing else."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace

import psutil
import pytest

from bench.chaos.plan import Blow, Plan, Strike
from bench.chaos.striker import CHILD, Striker
from deploy.embedded.process import Running

SLEEPS = "import time; time.sleep(60)"
HAS_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPS!r}])"


@pytest.fixture
async def worker() -> AsyncIterator[psutil.Process]:
    """A process of ours with one child."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HAS_A_CHILD)
    started = psutil.Process(process.pid)
    async with asyncio.timeout(10):
        while not started.children():  # noqa: ASYNC110 -- it is another process that is waited for
            await asyncio.sleep(0.01)
    family = [started, *started.children()]
    yield started
    for one in family:
        if one.is_running():
            one.kill()
    await process.wait()


async def struck(running: dict[str, int], strike: Strike) -> Striker:
    platform = SimpleNamespace(processes=lambda: tuple(Running(name, pid) for name, pid in running.items()))
    striker = Striker(platform, lambda _: None)
    await striker.strike_all(Plan(seed=0, seconds=0, uploads=(), strikes=(strike,)))
    return striker


async def until_dead(process: psutil.Process) -> None:
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.01)


async def test_a_process_is_killed(worker: psutil.Process) -> None:
    striker = await struck({"API": worker.pid}, Strike(0, "API", Blow.KILL, 0.5))
    assert striker.hits == {("API", Blow.KILL): 1}
    await until_dead(worker)


async def test_a_child_of_a_worker_is_killed_and_not_the_worker(worker: psutil.Process) -> None:
    child = worker.children()[0]
    striker = await struck({"worker 1": worker.pid, "API": os.getpid()}, Strike(0, CHILD, Blow.KILL, 0.99))
    assert striker.hits == {(CHILD, Blow.KILL): 1}
    await until_dead(child)


async def test_what_was_stopped_goes_on(worker: psutil.Process) -> None:
    striker = await struck({"API": worker.pid}, Strike(0, "API", Blow.STOP, 0.5, seconds=0.05))
    assert striker.hits == {("API", Blow.STOP): 1}
    assert worker.status() != psutil.STATUS_STOPPED


async def test_what_was_stopped_goes_on_when_the_run_is_broken_off(worker: psutil.Process) -> None:
    running = asyncio.create_task(struck({"API": worker.pid}, Strike(0, "API", Blow.STOP, 0.5, seconds=600)))
    async with asyncio.timeout(10):
        while worker.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 -- it is another process
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert worker.status() != psutil.STATUS_STOPPED


@pytest.mark.parametrize("stranger", [os.getppid(), os.getpid(), 2**22 + 1], ids=["parent", "itself", "nobody"])
async def test_what_is_not_ours_is_never_hit(stranger: int) -> None:
    striker = await struck({"API": stranger}, Strike(0, "API", Blow.STOP, 0.5, seconds=0.01))
    assert (dict(striker.hits), dict(striker.missed)) == ({}, {"API": 1})


async def test_what_does_not_run_is_missed() -> None:
    striker = await struck({}, Strike(0, "Kafka", Blow.KILL, 0.5))
    assert dict(striker.missed) == {"Kafka": 1}
