"""Watchers have an end: beyond it a stream or a websocket is refused, and let in again once another has gone."""

import asyncio

import pytest
from aiohttp import WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient

from api import rights
from api.handlers import watching
from deploy.embedded.stack import Services
from schemas.settings import Settings
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def settings(services: Services) -> Settings:
    return settings_for(services, max_watchers_per_caller=1)


async def test_beyond_so_many_of_a_caller_nobody_watches(client: TestClient, ada: Person, webm: bytes) -> None:
    job = f"/api/v1/jobs/{(await ada.upload(webm))['job_id']}"
    stream = await ada.call("GET", f"{job}/events")
    assert stream.status == 200
    for path in (f"{job}/events", f"{job}/ws"):
        refused = await ada.call("GET", path)
        await expect_problem(refused, "too_many_watchers")
        assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (429, True)
    stream.close()
    async with asyncio.timeout(20):
        while (again := await ada.call("GET", f"{job}/events")).status == 429:  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(0.05)
    assert again.status == 200
    again.close()


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 0.05)


@pytest.mark.usefixtures("looking")
async def test_a_stream_ends_when_whoever_reads_it_logs_out(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve")
    stream = await eve.call("GET", f"/api/v1/jobs/{(await eve.upload(webm))['job_id']}/events")
    assert await stream.content.readline()
    assert (await eve.call("POST", "/api/v1/auth/logout")).status == 204
    async with asyncio.timeout(20):
        await stream.read()


@pytest.mark.usefixtures("looking")
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_websocket_of_a_ticket_ends_with_what_that_came_of(
    client: TestClient, webm: bytes, by_key: bool
) -> None:
    eve = await Person.register(client, f"eve-{by_key}")
    job = f"/api/v1/jobs/{(await eve.upload(webm))['job_id']}"
    scopes = {"name": "Recorder", "scopes": ["tickets:write", "jobs:read"]}
    key = await (await eve.call("POST", "/api/v1/api-keys", json=scopes)).json()
    headers = {"Authorization": f"Bearer {key['secret']}"} if by_key else eve.headers
    ticket = await (await client.post("/api/v1/tickets", headers=headers)).json()
    async with client.ws_connect(f"{job}/ws?ticket={ticket['ticket']}") as ws:
        assert (await ws.receive()).type is WSMsgType.TEXT
        gone = ("DELETE", f"/api/v1/api-keys/{key['id']}") if by_key else ("POST", "/api/v1/auth/logout")
        assert (await eve.call(*gone)).status == 204
        async with asyncio.timeout(20):
            await ws.receive()
        assert ws.close_code == WSCloseCode.POLICY_VIOLATION
