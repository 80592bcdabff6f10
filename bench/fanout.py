"""How fast a job's news reach those who watch: 1,000 websockets, each with its own job, on one process of the API.

Whole states of jobs are produced into Kafka by a process of its own, and the time is taken from the moment that each
was due to its receipt. First 5,000 a second, then more and more, until a rate is not sustained: everything delivered,
the producer on time, 99 of 100 within 250 ms. Beside it, in the same run: Socket.IO with its
Redis adapter, and Django Channels over Redis pub/sub. Clients, server, broker and producer share the machine.
"""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from bench.ingest import caller, system, waiting
from bench.machine import describe
from bench.peers import environment, installed, redis, tool
from bench.tus import running
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT, Program, python_module
from schemas.jobs import Job
from schemas.settings import Settings
from stores.documents import connect, disconnect
from stores.intake import Stored, accept
from stores.jobs import Jobs
from stores.outbox import progressed
from stores.recordings import Recordings

_PEER = Path(__file__).with_name("fanout_peer")
_CHANNELS = (
    *("django==5.2.19", "channels==4.3.2", "channels_redis==4.3.0", "redis==8.1.0", "hiredis==3.3.0"),
    *("uvicorn==0.54.0", "websockets==17.4", "httptools==0.9.0", "uvloop==0.23.0"),
)
_FIRST = 5_000
_RATES = (_FIRST, 10_000, 15_000, 20_000, 30_000, 40_000, 60_000, 80_000)
_LESS = (4_000, 3_000, 2_000, 1_000)
_MOST_MS = 250.0
_AT_ONCE = 50
_BYTES = 100
"""The peers' messages are small, as are those that they were measured with elsewhere; ours are whole states."""


class Figures(NamedTuple):
    """What came of messages at one rate. `sustained`: all were delivered, in time.

    `late_ms` is how much later than asked for the clients' process itself got to run, 99 of 100 times at most.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    sustained: bool
    late_ms: float

    def __str__(self) -> str:
        kept = "" if self.sustained else "   not sustained"
        found = f"p50 {self.p50_ms:.1f} ms   p99 {self.p99_ms:.1f} ms   clients late {self.late_ms:.1f} ms"
        return f"{self.rate:6.0f} messages/s   {found}{kept}"


class Clients(NamedTuple):
    """How the clients speak, and where each of them goes."""

    kind: str
    addresses: Sequence[Mapping[str, object]]


class Contender(NamedTuple):
    """A service under test: its clients, and the command that publishes so many a second for so many seconds."""

    clients: Clients
    publisher: Callable[[int, int], tuple[str, ...]]
    environment: dict[str, str]
    events: bytes = b""
    folder: Path = PROJECT


async def measure(contender: Contender, rate: int, seconds: int) -> Figures:
    """The figures at that rate."""
    client = await _started(sys.executable, str(Path(__file__).with_name("fanout_client.py")), contender.clients.kind)
    assert client.stdin
    assert client.stdout
    client.stdin.write(b"\n".join(json.dumps(address).encode() for address in contender.clients.addresses))
    client.stdin.close()
    if (await client.stdout.readline()).strip() != b"READY":
        raise RuntimeError("the clients could not join")
    publisher = await _started(*contender.publisher(rate, seconds), folder=contender.folder, more=contender.environment)
    out, _ = await publisher.communicate(contender.events)
    sent = json.loads(out)
    found = json.loads(await client.stdout.read())
    await client.wait()
    whole = found["came"] >= 0.999 * sent["sent"] and not found["lost"]
    in_time = sent["rate"] >= 0.98 * rate and found["p99_ms"] <= _MOST_MS
    return Figures(found["rate"], found["p50_ms"], found["p99_ms"], whole and in_time, found["late_ms"])


async def _started(*command: str, folder: Path = PROJECT, more: dict[str, str] | None = None) -> Process:
    pipe, variables = asyncio.subprocess.PIPE, {**os.environ, **(more or {})}
    return await asyncio.create_subprocess_exec(*command, cwd=folder, env=variables, stdin=pipe, stdout=pipe)


Service = Callable[[int], AbstractAsyncContextManager[Contender]]


@asynccontextmanager
async def ours(clients: int) -> AsyncIterator[Contender]:
    """One process of the API on the embedded stack."""
    async with system() as stack:
        (port,) = free_ports(1)
        stack.variables |= {"MAX_WATCHERS_PER_CALLER": str(2 * clients), "RATE_LIMITS": "off"}
        await stack.start("API", port, python_module("deploy.cli", "api"))
        owner, token = await caller(port)
        events = [progressed(job) for job in await _jobs(stack.settings, owner, clients)]
        headers = {"Authorization": f"Bearer {token}"}
        addresses = [{"url": f"ws://{HOST}:{port}/api/v1/jobs/{e.job_id}/ws", "headers": headers} for e in events]

        def publisher(rate: int, seconds: int) -> tuple[str, ...]:
            return python_module("bench.fanout_producer", str(rate), str(seconds))

        told = json.dumps([event.model_dump(mode="json") for event in events]).encode()
        yield Contender(Clients("plain", addresses), publisher, stack.variables, told)


async def _jobs(settings: Settings, owner_id: str, count: int) -> list[Job]:
    """New jobs of accepted uploads, whose facts nobody publishes."""
    database = connect(settings)
    jobs, recordings = Jobs(database), Recordings(database)

    room = asyncio.Semaphore(_AT_ONCE)

    async def made() -> Job:
        recording, stored = waiting(owner_id, 1000), Stored(content_type="video/webm", size_bytes=1000, etag="e")
        async with room:
            await recordings.create(recording)
            return (await accept(jobs, recordings, recording, 3, stored=stored))[0]

    found = await asyncio.gather(*(made() for _ in range(count)))
    disconnect(database)
    return found


@asynccontextmanager
async def socketio(clients: int) -> AsyncIterator[Contender]:
    """One process of Socket.IO, whose adapter listens to Redis."""
    home, (port,) = await installed(_PEER), free_ports(1)
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder, redis() as address:
        command = (tool("node"), str(home / "server.mjs"), str(port), address)
        async with running(Program(name="socket.io", command=command, log=Path(folder) / "log"), port):
            place = f"ws://{HOST}:{port}/socket.io/?EIO=4&transport=websocket&job="
            addresses = [{"url": f"{place}{job}", "headers": {}} for job in range(clients)]

            def publisher(rate: int, seconds: int) -> tuple[str, ...]:
                numbers = map(str, (rate, seconds, clients, _BYTES))
                return (tool("node"), str(home / "publisher.mjs"), address, *numbers)

            yield Contender(Clients("socketio", addresses), publisher, {})


@asynccontextmanager
async def bare(clients: int) -> AsyncIterator[Contender]:
    """A bare aiohttp server that sends messages of its own: what there is to be had with these clients."""
    program, (port,) = str(Path(__file__).with_name("fanout_bare.py")), free_ports(1)
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        command = (sys.executable, program, "serve", str(port))
        async with running(Program(name="bare", command=command, log=Path(folder) / "log"), port):
            addresses = [{"url": f"ws://{HOST}:{port}/ws/{job}", "headers": {}} for job in range(clients)]

            def publisher(rate: int, seconds: int) -> tuple[str, ...]:
                return (sys.executable, program, "publish", *map(str, (port, rate, seconds)))

            yield Contender(Clients("plain", addresses), publisher, {})


@asynccontextmanager
async def channels(clients: int) -> AsyncIterator[Contender]:
    """One process of Django Channels, whose layer is Redis pub/sub."""
    python, (port,) = environment("channels", _CHANNELS), free_ports(1)
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder, redis() as address:
        quick = ("--loop", "uvloop", "--ws", "websockets", "--ws-per-message-deflate", "false", "--no-access-log")
        served = ("fanout_channels:application", "--host", HOST, "--port", str(port), "--log-level", "warning")
        command = (str(python), "-m", "uvicorn", "--app-dir", str(Path(__file__).parent), *served, *quick)
        variables = {"PEER_REDIS": address}
        program = Program(name="channels", command=command, log=Path(folder) / "log", environment=variables)
        async with running(program, port):
            addresses = [{"url": f"ws://{HOST}:{port}/ws/{job}", "headers": {}} for job in range(clients)]

            def publisher(rate: int, seconds: int) -> tuple[str, ...]:
                numbers = map(str, (rate, seconds, clients, _BYTES))
                return (str(python), str(Path(__file__).with_name("fanout_channels.py")), *numbers)

            yield Contender(Clients("plain", addresses), publisher, variables)


async def climb(name: str, service: Service, clients: int, seconds: int) -> tuple[Figures, Figures]:
    """The figures at the first rate, and at the highest that is sustained (or the lowest tried, where none is)."""
    async with service(clients) as contender:
        first = best = await _told(name, contender, _RATES[0], seconds)
        for rate in _RATES[1:] if first.sustained else _LESS:
            found = await _told(name, contender, rate, seconds)
            if found.sustained or not first.sustained:
                best = found
            if found.sustained != first.sustained:
                break
    return first, best


async def _told(name: str, contender: Contender, rate: int, seconds: int) -> Figures:
    found = await measure(contender, rate, seconds)
    print(f"{name:10} {rate:6} asked  {found}", flush=True)
    return found


async def compare(clients: int, seconds: int, only: bool) -> None:
    """Measures and prints."""
    mine = await climb("ours", ours, clients, seconds)
    print(f"p99 at {_FIRST} messages/s       {mine[0].p99_ms:.1f} ms  (goal at most 30)")
    if only:
        return
    _, most = await climb("bare", bare, clients, seconds)
    print(f"ratio ours / bare aiohttp     {mine[1].rate / most.rate:.2f}  (no goal: the ceiling)", flush=True)
    if not shutil.which("redis-server"):
        print("redis-server is not installed: no peers to compare with")
        return
    for name, service, goal in (("Socket.IO", socketio, "0.5, aim 1.0"), ("Channels", channels, "5")):
        _, theirs = await climb(name, service, clients, seconds)
        print(f"ratio ours / {name:10}       {mine[1].rate / theirs.rate:.2f}  (goal at least {goal})", flush=True)


def main() -> None:
    """Prints each figure, and the ratio of the most that each sustains."""
    options = argparse.ArgumentParser(prog="python -m bench.fanout", description=main.__doc__)
    options.add_argument("--clients", type=int, default=1000)
    options.add_argument("--seconds", type=int, default=10, help="for each rate")
    options.add_argument("--ours", action="store_true", help="only ours")
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(describe())
    asyncio.run(compare(given.clients, given.seconds, given.ours))


if __name__ == "__main__":
    main()
