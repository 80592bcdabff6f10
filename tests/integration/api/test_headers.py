"""What every answer carries against the mischief of other pages, and what pages of CORS_ORIGINS may do all the same."""

import re

import pytest
from aiohttp.test_utils import TestClient

from api.routes import ROUTES
from api.table import Route
from deploy.embedded.stack import Services
from schemas.settings import Settings
from tests.integration.api.conftest import EXTENSION, settings_for
from tests.integration.api.people import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "chrome-extension://ponmlkjihgfedcba"
SAME = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "tidemark",
}


@pytest.fixture(scope="module")
def settings(services: Services) -> Settings:
    return settings_for(services, trusted_proxies="127.0.0.1")


def address(route: Route) -> str:
    return re.sub(r"{\w+}", "redoc.js", route.path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_every_route_answers_with_them(client: TestClient, route: Route) -> None:
    headers = {"Origin": EXTENSION}
    answer = await client.request(route.method, address(route), headers=headers)
    assert {name: answer.headers[name] for name in SAME} == SAME
    assert answer.headers["Cache-Control"]
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if route.is_media else "same-origin")
    assert answer.headers["Access-Control-Allow-Origin"] == EXTENSION
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in answer.headers.getall("Vary")
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Strict-Transport-Security" not in answer.headers


async def test_addresses_that_are_none_answer_with_them_too(client: TestClient) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/health"), ("OPTIONS", "/health"), ("GET", "/health/live/x")):
        answer = await client.request(method, path)
        assert {name: answer.headers[name] for name in SAME} == SAME


async def test_over_https_browsers_are_told_to_stay_there(client: TestClient) -> None:
    answer = await client.get("/info", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_an_extension_may_ask_what_it_needs(client: TestClient, ada: Person) -> None:
    asking = {
        "Origin": EXTENSION,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await client.options("/api/v1/recordings/x", headers=asking)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, EXTENSION)
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-api-key", "range"} <= set(allowed)
    assert int(answer.headers["Access-Control-Max-Age"]) > 600
    assert "RateLimit" not in answer.headers
    exposed = set(
        (await ada.call("GET", "/api/v1/jobs", headers={"Origin": EXTENSION}))
        .headers["Access-Control-Expose-Headers"]
        .split(", ")
    )
    assert {"Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Content-Range", "ETag"} <= exposed


@pytest.mark.parametrize("origin", [NOBODY, "null", EXTENSION.upper(), f"{EXTENSION}.evil", "*", ""])
async def test_other_origins_learn_nothing(client: TestClient, origin: str) -> None:
    asking = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for answer in (
        await client.options("/api/v1/recordings", headers=asking),
        await client.get("/api/v1/recordings", headers={"Origin": origin}),
    ):
        assert [name for name in answer.headers if name.startswith("Access-Control")] == []
        assert "Origin" in answer.headers.getall("Vary")


async def test_a_page_has_a_nonce_of_its_own(client: TestClient) -> None:
    nonces = set()
    for _ in range(3):
        page = await client.get("/redoc")
        (nonce,) = re.findall(r"'nonce-([^']+)'", page.headers["Content-Security-Policy"])
        assert f'nonce="{nonce}"' in await page.text()
        assert page.headers["Cache-Control"] == "no-store"
        nonces.add(nonce)
    assert len(nonces) == 3


async def test_metrics_are_for_this_machine(client: TestClient) -> None:
    assert (await client.get("/metrics")).status == 200
    proxied = await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert (proxied.status, (await proxied.json())["code"]) == (403, "forbidden")
