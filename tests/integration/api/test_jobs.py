"""A job's news: a snapshot, then only newer states, over server-sent events and websockets."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientResponse, ClientWebSocketResponse, WSMsgType
from aiohttp.test_utils import TestClient

from api import keys
from schemas.time import now
from stores import lifecycle
from tests.integration.api.conftest import EXTENSION
from tests.integration.api.people import Person, advance, begun, expect_problem, failed, reported, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = ("/api/v1/jobs/{}/ws", "/api/v1/jobs/{}/ws/", "/api/stream/{}", "/api/stream/{}/")


async def next_event(response: ClientResponse) -> tuple[int, dict[str, Any]] | None:
    """The next server-sent event; None at the end of the stream."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(20):
        async for line in response.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name in ("id", "data"):
                fields[name] = value
            if not name and "data" in fields:
                return int(fields["id"]), json.loads(fields["data"])
    return None


async def next_state(ws: ClientWebSocketResponse) -> dict[str, Any]:
    """The next message, which must be a state as a text frame."""
    message = await ws.receive(timeout=20)
    assert message.type is WSMsgType.TEXT, message
    state: dict[str, Any] = json.loads(message.data)
    return state


async def ticket(person: Person) -> str:
    response = await person.call("POST", "/api/v1/tickets/")
    assert response.status == 201
    made = await response.json()
    assert made["expires_in"] == 5
    secret: str = made["ticket"]
    return secret


@pytest.mark.parametrize("path", PATHS)
async def test_a_websocket_gets_the_snapshot_then_what_is_newer_and_closes_at_the_end(
    client: TestClient, ada: Person, webm: bytes, path: str
) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    async with client.ws_connect(path.format(job_id), headers=ada.headers) as ws:
        first = await next_state(ws)
        assert first == await ada.get(f"/api/v1/jobs/{job_id}")
        versions = [first["version"]]
        for transition in (begun, reported(40), failed):
            await advance(client.app, job_id, transition)
            state = await next_state(ws)
            versions.append(state["version"])
        assert versions == sorted(set(versions))
        assert (state["status"], state["steps"][0]["error"]["code"]) == ("failed", "undecodable")
        message = await ws.receive(timeout=20)
        assert (message.type, ws.close_code) == (WSMsgType.CLOSE, 1000)


async def test_an_ended_job_sends_its_last_state_and_closes(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    await advance(client.app, job_id, failed)
    async with client.ws_connect(f"/api/stream/{job_id}", headers=ada.headers) as ws:
        assert (await next_state(ws))["status"] == "failed"
        assert (await ws.receive(timeout=20)).type is WSMsgType.CLOSE


async def test_an_event_stream_sends_the_same(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    async with client.get(f"/api/v1/jobs/{job_id}/events/", headers=ada.headers) as stream:
        assert stream.content_type == "text/event-stream"
        assert stream.headers["Cache-Control"] == "no-cache"
        first = await next_event(stream)
        await advance(client.app, job_id, begun)
        second = await next_event(stream)
        await advance(client.app, job_id, failed)
        third = await next_event(stream)
        assert await next_event(stream) is None
    assert first
    assert second
    assert third
    assert [number for number, _ in (first, second, third)] == [state["version"] for _, state in (first, second, third)]
    assert first[0] < second[0] < third[0]
    assert third[1]["status"] == "failed"


async def test_a_reconnect_gets_only_what_is_newer(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    await advance(client.app, job_id, begun)
    seen = (await ada.get(f"/api/v1/jobs/{job_id}"))["version"]
    headers = ada.headers | {"Last-Event-ID": str(seen)}
    async with client.get(f"/api/v1/jobs/{job_id}/events", headers=headers) as stream:
        await advance(client.app, job_id, reported(50))
        event = await next_event(stream)
    assert event
    assert event[0] > seen
    assert event[1]["steps"][0]["progress"] == 50


async def test_whoever_has_seen_the_end_is_told_to_stay_away(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    await advance(client.app, job_id, failed)
    seen = (await ada.get(f"/api/v1/jobs/{job_id}"))["version"]
    response = await ada.call("GET", f"/api/v1/jobs/{job_id}/events", headers={"Last-Event-ID": str(seen)})
    assert (response.status, await response.read()) == (204, b"")


async def test_what_kafka_never_said_is_found_in_the_store(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    async with client.ws_connect(f"/api/stream/{job_id}", headers=ada.headers) as ws:
        await next_state(ws)
        await client.app[keys.JOBS].change(job_id, lambda job: lifecycle.cancel(job, now()))
        assert (await next_state(ws))["status"] == "cancelled"


async def test_many_watchers_of_one_job_all_see_its_end(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]

    async def watch() -> list[dict[str, Any]]:
        async with client.ws_connect(f"/api/stream/{job_id}", headers=ada.headers) as ws:
            states = [await next_state(ws)]
            started.release()
            while states[-1]["status"] != "failed":
                states.append(await next_state(ws))
            return states

    started = asyncio.Semaphore(0)
    watching = [asyncio.create_task(watch()) for _ in range(20)]
    for _ in watching:
        await started.acquire()
    await advance(client.app, job_id, begun)
    for percent in range(1, 40):
        await advance(client.app, job_id, reported(percent))
    await advance(client.app, job_id, failed)
    for states in await asyncio.gather(*watching):
        versions = [state["version"] for state in states]
        assert versions == sorted(set(versions))
        assert states[-1]["status"] == "failed"


async def test_a_ticket_opens_one_stream_once(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    secret = await ticket(ada)
    async with client.ws_connect(f"/api/stream/{job_id}?ticket={secret}") as ws:
        assert (await next_state(ws))["id"] == job_id
    await expect_problem(await client.get(f"/api/v1/jobs/{job_id}/events?ticket={secret}"), "token_invalid")


async def test_a_ticket_opens_nothing_else(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    await expect_problem(await client.get(f"/api/v1/jobs/{job_id}?ticket={await ticket(ada)}"), "not_signed_in")


async def test_a_websocket_with_a_cookie_wants_a_page_of_ours(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    cookie = {"Cookie": f"__session={ada.tokens['access']}"}
    for origin in ({}, {"Origin": "https://evil.example"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(f"/api/stream/{job_id}", headers=cookie | origin)
        assert caught.value.status == 403
    async with client.ws_connect(f"/api/stream/{job_id}", headers=cookie | {"Origin": EXTENSION}) as ws:
        assert (await next_state(ws))["id"] == job_id


@pytest.mark.parametrize("path", ["/api/v1/jobs/{}/ws", "/api/stream/{}"])
async def test_no_job_and_somebody_elses_are_404_before_the_upgrade(
    client: TestClient, ada: Person, bob: Person, webm: bytes, path: str
) -> None:
    foreign = (await ada.upload(webm))["job_id"]
    for job_id in (foreign, unknown()):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(path.format(job_id), headers=bob.headers)
        assert caught.value.status == 404


async def test_no_job_and_somebody_elses_are_404(ada: Person, bob: Person, webm: bytes) -> None:
    foreign = (await ada.upload(webm))["job_id"]
    for job_id in (foreign, unknown()):
        for path in (f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/events"):
            await expect_problem(await bob.call("GET", path), "not_found")


async def test_a_plain_request_to_a_websocket_is_explained(ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    response = await ada.call("GET", f"/api/stream/{job_id}")
    await expect_problem(response, "invalid_request")
    assert response.status == 400


async def test_a_handshake_with_a_broken_key_is_explained(ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    asking = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    response = await ada.call("GET", f"/api/stream/{job_id}", headers=asking | {"Sec-WebSocket-Key": "ü"})
    await expect_problem(response, "invalid_request")


async def test_an_access_token_in_the_address_opens_no_websocket(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.ws_connect(f"/api/stream/{job_id}?token={ada.tokens['access']}")
    assert caught.value.status == 401


async def test_who_leaves_leaves_nothing_behind(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]
    async with client.ws_connect(f"/api/stream/{job_id}", headers=ada.headers) as ws:
        await next_state(ws)
        assert await open_sockets(client) == 1
    async with asyncio.timeout(10):
        while await open_sockets(client):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.05)


async def open_sockets(client: TestClient) -> float:
    text = await (await client.get("/metrics")).text()
    line = next(line for line in text.splitlines() if line.startswith('tidemark_watchers{kind="websocket"}'))
    return float(line.split()[-1])
