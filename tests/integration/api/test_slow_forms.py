"""A form that takes its time: its document says that it is alive, and hears of its deletion."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient

from api import admission, keys, receiving
from schemas.recordings import Recording
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Slow:
    """A body of which each piece waits until the test says so."""

    def __init__(self, body: bytes) -> None:
        self._pieces = [body, *(bytes(1000) for _ in range(50))]
        self.may_go = asyncio.Semaphore(1)

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await self.may_go.acquire()
            yield piece


async def arriving(client: TestClient, ada: Person, changed_since: Recording | None = None) -> Recording:
    """The recording of the form that is being received, once its document is newer than that."""
    async with asyncio.timeout(20):
        while True:
            for found in await client.app[keys.RECORDINGS].lists.owned(ada.user["id"], limit=1, project_id="slow"):
                if changed_since is None or found.updated_at > changed_since.updated_at:
                    return found
            await asyncio.sleep(0.02)


async def test_it_shows_that_it_is_alive_and_ends_when_it_is_deleted(
    client: TestClient, ada: Person, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_SIGN_SECONDS", 0)
    body = Slow(webm)
    sending = asyncio.create_task(ada.send_video(body.stream(), project="slow"))
    first = await arriving(client, ada)
    body.may_go.release()
    later = await arriving(client, ada, first)
    assert (later.id, later.size_bytes) == (first.id, 0)
    assert (await ada.call("DELETE", f"/api/v1/recordings/{first.id}")).status == 204
    for _ in range(60):
        body.may_go.release()
    await expect_problem(await sending, "not_found")
    assert await client.app[keys.RECORDINGS].stored(first.id) is None
    assert await client.app[keys.OBJECTS].keys(f"recordings/{first.id}/") == []


async def test_beyond_so_many_of_a_caller_a_form_is_refused_before_it_is_read(
    client: TestClient, ada: Person, bob: Person, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_FORMS_OF_ONE", 1)
    body = Slow(webm)
    sending = asyncio.create_task(ada.send_video(body.stream(), project="slow"))
    first = await arriving(client, ada)
    refused = await ada.send_video(io.BytesIO(webm), project="slow")
    await expect_problem(refused, "queue_full")
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)
    assert [found.id for found in await client.app[keys.RECORDINGS].lists.owned(ada.user["id"], limit=9)] == [first.id]
    assert (await bob.send_video(io.BytesIO(webm), project="slow")).status == 202
    for _ in range(60):
        body.may_go.release()
    assert (await sending).status == 202
    assert (await ada.send_video(io.BytesIO(webm), project="slow")).status == 202
