"""Each part that the platform stands on, away for a minute: hanging, then dead. One API, one worker, no repair by hand.

A recording is sent in shortly before, and others all the while. Told are: how soon a call that cannot be met is
answered 503 and how long the slowest took, what could be done all the same, what readiness says, and after the return:
when the API is ready, when the first job moves on, when all have ended, and how. Goals: 503 within 3 s; every accepted
recording completed, at its first attempt but for what was cut off; no process of ours started again.

Run: python -m bench.outages [--seconds 60] [--part NAME ...] [--how hanging|dead]
"""

import argparse
import asyncio
import itertools
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.machine import describe
from bench.outside import Outside, running_outside
from bench.servers import Away, Servers, running_servers
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import Child, Program, python_module

CLIP = Path(__file__).parents[1] / "tests" / "media" / "screen-h264.webm"
STORES, PROVIDERS = ("kafka", "documents", "objects"), ("deepgram", "gemini")
SLOWEST_SECONDS = 3.0
SEND_SECONDS, ASK_SECONDS, LOOK_SECONDS = 4.0, 1.0, 0.1
HEAD_START_SECONDS = 0.4
"""How long the first recording's work goes on undisturbed."""
READY_SECONDS = 60.0
ENDED_SECONDS = 240.0
TIMEOUT = aiohttp.ClientTimeout(total=60)


class Caller:
    """Somebody who is signed in and notes what is answered, by the name of the call."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers: dict[str, str] = {}
        self.away_since = time.monotonic()
        self.answers: dict[str, Counter[int]] = {}
        self.refused_after: dict[str, float] = {}
        self.slowest = 0.0
        self.without_retry_after = 0
        self.jobs: list[str] = []

    async def __aenter__(self) -> "Caller":
        self._http = aiohttp.ClientSession(self._url, timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def sign_up(self) -> None:
        """Makes an account and signs in."""
        name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        account = {"username": name, "email": f"{name}@example.org", "password": password}
        await self.ask("account", "POST", "/api/v1/auth/register", account)
        tokens = await self.ask("tokens", "POST", "/api/token/", {"username": name, "password": password})
        assert tokens is not None, self.answers
        self._headers = {"Authorization": f"Bearer {tokens['access']}"}
        self.answers.clear()

    async def ask(self, name: str, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """The body of an answer below 400; None for another, or none at all (noted as status 0)."""
        started, status, answer = time.monotonic(), 0, None
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.request(method, path, json=body, headers=self._headers) as response:
                status = response.status
                answer = await response.json(content_type=None) if response.content_length else {}
                self.without_retry_after += status == 503 and "Retry-After" not in response.headers
        self.answers.setdefault(name, Counter())[status] += 1
        if status in (0, 503):
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.refused_after.setdefault(name, time.monotonic() - self.away_since)
        return answer if 0 < status < 400 else None

    async def send(self) -> None:
        """Sends a recording by the presigned door, as far as that goes."""
        announced = {"filename": CLIP.name, "file_size": CLIP.stat().st_size}
        asked = await self.ask("address", "POST", "/api/v1/recordings/request-upload/", announced)
        if asked is None or not await self._put(asked["upload_url"]):
            return
        path = f"/api/v1/recordings/{asked['id']}/upload-complete/"
        accepted = await self.ask("completion", "POST", path, {"s3_key": asked["s3_key"]})
        if accepted is not None:
            self.jobs.append(accepted["job_id"])

    async def _put(self, url: str) -> bool:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as plain:
                with CLIP.open("rb") as body:
                    async with plain.put(url, data=body) as response:
                        stored: bool = response.status == 200
                        return stored
        return False

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """The job's state; None while it cannot be had."""
        return await self.ask("a job", "GET", f"/api/v1/jobs/{job_id}")

    async def ready(self) -> tuple[bool, list[str]]:
        """Whether the API says that it is ready, and which parts it says are away."""
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.get("/health/ready") as response:
                parts = (await response.json())["parts"]
                return response.status == 200, [part["name"] for part in parts if not part["ok"]]
        return False, ["no answer"]


@dataclass
class Told:
    """What happened in one outage. Seconds count from its beginning, those of the return from its end."""

    named_after: float | None = None
    named: set[str] = field(default_factory=set)
    ready_after: float | None = None
    moving_after: float | None = None
    ended_after: float | None = None
    jobs: list[dict[str, Any]] = field(default_factory=list)


async def outage(caller: Caller, parts: Servers | Outside, part: str, how: Away, seconds: float) -> Told:
    """One part away for so long, and what follows, until every job has ended."""
    told = Told()
    await caller.send()
    await asyncio.sleep(HEAD_START_SECONDS)
    caller.away_since = time.monotonic()
    await parts.take_away(part, how)
    try:
        await _while_away(caller, told, part, seconds)
    finally:
        await parts.bring_back(part)
    await _after_return(caller, told, time.monotonic())
    return told


async def _while_away(caller: Caller, told: Told, part: str, seconds: float) -> None:
    async with asyncio.TaskGroup() as calls:
        ends, sends, number = caller.away_since + seconds, caller.away_since, 0
        while time.monotonic() < ends:
            calls.create_task(caller.ask("recordings", "GET", "/api/v1/recordings/"))
            calls.create_task(caller.job(caller.jobs[0]))
            calls.create_task(_note_readiness(caller, told, part))
            if time.monotonic() >= sends:
                calls.create_task(caller.send())
                sends += SEND_SECONDS
            number += 1
            await asyncio.sleep(max(0, min(caller.away_since + number * ASK_SECONDS, ends) - time.monotonic()))


async def _note_readiness(caller: Caller, told: Told, part: str) -> None:
    _, away = await caller.ready()
    told.named |= set(away)
    if part in away and told.named_after is None:
        told.named_after = time.monotonic() - caller.away_since


async def _after_return(caller: Caller, told: Told, back: float) -> None:
    states: dict[str, dict[str, Any]] = {}
    before = await _states(caller)
    while time.monotonic() - back < ENDED_SECONDS and told.ended_after is None:
        if told.ready_after is None and (await caller.ready())[0]:
            told.ready_after = time.monotonic() - back
        states = await _states(caller)
        if told.moving_after is None and any(_moved(before.get(job_id), state) for job_id, state in states.items()):
            told.moving_after = time.monotonic() - back
        if len(states) == len(caller.jobs) and all(state["finished_at"] for state in states.values()):
            told.ended_after = time.monotonic() - back
        await asyncio.sleep(LOOK_SECONDS)
    told.jobs = list(states.values())


async def _states(caller: Caller) -> dict[str, dict[str, Any]]:
    found = await asyncio.gather(*map(caller.job, caller.jobs))
    return {state["id"]: state for state in found if state is not None}


def _moved(before: dict[str, Any] | None, now: dict[str, Any]) -> bool:
    was, at_last = (sum(step["status"] == "completed" for step in state["steps"]) for state in (before or now, now))
    return int(at_last) > int(was)


def faults(caller: Caller, told: Told, part: str) -> list[str]:
    """What was not as it should be."""
    endings = Counter(job["status"] for job in told.jobs)
    found = {
        "a call was refused late": caller.slowest > SLOWEST_SECONDS,
        "503 without Retry-After": caller.without_retry_after > 0,
        "no answer at all": any(statuses[0] for statuses in caller.answers.values()),
        "an error": any(status in (500, 502) for statuses in caller.answers.values() for status in statuses),
        "readiness did not name it": part in STORES and told.named_after is None,
        "readiness named others": part in STORES and bool(told.named - {part}),
        "jobs did not end": told.ended_after is None,
        "jobs did not complete": endings != Counter(completed=len(caller.jobs)),
    }
    return [what for what, is_so in found.items() if is_so]


def say(caller: Caller, told: Told, part: str, how: Away) -> list[str]:
    """Prints the outage. The faults."""
    attempts = Counter(step["attempt"] for job in told.jobs for step in job["steps"])
    wrong = faults(caller, told, part)
    print(f"\n{part}, {how}")
    for name, statuses in caller.answers.items():
        first = caller.refused_after.get(name)
        refused = f", first refused after {first:.1f} s" if first is not None else ""
        print(f"  {name:<12} {', '.join(f'{count} x {status}' for status, count in sorted(statuses.items()))}{refused}")
    print(f"  slowest 503  {caller.slowest:.2f} s; readiness named it after {_seconds(told.named_after)}")
    print(
        f"  back         ready after {_seconds(told.ready_after)}, work after {_seconds(told.moving_after)}, "
        f"all {len(caller.jobs)} jobs ended after {_seconds(told.ended_after)}"
    )
    print(f"  attempts     {', '.join(f'{count} steps {number}' for number, count in sorted(attempts.items()))}")
    print(f"  {'FAULTS: ' + '; '.join(wrong) if wrong else 'as it should be'}", flush=True)
    return wrong


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


@asynccontextmanager
async def processes(servers: Servers, outside: Outside, data: Path) -> AsyncIterator[tuple[str, list[Child]]]:
    """The API's address, and the API and a worker, which nobody starts again."""
    port = free_ports(1)[0]
    environment = {**servers.services.environment(), **outside.environment(), "HOST": HOST, "PORT": str(port)}
    running = []
    try:
        for command in ("api", "worker"):
            program = Program(
                name=command,
                command=python_module("deploy.cli", command),
                log=data / "logs" / f"{command}.log",
                environment={**environment, "TMPDIR": str(data)},
                grace=40,
            )
            running.append(await Child.start(program))
        yield f"http://{HOST}:{port}", running
    finally:
        for child in running:
            await child.stop()


async def ready(url: str) -> None:
    """Returns as soon as the API is ready. Raises TimeoutError."""
    async with Caller(url) as anybody, asyncio.timeout(READY_SECONDS):
        while not (await anybody.ready())[0]:  # noqa: ASYNC110 - the API has no event for it
            await asyncio.sleep(LOOK_SECONDS)


async def measured(url: str, parts: Servers | Outside, part: str, how: Away, seconds: float) -> list[str]:
    """One outage with a new account. The faults."""
    await ready(url)
    async with Caller(url) as caller:
        await caller.sign_up()
        return say(caller, await outage(caller, parts, part, how, seconds), part, how)


async def main(chosen: list[str], ways: list[Away], seconds: float) -> int:
    """Runs the outages one after another. 1 if anything was not as it should be."""
    print(f"{describe()}\neach part away for {seconds:g} s")
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with (
            running_servers(Path(folder)) as servers,
            running_outside() as outside,
            processes(servers, outside, Path(folder)) as (url, running),
        ):
            for part, how in itertools.product(chosen, ways):
                wrong += await measured(url, servers if part in STORES else outside, part, how, seconds)
                wrong += [f"{child.program.name} ended" for child in running if not child.running]
    print(f"\n{len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.outages", description="Each part away for a minute.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--part", action="append", choices=STORES + PROVIDERS)
    parser.add_argument("--how", action="append", choices=list(Away), type=Away)
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.part or [*STORES, *PROVIDERS], given.how or list(Away), given.seconds)))
