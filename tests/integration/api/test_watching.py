"""Watchers have an end: beyond it a stream or a websocket is refused, and let in again once another has gone."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient

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
