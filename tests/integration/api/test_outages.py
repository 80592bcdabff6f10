"""Kafka, documents or objects away: what cannot be done is answered 503 within three seconds, all else goes on.

Servers of this module's own are stopped (they hang) and killed (they refuse), one at a time.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import NamedTuple

import pytest
import pytest_asyncio
from aiohttp import ClientResponse, WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from bench.servers import Away, Servers, running_servers
from schemas.time import now
from stores import lifecycle
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import PASSWORD, Person, expect_problem, put, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_SECONDS = 4.0
"""Three, and one for a machine that has other things to do; `python -m bench.outages` measures it."""
BACK_SECONDS = 15.0
KAFKA, DOCUMENTS, OBJECTS = "kafka", "documents", "objects"
PARTS = (KAFKA, DOCUMENTS, OBJECTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    async with running_servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(servers: Servers) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(make_app(settings_for(servers.services)))) as client:
        await until_ready(client)
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dora(client: TestClient) -> Person:
    return await Person.register(client, "dora")


class Call(NamedTuple):
    """A request, what it answers when all is well, and which parts it cannot do without."""

    make: Callable[[], Awaitable[ClientResponse]]
    status: int
    needs: tuple[str, ...] = ()


class Things(NamedTuple):
    """What the calls are about: a recording that is being processed, an upload to complete, and one to delete."""

    recording: dict[str, str]
    stored: dict[str, str]
    unwanted: dict[str, str]


async def things_of(dora: Person, webm: bytes) -> Things:
    recording, stored, unwanted = await dora.upload(webm), await dora.announce(len(webm)), await dora.upload(webm)
    await put(stored["upload_url"], webm)
    return Things(recording, stored, unwanted)


def calls_of(dora: Person, webm: bytes, things: Things) -> dict[str, Call]:
    recording, job = f"/api/v1/recordings/{things.recording['id']}", f"/api/v1/jobs/{things.recording['job_id']}"
    credentials = {"username": "dora", "password": PASSWORD}
    announced = {"filename": "talk.webm", "file_size": len(webm)}

    def get(path: str) -> Callable[[], Awaitable[ClientResponse]]:
        return lambda: dora.call("GET", path)

    return {
        "liveness": Call(get("/health/live"), 200),
        "health": Call(get("/health"), 200),
        "docs": Call(get("/docs"), 200),
        "description": Call(get("/openapi.json"), 200),
        "metrics": Call(get("/metrics"), 200),
        "signing in": Call(lambda: dora.client.post("/api/token/", json=credentials), 200, (DOCUMENTS,)),
        "a ticket": Call(lambda: dora.call("POST", "/api/v1/tickets"), 201, (DOCUMENTS,)),
        "recordings": Call(get("/api/v1/recordings/"), 200, (DOCUMENTS,)),
        "a recording": Call(get(recording), 200, (DOCUMENTS,)),
        "its state": Call(get(f"{recording}/status"), 200, (DOCUMENTS,)),
        "its bytes": Call(get(f"{recording}/renditions/original"), 200, (DOCUMENTS, OBJECTS)),
        "jobs": Call(get("/api/v1/jobs"), 200, (DOCUMENTS,)),
        "a job": Call(get(job), 200, (DOCUMENTS,)),
        "figures": Call(get("/storage/stats"), 200, (DOCUMENTS,)),
        "an address": Call(
            lambda: dora.call("POST", "/api/v1/recordings/request-upload/", json=announced), 201, (DOCUMENTS,)
        ),
        "completion": Call(lambda: dora.complete(things.stored), 202, (DOCUMENTS, OBJECTS)),
        "a form": Call(lambda: dora.send_video(io.BytesIO(webm)), 202, (DOCUMENTS, OBJECTS)),
        "deletion": Call(lambda: dora.call("DELETE", f"/api/v1/recordings/{things.unwanted['id']}"), 204, PARTS),
    }


async def in_time(call: Call) -> tuple[int, float, str | None]:
    """What the call is answered, after how many seconds, and when to come again."""
    started = time.monotonic()
    response = await call.make()
    if response.status == 503 and response.content_type == "application/problem+json":
        await expect_problem(response, "unavailable")
    return response.status, time.monotonic() - started, response.headers.get("Retry-After")


async def states_when_not_ready(client: TestClient) -> dict[str, bool]:
    """Whether each part is there, once readiness says that one is not: a good answer is good for a second."""
    async with asyncio.timeout(MOST_SECONDS + 1):
        while (response := await client.get("/health/ready")).status == 200:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.1)
    assert response.headers["Retry-After"]
    return {part["name"]: part["ok"] for part in (await response.json())["parts"]}


async def until_back(call: Call) -> None:
    async with asyncio.timeout(BACK_SECONDS):
        while (await call.make()).status == 503:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", Away)
@pytest.mark.parametrize("part", PARTS)
async def test_what_cannot_be_done_is_refused_in_time_and_all_else_goes_on(
    servers: Servers, client: TestClient, dora: Person, webm: bytes, part: str, how: Away
) -> None:
    await until_ready(client)
    calls = calls_of(dora, webm, await things_of(dora, webm))
    async with servers.away(part, how):
        results = dict(zip(calls, await asyncio.gather(*map(in_time, calls.values())), strict=True))
        states = await states_when_not_ready(client)
    expected = {name: 503 if part in call.needs else call.status for name, call in calls.items()}
    assert {name: status for name, (status, _, _) in results.items()} == expected
    assert {name: took for name, (_, took, _) in results.items() if took > MOST_SECONDS} == {}
    assert all(int(again or 0) >= 1 for status, _, again in results.values() if status == 503)
    assert states == {name: name != part for name in PARTS}
    await asyncio.gather(*(until_back(calls[name]) for name in ("signing in", "completion", "a form", "deletion")))


async def test_who_comes_later_does_not_wait_for_those_before(
    servers: Servers, client: TestClient, dora: Person, webm: bytes
) -> None:
    await until_ready(client)
    job = Call(partial(dora.call, "GET", f"/api/v1/jobs/{(await dora.upload(webm))['job_id']}"), 200, (DOCUMENTS,))
    async with servers.away(DOCUMENTS, Away.HANGING), asyncio.TaskGroup() as callers:
        answers = []
        for _ in range(8):
            answers.append(callers.create_task(in_time(job)))
            await asyncio.sleep(0.4)
    assert {status for status, _, _ in (answer.result() for answer in answers)} <= {200, 503}
    assert max(took for _, took, _ in (answer.result() for answer in answers)) < MOST_SECONDS


async def test_what_was_accepted_without_kafka_is_told_later(
    servers: Servers, client: TestClient, dora: Person, webm: bytes
) -> None:
    await until_ready(client)
    async with servers.away(KAFKA, Away.HANGING):
        address = await dora.upload(webm)
        job = await client.app[keys.JOBS].get(address["job_id"])
        assert job is not None
        assert job.outbox == [job.facts[0]["id"]]
        assert job.sweep_at is not None
        assert (await dora.complete(address)).status == 202


async def test_watchers_see_the_end_while_kafka_is_away_and_after(
    servers: Servers, client: TestClient, dora: Person, webm: bytes
) -> None:
    await until_ready(client)
    first, second = (await dora.upload(webm))["job_id"], (await dora.upload(webm))["job_id"]
    async with client.ws_connect(f"/api/stream/{second}", headers=dora.headers) as later:
        await later.receive_json(timeout=5)
        async with client.ws_connect(f"/api/stream/{first}", headers=dora.headers) as ws:
            await ws.receive_json(timeout=5)
            async with servers.away(KAFKA, Away.HANGING):
                await client.app[keys.JOBS].change(first, lambda job: lifecycle.cancel(job, now()))
                assert (await ws.receive_json(timeout=15))["status"] == "cancelled"
        await until_ready(client)
        response = await dora.call("POST", f"/api/v1/jobs/{second}/cancel")
        assert response.status == 200
        assert (await later.receive_json(timeout=5))["status"] == "cancelled"


async def test_watchers_of_a_job_that_is_gone_are_sent_away(
    servers: Servers, client: TestClient, dora: Person, webm: bytes
) -> None:
    await until_ready(client)
    job_id = (await dora.upload(webm))["job_id"]
    async with client.ws_connect(f"/api/stream/{job_id}", headers=dora.headers) as ws:
        await ws.receive_json(timeout=5)
        async with servers.away(KAFKA, Away.HANGING):
            await client.app[keys.JOBS].delete(job_id)
            assert (await ws.receive(timeout=15)).type is WSMsgType.CLOSE
    assert ws.close_code == WSCloseCode.GOING_AWAY


async def test_a_deletion_without_kafka_destroys_nothing(
    servers: Servers, client: TestClient, dora: Person, webm: bytes
) -> None:
    await until_ready(client)
    address = await dora.upload(webm)
    async with servers.away(KAFKA, Away.HANGING):
        await expect_problem(await dora.call("DELETE", f"/api/v1/recordings/{address['id']}"), "unavailable")
        assert await client.app[keys.OBJECTS].read(f"recordings/{address['id']}/original") == webm
