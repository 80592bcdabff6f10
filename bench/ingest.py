"""How many upload-complete calls a second, each answered when its document and its event are durable: 64 connections.

Real small recordings lie in the object store, and one API process with all its checks takes them in; no worker takes
anything off. Beside it, in the same run: FastAPI with Celery on Redis (append-only file on), which enqueues a chain of
three and looks at no upload; a handler of aiohttp that does nothing; and one that only awaits Kafka. `redis-server` is
needed for the peer; it is installed into .cache/bench.
"""

import argparse
import asyncio
import itertools
import json
import os
import pickle
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import av
import psutil
from aiokafka import AIOKafkaConsumer

from bench.listening import listens
from bench.machine import describe
from bench.peers import CELERY, environment, redis
from bench.running import CLIP
from deploy.demo.client import Client
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import Child, Program, Running, python_module
from deploy.embedded.stack import EmbeddedStack, default_cache
from schemas.events import RecordingUploaded, read_event
from schemas.ids import new_id
from schemas.recordings import Recording, Source
from schemas.settings import Settings
from schemas.time import now
from schemas.topics import Topic
from stores import keys
from stores.documents import connect, disconnect
from stores.jobs import Jobs
from stores.objects import Objects
from stores.prepare import prepare
from stores.recordings import Recordings

_PEER = ("fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", *CELERY)
_CONNECTIONS = 64
_CALLERS = 8
_READY_SECONDS = 60.0
_SILENCE_MS = 5000
_TOGETHER = 500
_SETTINGS = {
    "LOG_LEVEL": "warning",
    "MAX_QUEUE_SIZE": "1000000",
    "MAX_QUEUE_SIZE_PER_CALLER": "1000000",
    "MAX_AWAITED_UPLOADS_PER_CALLER": "1000000",
}


class Figures(NamedTuple):
    """Calls a second, and how long they took."""

    rate: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.rate:6.0f} calls/s   p50 {self.p50_ms:.0f} ms   p99 {self.p99_ms:.0f} ms"


class Run(NamedTuple):
    """How many calls are measured, and how many go before."""

    calls: int
    warm_up: int

    @property
    def all(self) -> int:
        """Both."""
        return self.calls + self.warm_up


async def load(port: int, run: Run, requests: Iterable[bytes]) -> Figures:
    """Makes the calls from a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        file = Path(folder) / "requests"
        file.write_bytes(pickle.dumps(list(requests)))
        program = str(Path(__file__).with_name("ingest_load.py"))
        arguments = (str(port), str(_CONNECTIONS), str(run.warm_up), str(file))
        process = await asyncio.create_subprocess_exec(
            sys.executable, program, *arguments, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    if process.returncode:
        raise AssertionError("a call was not accepted")
    return Figures(**json.loads(out))


def _post(path: str, body: object, *headers: str) -> bytes:
    content = json.dumps(body).encode()
    lines = (f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json", *headers)
    return "\r\n".join((*lines, f"Content-Length: {len(content)}", "", "")).encode() + content


class System:
    """The embedded stack, and one process of the API or of a ceiling on it."""

    def __init__(self, folder: Path, opened: AsyncExitStack, stack: EmbeddedStack, variables: dict[str, str]) -> None:
        self._folder, self._opened, self._stack = folder, opened, stack
        self.variables = {**variables, **_SETTINGS, "HOST": HOST}
        self.settings = Settings.model_validate({name.lower(): value for name, value in self.variables.items()})

    async def start(self, name: str, port: int, command: tuple[str, ...]) -> Child:
        """Starts a server and returns when it listens; it ends with the system."""
        child = await Child.start(
            Program(
                name=name,
                command=command,
                log=self._folder / f"{name}.log",
                environment={**self.variables, "PORT": str(port)},
                grace=30,
            )
        )
        self._opened.push_async_callback(child.stop)
        await child.until_ready(lambda _: listens(port), _READY_SECONDS)
        return child

    def processor_seconds(self, server: Child) -> Counter[str]:
        """What the server, and what it stands on, have used of the processor so far, by name."""
        processes = (Running(server.program.name, server.pid), *self._stack.processes())
        return Counter({process.name: sum(psutil.Process(process.pid).cpu_times()[:2]) for process in processes})


async def _listening(port: int) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while not await listens(port):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.1)


@asynccontextmanager
async def system() -> AsyncIterator[System]:
    """The stack, prepared, without a server on it."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with AsyncExitStack() as opened:
            stack = EmbeddedStack(Path(folder), default_cache())
            services = await opened.enter_async_context(stack)
            running = System(Path(folder), opened, stack, services.environment())
            await prepare(running.settings)
            yield running


async def ours(run: Run, observe: str | None = None) -> Figures:
    """Our figures; every accepted upload has its job and its event afterwards."""
    async with system() as running:
        (port,) = free_ports(1)
        api = await running.start("API", port, python_module("deploy.cli", "api"))
        callers = [await caller(port) for _ in range(_CALLERS)]
        recordings = await _stored(running.settings, run.all, [owner for owner, _ in callers])
        tokens = dict(callers)
        requests = (_completion(recording, tokens[recording.owner_id]) for recording in recordings)
        watching = await asyncio.create_subprocess_exec(*observe.split(), str(api.pid)) if observe else None
        before = running.processor_seconds(api)
        figures = await load(port, run, requests)
        spent = running.processor_seconds(api) - before
        print("processor time a call:", ", ".join(f"{name} {1000 * s / run.all:.2f} ms" for name, s in spent.items()))
        if watching:
            await watching.wait()
        await _check(running.settings, recordings)
    return figures


async def caller(port: int) -> tuple[str, str]:
    """A new account's id, and its access token."""
    name, password = f"bench-{new_id()}", new_id()
    async with Client(f"http://{HOST}:{port}") as client:
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        user = await client.call("POST", "/api/v1/auth/register", account)
        tokens = await client.call("POST", "/api/token", {"username": name, "password": password})
    return user["id"], tokens["access"]


def _completion(recording: Recording, token: str) -> bytes:
    path = f"/api/v1/recordings/{recording.id}/upload-complete/"
    return _post(path, {"s3_key": recording.object_key}, f"Authorization: Bearer {token}")


async def _stored(settings: Settings, count: int, owners: list[str]) -> list[Recording]:
    """So many recordings that await their completion, their bytes being there."""
    body = _clip()
    made = [waiting(owners[number % len(owners)], len(body)) for number in range(count)]
    database = connect(settings)
    async with Objects(settings) as objects:
        recordings, room = Recordings(database), asyncio.Semaphore(_CONNECTIONS)

        async def store(recording: Recording) -> None:
            async with room:
                await recordings.create(recording)
                await objects.put(recording.object_key, body, "video/webm")

        await asyncio.gather(*map(store, made))
    disconnect(database)
    return made


def waiting(owner_id: str, size: int) -> Recording:
    """A recording of the caller that awaits its upload of so many bytes."""
    recording_id, at = new_id(), now()
    return Recording(
        id=recording_id,
        owner_id=owner_id,
        job_id=new_id(),
        title="Standup",
        filename="standup.webm",
        source=Source.PRESIGNED,
        size_bytes=size,
        object_key=keys.original(recording_id),
        created_at=at,
        updated_at=at,
    )


def _clip() -> bytes:
    """The sound of the clip's first second: a recording as small as they come."""
    with tempfile.NamedTemporaryFile(suffix=".webm") as file:
        with av.open(str(CLIP)) as source, av.open(file.name, "w", format="webm") as out:
            sound = source.streams.audio[0]
            kept = out.add_stream_from_template(sound)
            for packet in source.demux(sound):
                if packet.pts is not None and packet.pts * packet.time_base < 1:
                    packet.stream = kept
                    out.mux(packet)
        return Path(file.name).read_bytes()


async def _check(settings: Settings, recordings: list[Recording]) -> None:
    """Every recording has its job, and its event is on the topic, once."""
    database, ids = connect(settings), [recording.job_id for recording in recordings]
    groups = [ids[first : first + _TOGETHER] for first in range(0, len(ids), _TOGETHER)]
    jobs = {job_id for group in groups for job_id in await Jobs(database).present(group)}
    disconnect(database)
    told = [job_id async for job_id in _told(settings)]
    expected = {recording.job_id for recording in recordings}
    if jobs != expected or sorted(told) != sorted(expected):
        raise AssertionError(f"{len(expected)} were accepted, {len(jobs)} have jobs, {len(told)} events are there")


async def _told(settings: Settings) -> AsyncIterator[str]:
    """The jobs of all uploads that Kafka has."""
    place = {"bootstrap_servers": settings.kafka_bootstrap_servers, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(Topic.UPLOADS.value, **place) as consumer:
        while found := await consumer.getmany(timeout_ms=_SILENCE_MS):
            for message in itertools.chain.from_iterable(found.values()):
                event = read_event(message.value)
                if isinstance(event, RecordingUploaded):
                    yield event.job_id


async def ceilings(run: Run) -> dict[str, Figures]:
    """What aiohttp takes with nothing behind it, and with Kafka alone."""
    figures = {}
    async with system() as running:
        for kind in ("bare", "kafka"):
            (port,) = free_ports(1)
            server = await running.start(kind, port, python_module("bench.ingest_ceiling", str(port), kind))
            figures[kind] = await load(port, run, _others(run))
            await server.stop()
    return figures


async def peer(run: Run) -> Figures:
    """What FastAPI and Celery take."""
    python = environment("ingest", _PEER)
    (port,) = free_ports(1)
    with redis() as address:
        os.environ["PEER_REDIS"] = address
        quick = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        command = (str(python), "-m", "uvicorn", "ingest_peer:app", "--host", HOST, "--port", str(port), *quick)
        server = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parent)
        try:
            await _listening(port)
            return await load(port, run, _others(run))
        finally:
            server.terminate()
            await server.wait()


def _others(run: Run) -> Iterable[bytes]:
    for _ in range(run.all):
        upload_id = new_id()
        body = {"upload_id": upload_id, "key": keys.original(upload_id), "size": 73_400_320}
        yield _post("/upload-complete", body)


def main() -> None:
    """Prints each figure, and the ratio of ours to the peer's."""
    options = argparse.ArgumentParser(prog="python -m bench.ingest", description=main.__doc__)
    options.add_argument("--calls", type=int, default=6000)
    options.add_argument("--warm-up", type=int, default=3000)
    options.add_argument("--ours", action="store_true", help="only ours")
    options.add_argument("--observe", help="a command that watches the API: it gets its process id")
    given = options.parse_args()
    run = Run(given.calls, given.warm_up)
    print(describe())
    mine = asyncio.run(ours(run, given.observe))
    print(f"upload-complete, ours          {mine}", flush=True)
    if given.ours:
        return
    if shutil.which("redis-server"):
        theirs = asyncio.run(peer(run))
        print(f"FastAPI and Celery on Redis    {theirs}")
        print(f"ratio ours / peer              {mine.rate / theirs.rate:.2f}  (goal at least 1, aim 3)", flush=True)
    else:
        print("redis-server is not installed: no peer to compare with")
    most = asyncio.run(ceilings(run))
    print(f"ceiling: aiohttp alone         {most['bare']}")
    print(f"ceiling: aiohttp and Kafka     {most['kafka']}")


if __name__ == "__main__":
    main()
