"""How fast resumable uploads come in, each acknowledged byte durable: beside @tus/server with its S3 store.

Both on the embedded object store, with the same client, in turns: one upload of 512 MiB in PATCHes of 8 MiB, then 50
recorders that send 70 KB again and again. The peer runs on the Node of the wheel; its packages come by a lock file into
.cache/bench. What the store itself takes is measured beside.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import mean

from bench.listening import listens
from bench.machine import describe
from bench.peers import installed, tool
from deploy.demo.client import Client
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT, Child, Program, python_module
from deploy.embedded.stack import EmbeddedStack, Services, default_cache
from schemas.settings import Settings
from stores.objects import Objects

_PEER = Path(__file__).with_name("tus_peer")
_TOTAL, _PATCH = "512", "8"
_RECORDERS, _CHUNK = "50", "70000"
_SETTINGS = {"LOG_LEVEL": "warning"}

Figures = dict[str, float]


class Server:
    """A server under test: where it listens, what its uploads lie under, and who may."""

    def __init__(self, name: str, port: int, path: str, token: str) -> None:
        self.name, self.path = name, path
        self._environment = {**os.environ, "TUS_PORT": str(port), "TUS_TOKEN": token, "PYTHONPATH": str(PROJECT)}

    async def measure(self, what: str, *numbers: str) -> Figures:
        """The figures of one run of the client."""
        command = (sys.executable, "-m", "bench.tus_client", what, self.path, *numbers)
        client = await asyncio.create_subprocess_exec(*command, env=self._environment, stdout=asyncio.subprocess.PIPE)
        out, _ = await client.communicate()
        if client.returncode:
            raise RuntimeError(f"{self.name}: the client failed")
        found: Figures = json.loads(out)
        return found


@asynccontextmanager
async def running(program: Program, port: int) -> AsyncIterator[None]:
    """The program, once it listens."""
    child = await Child.start(program)
    try:
        await child.until_ready(lambda _: listens(port), 60)
        yield
    finally:
        await child.stop()


@asynccontextmanager
async def ours(folder: Path, services: Services) -> AsyncIterator[Server]:
    """One process of the API, and somebody with an account."""
    (port,) = free_ports(1)
    environment = {**services.environment(), **_SETTINGS, "PORT": str(port)}
    command = python_module("deploy.cli", "api")
    program = Program(name="api", command=command, log=folder / "api.log", environment=environment)
    async with running(program, port), Client(f"http://{HOST}:{port}") as client:
        await _until_ready(client)
        account = {
            "username": "bench",
            "email": "bench@example.org",
            "password": "correct horse battery",  # pragma: allowlist secret
        }
        await client.call("POST", "/api/v1/auth/register", account)
        tokens = await client.call("POST", "/api/token/", account)
        yield Server("ours", port, "/api/v1/uploads", tokens["access"])


async def _until_ready(client: Client) -> None:
    """Waits for the stores' preparation."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Exception):
                await client.call("GET", "/health/ready")
                return
            await asyncio.sleep(0.2)


@asynccontextmanager
async def peer(folder: Path, settings: Settings) -> AsyncIterator[Server]:
    """@tus/server on a bucket of the same store."""
    home, (port,) = await installed(_PEER), free_ports(1)
    where = (
        settings.s3_endpoint,
        settings.s3_bucket,
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
    )
    command = (tool("node"), str(home / "server.mjs"), str(port), *where)
    async with running(Program(name="peer", command=command, log=folder / "peer.log"), port):
        yield Server("@tus/server", port, "/files", "none")


async def direct(settings: Settings) -> float:
    """MiB/s of plain PUTs of 8 MiB, one after the other."""
    body = os.urandom(int(_PATCH) << 20)
    async with Objects(settings) as objects:
        began = time.perf_counter()
        for number in range(int(_TOTAL) // int(_PATCH)):
            await objects.put(f"direct/{number}", body, "application/octet-stream")
        return int(_TOTAL) / (time.perf_counter() - began)


async def compare(rounds: int, seconds: int) -> None:
    """Measures in turns and prints."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with EmbeddedStack(Path(folder), default_cache()) as services:
            settings = Settings.model_validate({k.lower(): v for k, v in services.environment().items()})
            async with ours(Path(folder), services) as own, peer(Path(folder), settings) as other:
                large: dict[str, list[Figures]] = {own.name: [], other.name: []}
                small: dict[str, list[Figures]] = {own.name: [], other.name: []}
                puts = []
                for _ in range(rounds):
                    puts.append(await direct(settings))
                    for server in (own, other):
                        large[server.name].append(await server.measure("one", _TOTAL, _PATCH))
                    for server in (own, other):
                        small[server.name].append(await server.measure("recorders", _RECORDERS, _CHUNK, str(seconds)))
    _print(large, small, mean(puts))


def _print(large: dict[str, list[Figures]], small: dict[str, list[Figures]], puts: float) -> None:
    print(f"plain PUTs of 8 MiB            {puts:.0f} MiB/s")
    for name, found in large.items():
        print(f"512 MiB in 8 MiB, {name:12} {_of(found, 'mib_s'):.0f} MiB/s")
    mine, theirs = (_of(found, "mib_s") for found in large.values())
    print(f"ratio                          {mine / theirs:.2f}  (goal at least 1.8)")
    for name, found in small.items():
        p50, p99 = _of(found, "p50_ms"), _of(found, "p99_ms")
        print(
            f"50 recorders, {name:12}     {_of(found, 'patches_s'):.0f} PATCHes/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
        )
    mine, theirs = (_of(found, "patches_s") for found in small.values())
    print(f"ratio                          {mine / theirs:.2f}  (goal at least 8, p99 under 250 ms)")


def _of(found: list[Figures], name: str) -> float:
    return mean(figures[name] for figures in found)


def main() -> None:
    """Prints each figure, and its ratio to the one beside it."""
    options = argparse.ArgumentParser(prog="python -m bench.tus", description=main.__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=20, help="for the recorders of each round")
    given = options.parse_args()
    print(describe())
    asyncio.run(compare(given.rounds, given.seconds))


if __name__ == "__main__":
    main()
