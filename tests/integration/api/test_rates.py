"""Rate limits over HTTP: two nodes on one store, headers, and who is never refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from api.app import make_app
from api.routes import ROUTES
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import Services
from schemas.rates import RateClass
from schemas.settings import Settings
from tests.integration.api.conftest import EXTENSION, settings_for
from tests.integration.api.people import PASSWORD, Person, expect_problem, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATES = "read=40/day,write=4/day,sign_in=100/day"
PROXY = "127.0.0.1"


@pytest.fixture(scope="module")
def settings(services: Services) -> Settings:
    return settings_for(services, rate_limits=RATES, trusted_proxies=PROXY)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def neighbour(settings: Settings, client: TestClient) -> AsyncIterator[TestClient]:
    """Another node on the same stores."""
    async with TestClient(TestServer(make_app(settings))) as made:
        await until_ready(made)
        yield made


async def test_an_answer_says_how_its_caller_stands(client: TestClient, bob: Person) -> None:
    first = await bob.call("GET", "/api/v1/recordings", headers={"Origin": EXTENSION})
    assert first.headers["RateLimit-Policy"] == '"read";q=40;w=86400'
    assert first.headers["RateLimit"].startswith('"read";r=39;t=')
    exposed = {name.strip() for name in first.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed
    missing = await bob.call("GET", "/api/v1/recordings/nothing")
    assert (missing.status, missing.headers["RateLimit"][:11]) == (404, '"read";r=38')


async def test_what_one_node_let_in_counts_at_the_other(client: TestClient, neighbour: TestClient, ada: Person) -> None:
    for _ in range(30):
        assert (await ada.call("GET", "/api/v1/jobs")).status == 200
    there = Person(neighbour, ada.user, ada.tokens)
    left = 40
    async with asyncio.timeout(20):
        while left > 10:
            answered = await there.call("GET", "/api/v1/jobs")
            left = int(answered.headers["RateLimit"].split("r=")[1].split(";")[0])
            await asyncio.sleep(0.05)
    for _ in range(left):
        assert (await there.call("GET", "/api/v1/jobs")).status == 200
    refused = await there.call("GET", "/api/v1/jobs")
    body = await expect_problem(refused, "rate_limited")
    two_days = 2 * 86400  # what was let in on one day still counts, less and less, on the next
    assert (refused.status, 0 < int(refused.headers["Retry-After"]) <= two_days) == (429, True)
    assert "«read»" in body["detail"]
    assert (await there.call("POST", "/api/v1/tickets")).status == 201


async def test_whoever_is_not_known_is_counted_by_address(client: TestClient) -> None:
    async def nobody(address: str) -> str:
        answered = await client.post("/api/v1/tickets", headers={"X-Forwarded-For": address})
        return str((await answered.json())["code"])

    assert [await nobody("203.0.113.1") for _ in range(5)] == ["not_signed_in"] * 4 + ["rate_limited"]
    assert await nobody("203.0.113.2") == "not_signed_in"
    assert await nobody("203.0.113.3, 203.0.113.1") == "rate_limited"


async def test_some_are_never_counted(client: TestClient) -> None:
    free = [route for route in ROUTES if route.rate_class is RateClass.FREE]
    assert {route.path for route in free} == {
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/docs/assets/{name}",
        "/api/v1/uploads",
    }
    for route in free:
        answered = await client.request(route.method, route.path.replace("{name}", "redoc.js"))
        assert "RateLimit" not in answered.headers


async def test_a_store_that_is_away_shuts_nobody_out(services: Services) -> None:
    (port,) = free_ports(1)
    settings = settings_for(services, rate_limits="sign_in=1/day", mongodb_url=f"mongodb://127.0.0.1:{port}")
    async with TestClient(TestServer(make_app(settings))) as client:
        for _ in range(3):
            answered = await client.get("/info")
            assert answered.status == 200
        credentials = {"username": "ada", "password": PASSWORD}
        codes = [await (await client.post("/api/token", json=credentials)).json() for _ in range(2)]
        assert [body["code"] for body in codes] == ["unavailable", "rate_limited"]
