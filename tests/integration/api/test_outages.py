"""Kafka away while the other stores are there: nothing that was accepted is lost, and watchers still see the end."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import Services
from schemas.time import now
from stores import lifecycle
from stores.prepare import prepare
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deaf(services: Services) -> AsyncIterator[TestClient]:
    """An application whose Kafka does not answer; its database and bucket are prepared."""
    settings = settings_for(services)
    await prepare(settings)
    away = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{free_ports(1)[0]}"})
    async with TestClient(TestServer(make_app(away))) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dora(deaf: TestClient) -> Person:
    return await Person.register(deaf, "dora")


async def test_an_upload_is_accepted_as_soon_as_its_job_is_durable(deaf: TestClient, dora: Person, webm: bytes) -> None:
    address = await dora.upload(webm)
    job = await deaf.app[keys.JOBS].get(address["job_id"])
    assert job is not None
    assert job.outbox == [job.facts[0]["id"]]
    assert job.sweep_at is not None
    assert (await dora.complete(address)).status == 202


async def test_readiness_names_kafka(deaf: TestClient) -> None:
    ready = await deaf.get("/health/ready")
    assert ready.status == 503
    assert {part["name"]: part["ok"] for part in (await ready.json())["parts"]} == {
        "kafka": False,
        "documents": True,
        "objects": True,
    }


async def test_watchers_see_the_end_from_the_store(deaf: TestClient, dora: Person, webm: bytes) -> None:
    job_id = (await dora.upload(webm))["job_id"]
    async with deaf.ws_connect(f"/api/stream/{job_id}", headers=dora.headers) as ws:
        assert (await ws.receive_json(timeout=20))["status"] == "queued"
        await deaf.app[keys.JOBS].change(job_id, lambda job: lifecycle.cancel(job, now()))
        assert (await ws.receive_json(timeout=20))["status"] == "cancelled"


async def test_watchers_of_a_job_that_is_gone_are_sent_away(deaf: TestClient, dora: Person, webm: bytes) -> None:
    job_id = (await dora.upload(webm))["job_id"]
    async with deaf.ws_connect(f"/api/stream/{job_id}", headers=dora.headers) as ws:
        await ws.receive_json(timeout=20)
        await deaf.app[keys.JOBS].delete(job_id)
        assert (await ws.receive(timeout=20)).type is WSMsgType.CLOSE
    assert ws.close_code == WSCloseCode.GOING_AWAY


async def test_a_deletion_waits_for_kafka_and_destroys_nothing(deaf: TestClient, dora: Person, webm: bytes) -> None:
    address = await dora.upload(webm)
    async with asyncio.timeout(4):
        response = await dora.call("DELETE", f"/api/v1/recordings/{address['id']}")
    await expect_problem(response, "unavailable")
    assert response.headers["Retry-After"]
    assert await deaf.app[keys.OBJECTS].read(f"recordings/{address['id']}/original") == webm
