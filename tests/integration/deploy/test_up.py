"""`tidemark up`, as a person starts and stops it, and as it keeps itself running."""

import asyncio
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from deploy.demo.client import Client
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT
from tests.media import make

PARTS = ("API", "worker", "Kafka", "document store", "object store")


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


async def programs(process: Process) -> dict[str, psutil.Process]:
    """The programs by name, as the next line about them tells."""
    said = await line_with(process, "processes: ")
    return {name: psutil.Process(int(pid)) for name, pid in re.findall(r"([A-Za-z ]+) (\d+)(?:, )?", said[11:])}


def family_of(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


async def all_gone(family: list[psutil.Process]) -> None:
    async with asyncio.timeout(10):
        while any(one.is_running() for one in family):  # noqa: ASYNC110 -- it is other processes that are waited for
            await asyncio.sleep(0.05)


async def until_ready(port: int) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(60):
        while True:
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://{HOST}:{port}/health/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)


async def test_whole_again_after_each_part_was_killed(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    sound = make.recording(tmp_path / "tone.webm", sounds=[make.Tone(0, 1)])
    async with started(port, tmp_path / "data") as process:
        assert await line_with(process, "ready:") == f"ready: http://{HOST}:{port}\n"
        assert await line_with(process, "the Library") == f"the Library: http://{HOST}:{port}/\n"
        parts = await programs(process)
        assert tuple(sorted(parts)) == tuple(sorted(PARTS))
        for name in PARTS:
            parts[name].kill()
            assert "starting it again in 0.5 s" in await line_with(process, f"{name} was killed by SIGKILL")
            await line_with(process, f"{name} has been started again")
        await until_ready(port)
        async with Client(f"http://{HOST}:{port}") as client, asyncio.timeout(60):
            await client.sign_up()
            accepted = await client.upload(sound)
            states = [state async for state in client.watch(accepted["job_id"])]
        assert states[-1]["status"] == "completed", states[-1]


async def test_nothing_outlives_it_when_it_is_killed(tmp_path: Path) -> None:
    """Not even what is stopped at that moment; and the next start has the folder and the port at once."""
    port = free_ports(1)[0]
    async with started(port, tmp_path) as process:
        await line_with(process, "ready:")
        parts, family = await programs(process), family_of(process)
        parts["worker"].suspend()
        parts["Kafka"].suspend()
        process.kill()
        await process.wait()
        async with started(port, tmp_path) as again:
            await all_gone(family)
            await line_with(again, "ready:")
            family = family_of(again)
    await all_gone(family)


async def test_stopped_in_order(tmp_path: Path) -> None:
    async with started(free_ports(1)[0], tmp_path) as process:
        await line_with(process, "ready:")
        family = family_of(process)
        process.terminate()
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
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 60) == 0
