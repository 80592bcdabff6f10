"""A fleet of worker processes on the running stack, and the jobs that a test gives them."""

import asyncio
import json
import os
import signal
import sys
from contextlib import AsyncExitStack

import pytest

from schemas.ids import new_id
from schemas.jobs import Status
from schemas.settings import Settings
from schemas.time import now
from stores.prepare import prepare
from streams.resources import open_resources
from tests.unit.stores.jobs import a_job

PATIENCE = 60


class Fleet:
    """Worker processes in one folder, with one database of their own."""

    def __init__(self, folder, environment, resources) -> None:
        self.resources = resources
        self._folder = folder
        self._environment = environment
        self._processes: dict[int, asyncio.subprocess.Process] = {}

    async def start(self, **environment) -> int:
        """Starts a worker and returns its process id. It works as soon as it has joined its group."""
        variables = {**os.environ, **self._environment, **environment}
        with (self._folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.streams.worker", str(self._folder)),
                env=variables,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
            )
        self._processes[process.pid] = process
        return process.pid

    async def end(self, pid: int, number: int) -> int:
        """Sends a worker the signal and returns what it exits with."""
        process = self._processes.pop(pid)
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await process.wait()

    async def close(self) -> None:
        """Lets every worker leave its group, so that the next test's need not wait until it counts as dead."""
        for pid in list(self._processes):
            await self.end(pid, signal.SIGTERM)

    async def job(self, job=None):
        """A job that is there and told: a new one whose upload is on its topic, or the one that is given."""
        job = await self.resources.jobs.create(job or a_job(at=now()))
        await self.resources.outbox.settle(job)
        return job

    def go(self) -> None:
        """Lets every step end, present and future."""
        self.put("go")

    def put(self, name: str) -> None:
        """Tells the workers something: see worker.py."""
        (self._folder / name).touch()

    def take_away(self, name: str) -> None:
        """Tells it no longer."""
        (self._folder / name).unlink()

    def notes(self, what: str) -> list[tuple[int, str]]:
        """Which process did that to which job, in order."""
        file = self._folder / "notes"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [(line["pid"], line["job"]) for line in lines if line["what"] == what]

    async def started_by(self, pid: int) -> str:
        """Waits until that worker has started a step; its job's id."""
        return (await self.until(lambda: [job for who, job in self.notes("started") if who == pid]))[0]

    async def step(self, job_id: str, name: str = "audio"):
        return (await self.resources.jobs.get(job_id)).step(name)

    async def two(self, **environment) -> tuple[int, int, str]:
        """Two workers in one group, and the job that the first has in hand; the second has slots to spare."""
        first = await self.start(**environment)
        await self.job()
        running = await self.started_by(first)
        second = await self.start(WORKER_CONCURRENCY="64", **environment)
        while not [job for who, job in self.notes("started") if who == second]:
            await self.job()
            await asyncio.sleep(0.2)
        return first, second, running

    async def completed(self, *job_ids: str) -> None:
        async def all_ended():
            return all([(await self.step(job_id)).status is Status.COMPLETED for job_id in job_ids])

        await self.until(all_ended)

    async def until(self, condition):
        """The first true answer; shows the workers' log where there is none in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    found = condition()
                    found = await found if asyncio.iscoroutine(found) else found
                    if found:
                        return found
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError((self._folder / "log").read_text()[-8000:]) from None


@pytest.fixture
async def fleet(services, tmp_path):
    environment = {
        **services.environment(),
        "TMPDIR": str(tmp_path),  # what a killed worker leaves goes with the test's own folder
        "MONGODB_DATABASE": f"fleet_{new_id().replace('-', '')}",
        "LEASE_SECONDS": "2",
        "SWEEP_SECONDS": "0.3",
        "SHUTDOWN_GRACE_SECONDS": "0",
        "WORKER_CONCURRENCY": "1",
    }
    settings = Settings(**{name.lower(): value for name, value in environment.items()})
    await prepare(settings)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings))
        fleet = Fleet(tmp_path, environment, resources)
        stack.push_async_callback(fleet.close)
        yield fleet
