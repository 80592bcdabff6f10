"""The queue has an end: what is beyond it is refused before anything is made, and goes in when there is room."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from deploy.embedded.stack import Services
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import Person, advance, expect_problem, failed, put, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def client(services: Services) -> AsyncIterator[TestClient]:
    """An application for two jobs of a caller and three in all, and six announced uploads, with nothing in it."""
    limits = {"max_queue_size": 3, "max_queue_size_per_caller": 2, "max_awaited_uploads_per_caller": 6}
    settings = settings_for(services, **limits)
    async with TestClient(TestServer(make_app(settings))) as made:
        await until_ready(made)
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def ada(client: TestClient) -> Person:
    return await Person.register(client, "ada")


async def expect_full(response: ClientResponse) -> dict[str, Any]:
    problem = await expect_problem(response, "queue_full")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    return problem


async def holdings(client: TestClient) -> tuple[int, list[str]]:
    """How many recordings and jobs there are, and which objects."""
    database = client.app[keys.DATABASE]
    documents = [await database[name].count_documents({}) for name in ("recordings", "jobs")]
    return sum(documents), await client.app[keys.OBJECTS].keys("recordings/")


async def with_room(person: Person, ask: Any) -> ClientResponse:
    """The answer once the queue has room: a client that comes again."""
    async with asyncio.timeout(20):
        while (response := await ask()).status == 503:  # noqa: ASYNC110 - what a client does
            await asyncio.sleep(0.2)
    return response


async def test_beyond_the_queues_end_nothing_is_made_by_any_door(client: TestClient, ada: Person, webm: bytes) -> None:
    waiting = await ada.announce(len(webm))
    await put(waiting["upload_url"], webm)
    done = await ada.upload(webm, project_id="website")
    await advance(client.app, done["job_id"], failed)
    await ada.upload(webm)
    exporting = await with_room(ada, lambda: ada.ask("export", done["id"]))
    assert exporting.status == 202
    before = await holdings(client)
    body = {"filename": "talk.webm", "file_size": 10}
    assert "2 of your jobs" in (await expect_full(await ada.complete(waiting)))["detail"]
    await expect_full(await ada.call("POST", "/api/v1/recordings/request-upload", json=body))
    await expect_full(await ada.send_video(io.BytesIO(webm)))
    await expect_full(await ada.ask("render", done["id"]))
    await expect_full(await ada.call("POST", f"/api/v1/jobs/{done['job_id']}/retry"))
    assert await holdings(client) == before
    assert (await ada.get(f"/api/v1/recordings/{waiting['id']}"))["status"] == "awaiting_upload"
    assert (await ada.get(f"/api/v1/jobs/{done['job_id']}"))["status"] == "failed"
    assert (await ada.complete(done)).status == 202  # a repeat of what was accepted is no new work


async def test_another_caller_goes_on_until_all_places_are_taken(client: TestClient, ada: Person, webm: bytes) -> None:
    bob = await Person.register(client, "bob")
    for _ in range(2):
        await ada.upload(webm)
    await bob.upload(webm)
    address = {"filename": "talk.webm", "file_size": 10}
    problem = await expect_full(await bob.call("POST", "/api/v1/recordings/request-upload", json=address))
    assert "service" in problem["detail"]


async def test_of_uploads_that_end_at_once_no_more_are_taken_than_there_are_places(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    addresses = [await ada.announce(len(webm)) for _ in range(5)]
    for address in addresses:
        await put(address["upload_url"], webm)
    answers = await asyncio.gather(*(ada.complete(address) for address in addresses))
    assert sorted(answer.status for answer in answers) == [202, 202, 503, 503, 503]
    assert (await client.app[keys.JOBS].open_by_owner()) == {ada.user["id"]: 2}


async def test_what_ends_makes_room(client: TestClient, ada: Person, webm: bytes) -> None:
    first = await ada.upload(webm)
    await ada.upload(webm)
    waiting = {"filename": "talk.webm", "file_size": 10}
    await expect_full(await ada.call("POST", "/api/v1/recordings/request-upload", json=waiting))
    assert (await ada.call("POST", f"/api/v1/jobs/{first['job_id']}/cancel")).status == 200
    response = await with_room(ada, lambda: ada.call("POST", "/api/v1/recordings/request-upload", json=waiting))
    assert response.status == 201


async def test_uploads_that_are_announced_and_never_come_are_so_many_at_most(client: TestClient, ada: Person) -> None:
    waiting = {"filename": "talk.webm", "file_size": 10}

    async def announced() -> ClientResponse:
        return await ada.call("POST", "/api/v1/recordings/request-upload", json=waiting)

    addresses = [await ada.announce(10) for _ in range(6)]
    before = await holdings(client)
    assert "6 of your announced uploads" in (await expect_full(await announced()))["detail"]
    assert await holdings(client) == before
    bob = await Person.register(client, "bob")
    await bob.announce(10)
    assert (await ada.call("DELETE", f"/api/v1/recordings/{addresses[0]['id']}")).status == 204
    assert (await with_room(ada, announced)).status == 201
