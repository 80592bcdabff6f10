"""`tidemark up`, as a person starts and stops it."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT


@asynccontextmanager
async def started(port: int, data: Path) -> AsyncIterator[Process]:
    command = (sys.executable, "-m", "deploy.cli", "up", "--port", str(port), "--data", str(data))
    process = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=PIPE, stderr=STDOUT)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()  # its guards end the rest
        await process.wait()


async def line_with(process: Process, text: str) -> str:
    """The next line that has the text in it."""
    assert process.stdout
    seen = []
    async with asyncio.timeout(120):
        async for line in process.stdout:
            seen.append(line.decode())
            if text in seen[-1]:
                return seen[-1]
    raise AssertionError(f"{text!r} was not said, but: {''.join(seen)}")


def part(process: Process, command: str) -> psutil.Process:
    """The process of one of our own commands, behind its guard."""
    (found,) = (
        one
        for one in psutil.Process(process.pid).children(recursive=True)
        if one.cmdline()[-2:] == ["deploy.cli", command] and "guard.py" not in " ".join(one.cmdline())
    )
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ready_then_repaired_then_stopped(tmp_path: Path, number: signal.Signals) -> None:
    port = free_ports(1)[0]
    async with started(port, tmp_path) as process:
        assert await line_with(process, "ready:") == f"ready: http://{HOST}:{port}\n"
        family = psutil.Process(process.pid).children(recursive=True)
        part(process, "worker").kill()
        assert "starting it again" in await line_with(process, "tidemark worker ended")
        process.send_signal(number)
        await line_with(process, "stopping")
        assert await asyncio.wait_for(process.wait(), 60) == 0
    assert not any(one.is_running() for one in family)


async def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        async with started(port, tmp_path) as process:
            assert f"Port {port} is in use" in await line_with(process, "tidemark:")
            assert await process.wait() == 1


async def test_stopped_while_it_starts(tmp_path: Path) -> None:
    async with started(free_ports(1)[0], tmp_path) as process:
        await line_with(process, "starting")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
