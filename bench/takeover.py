"""How soon work goes on elsewhere: after a worker was killed with SIGKILL, and when a worker is added under load.

Goals: the steps of a killed worker are claimed by another process within 15 s; a worker that is added claims its first
step within 5 s of its start, and no step that ran before it came is begun again. Run: python -m bench.takeover
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
from pymongo import MongoClient

from bench.machine import describe
from bench.running import CLIP, signed_in
from deploy.demo.client import Client
from deploy.embedded.ports import free_ports
from deploy.embedded.process import Child, Program, python_module
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform

_ROUNDS = 5
_WAIT_SECONDS = 300.0
_LOOK_SECONDS = 0.05
_AT_ONCE = 2
"""Recordings in work while a worker is killed: as many as the other has slots of each stage."""
_LOAD = 10
"""Recordings that wait while a worker is added: more than the first one has slots."""


@dataclass(frozen=True)
class Claim:
    """A step in the hands of a process. `pid` is the owner's; `fence` grows with every claim."""

    job_id: str
    step: str
    pid: int
    fence: int
    status: str


class Ledger:
    """The steps, as the documents say: read past the program, as often as is liked."""

    def __init__(self, client: "MongoClient[dict[str, Any]]") -> None:
        self._jobs = client["tidemark"]["jobs"]

    def claims(self) -> dict[tuple[str, str], Claim]:
        """Every step by its job and name. `pid` is 0 where nobody has it."""
        return {
            (job["_id"], step["name"]): Claim(
                job["_id"], step["name"], _pid(step.get("owner")), step["fence"], step["status"]
            )
            for job in self._jobs.find({}, {"state.steps": 1})
            for step in orjson.loads(job["state"][0]["steps"])
        }

    async def until(self, true: Callable[[dict[tuple[str, str], Claim]], Any]) -> dict[tuple[str, str], Claim]:
        """The first state of all steps of which that is true. Raises TimeoutError after five minutes."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while not true(found := await asyncio.to_thread(self.claims)):  # noqa: ASYNC110 -- others write
                await asyncio.sleep(_LOOK_SECONDS)
        return found


def _pid(owner: str | None) -> int:
    """An owner's name is its host, its process id and a token."""
    return int(owner.split(":")[-2]) if owner else 0


async def main() -> None:
    """Prints the seconds of every round, the longest, and the goals."""
    print(describe())
    killed = await _rounds(2, _killed)
    print(f"killed: its steps are claimed again after  {_told(killed)}  (goal at most 15 s)")
    joined = await _rounds(1, _joined)
    print(f"added: the first claim after its start     {_told(joined)}  (goal at most 5 s; no running step restarted)")


async def _rounds(workers: int, round_of: Callable[[Platform, Client, Ledger, Path], Any]) -> list[float]:
    taken = []
    async with _platform(workers) as (platform, data), signed_in(platform) as client:
        mongo: MongoClient[dict[str, Any]]
        with MongoClient(platform.services.mongodb_url) as mongo:
            ledger = Ledger(mongo)
            for _ in range(_ROUNDS):
                taken.append(await round_of(platform, client, ledger, data))
                await _empty(client, ledger)
    return taken


@asynccontextmanager
async def _platform(workers: int) -> AsyncIterator[tuple[Platform, Path]]:
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        data = Path(folder)
        async with running_platform(free_ports(1)[0], data, default_cache(), print, workers=workers) as platform:
            yield platform, data


async def _killed(platform: Platform, client: Client, ledger: Ledger, _data: Path) -> float:
    """Kills the worker that renders; the seconds until each of its steps is in the hands of another process."""
    for _ in range(_AT_ONCE):
        await client.upload(CLIP)
    claims = await ledger.until(lambda found: _rendering(found.values()))
    victim = _rendering(claims.values())[0].pid
    assert victim in {process.pid for process in platform.processes()}
    psutil.Process(victim).kill()
    started = time.perf_counter()
    orphans = [claim for claim in ledger.claims().values() if claim.pid == victim]
    await ledger.until(
        lambda found: all(
            found[one.job_id, one.step].fence > one.fence and found[one.job_id, one.step].pid != victim
            for one in orphans
        )
    )
    return time.perf_counter() - started


def _rendering(claims: Any) -> list[Claim]:
    return [claim for claim in claims if claim.step == "render" and claim.status == "running"]


async def _joined(platform: Platform, client: Client, ledger: Ledger, data: Path) -> float:
    """Adds a worker while others wait; the seconds from its start to its first claim. Running steps must run on."""
    for _ in range(_LOAD):
        await client.upload(CLIP)
    before = await ledger.until(lambda found: len(_rendering(found.values())) >= _AT_ONCE)
    started = time.perf_counter()
    added = await Child.start(_another(platform, data))
    try:
        await ledger.until(lambda found: any(claim.pid == added.pid for claim in found.values()))
        took = time.perf_counter() - started
        running = [claim for claim in before.values() if claim.status == "running"]
        after = await ledger.until(
            lambda found: all(found[one.job_id, one.step].status != "running" for one in running)
        )
        again = [one for one in running if after[one.job_id, one.step].fence != one.fence]
        assert not again, f"begun again: {again}"
    finally:
        await added.stop()
    return took


def _another(platform: Platform, data: Path) -> Program:
    """A worker as an operator would add it: the same command with the same addresses."""
    return Program(
        name="added worker",
        command=python_module("deploy.cli", "worker"),
        log=data / "logs" / "worker-added.log",
        environment={**platform.services.environment(), "SHUTDOWN_GRACE_SECONDS": "0"},
    )


async def _empty(client: Client, ledger: Ledger) -> None:
    """Deletes every recording, and with it what is still to be done; returns when no step is in anybody's hands."""
    while recordings := (await client.call("GET", "/api/v1/recordings/?limit=100"))["items"]:
        for recording in recordings:
            await client.call("DELETE", f"/api/v1/recordings/{recording['id']}/")
    await ledger.until(lambda found: not any(claim.pid for claim in found.values()))


def _told(seconds: list[float]) -> str:
    return f"{max(seconds):.1f} s at most  (of {[round(value, 1) for value in seconds]})"


if __name__ == "__main__":
    asyncio.run(main())
