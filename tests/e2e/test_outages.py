"""Kafka, the document store and the object store away while recordings are being processed: nothing is lost or failed.

Each hangs for some seconds and then dies, once; nobody repairs anything but the platform itself.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.demo.client import Client
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform
from tests.e2e.watching import SCREEN_H264

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SERVERS = ("Kafka", "document store", "object store")
HANGING_SECONDS = 12.0
HEAD_START_SECONDS = 0.5
PATIENCE_SECONDS = 120.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """A platform of this module's own."""
    data = tmp_path_factory.mktemp("outages")
    async with running_platform(free_ports(1)[0], data, default_cache(), print) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(platform: Platform) -> AsyncIterator[Client]:
    async with Client(platform.url) as client:
        await client.sign_up()
        yield client


def pids(platform: Platform, *names: str) -> dict[str, int]:
    """The process ids of the parts that run, by name."""
    return {part.name: part.pid for part in platform.processes() if part.name in names}


async def until_there(platform: Platform, name: str, but: int) -> None:
    """Returns when the part runs again, in another process than that one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while pids(platform, name).get(name, but) == but:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)


async def ended(client: Client, job_id: str):
    """The job once it has ended; questions that are not answered are asked again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                job = await client.call("GET", f"/api/v1/jobs/{job_id}")
            except Exception:  # noqa: BLE001 - whatever an outage does to a question
                job = {"status": "unknown"}
            if job["status"] in ("completed", "failed", "cancelled"):
                return job
            await asyncio.sleep(0.2)


async def test_recordings_survive_every_outage(platform: Platform, client: Client) -> None:
    ours, jobs = pids(platform, "API", "worker"), []
    for name in SERVERS:
        jobs.append((await client.upload(SCREEN_H264))["job_id"])
        await asyncio.sleep(HEAD_START_SECONDS)
        pid = pids(platform, name)[name]
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(HANGING_SECONDS)
        os.kill(pid, signal.SIGCONT)
        await ended(client, jobs[-1])
        jobs.append((await client.upload(SCREEN_H264))["job_id"])
        await asyncio.sleep(HEAD_START_SECONDS)
        os.kill(pid, signal.SIGKILL)
        await until_there(platform, name, but=pid)
    states = await asyncio.gather(*(ended(client, job_id) for job_id in jobs))
    assert [job["status"] for job in states] == ["completed"] * len(jobs)
    assert max(step["attempt"] for job in states for step in job["steps"]) < 3
    assert pids(platform, "API", "worker") == ours
