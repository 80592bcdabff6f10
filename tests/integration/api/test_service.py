"""The service's own addresses, and what every answer has."""

import asyncio
import json

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from api.app import make_app
from api.routes import ROUTES
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import Services
from tests.integration.api.conftest import EXTENSION, settings_for
from tests.integration.api.people import PASSWORD, Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_health(client: TestClient) -> None:
    parts = {"kafka": True, "documents": True, "objects": True}
    for path in ("/health/ready", "/health/ready/"):
        answer = await (await client.get(path)).json()
        assert answer["status"] == "ok"
        assert {part["name"]: part["ok"] for part in answer["parts"]} == parts
    for path in ("/health", "/health/"):
        answer = await (await client.get(path)).json()
        assert answer["status"] == "degraded"
        assert {part["name"]: part["ok"] for part in answer["parts"]} == {**parts, "workers": False}
        assert answer["parts"][-1]["detail"].startswith("No live worker for «audio».")
    assert (await (await client.get("/health/live")).json())["status"] == "ok"


async def test_info_tells_limits(client: TestClient) -> None:
    answer = await (await client.get("/info")).json()
    assert (answer["name"], answer["environment"]) == ("tidemark", "development")
    assert answer["limits"]["max_upload_bytes"] == 20 * 2**20


async def test_metrics_have_routes_and_no_ids(client: TestClient, ada: Person) -> None:
    await ada.call("GET", "/api/v1/recordings/some-id")
    text = await (await client.get("/metrics")).text()
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"tidemark_http_requests", "tidemark_http_request_seconds", "tidemark_watchers"} <= names
    assert 'route="/api/v1/recordings/{id}"' in text
    assert "some-id" not in text


async def test_metrics_come_in_some_format_whatever_is_asked_for(client: TestClient) -> None:
    for accept in ("application/openmetrics-text; version=x", "text/plain; version=1.x", "nonsense"):
        response = await client.get("/metrics", headers={"Accept": accept})
        assert response.status == 200
        assert "tidemark_http_requests" in await response.text()


async def test_the_description_is_served(client: TestClient) -> None:
    document = json.loads(await (await client.get("/openapi.json")).text())
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {route.path for route in ROUTES}


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_pages_load_only_what_is_here(client: TestClient, path: str) -> None:
    page = await client.get(path)
    text = await page.text()
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "http://" not in text
    assert "https://" not in text
    for asset in text.split('"')[1::2]:
        if asset.startswith("/"):
            assert len(await (await client.get(asset)).read()) > 50
    assert "<script>" not in text


async def test_no_other_file_is_an_asset(client: TestClient) -> None:
    for name in ("x.js", "..%2f..%2fpages.py", "%00"):
        await expect_problem(await client.get(f"/docs/assets/{name}"), "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/api/v1"), ("GET", "/api/v1/recordings//")]
)
async def test_no_such_address(client: TestClient, method: str, path: str) -> None:
    await expect_problem(await client.request(method, path), "not_found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/token/"), ("PUT", "/health"), ("POST", "/api/v1/jobs/x")])
async def test_no_such_method(client: TestClient, method: str, path: str) -> None:
    response = await client.request(method, path)
    await expect_problem(response, "method_not_allowed")
    assert response.headers["Allow"]


async def test_every_answer_has_its_headers(client: TestClient) -> None:
    for path in ("/health/live", "/nothing", "/api/v1/recordings"):
        headers = (await client.get(path, headers={"X-Request-ID": "trace-0123456789"})).headers
        assert headers["X-Request-ID"] == "trace-0123456789"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "aiohttp" not in headers["Server"]


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space 123", "line\tbreak-1"])
async def test_a_request_id_that_is_not_sane_is_replaced(client: TestClient, sent: str) -> None:
    assert (await client.get("/health/live", headers={"X-Request-ID": sent})).headers["X-Request-ID"] != sent


async def test_the_log_has_the_path_as_it_was_sent_and_no_query(client: TestClient) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.get(URL("/nothing%1B%5B2J%00?ticket=secret", encoded=True))
    path = next(line["path"] for line in lines if line["event"] == "request")
    assert path == "/nothing%1B%5B2J%00"


async def test_only_listed_origins_may_ask(client: TestClient) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    listed = await client.options("/api/v1/recordings/request-upload/", headers=asking | {"Origin": EXTENSION})
    assert listed.status == 204
    assert listed.headers["Access-Control-Allow-Origin"] == EXTENSION
    assert "Authorization" in listed.headers["Access-Control-Allow-Headers"]
    other = await client.options("/api/v1/recordings", headers=asking | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    answered = await client.get("/api/v1/recordings", headers={"Origin": EXTENSION})
    assert (answered.status, answered.headers["Access-Control-Allow-Origin"]) == (401, EXTENSION)
    assert "Origin" in answered.headers["Vary"]


async def test_it_starts_and_answers_while_every_store_is_away(services: Services) -> None:
    kafka, documents, objects = free_ports(3)
    settings = settings_for(
        services,
        kafka_bootstrap_servers=f"127.0.0.1:{kafka}",
        mongodb_url=f"mongodb://127.0.0.1:{documents}",
        s3_endpoint=f"http://127.0.0.1:{objects}",
    )
    async with TestClient(TestServer(make_app(settings))) as client:
        started = asyncio.get_running_loop().time()
        ready = await client.get("/health/ready")
        parts = (await ready.json())["parts"]
        assert (ready.status, [part["ok"] for part in parts]) == (503, [False, False, False])
        assert "127.0.0.1" not in await ready.text()
        response = await client.post("/api/token", json={"username": "ada", "password": PASSWORD})
        await expect_problem(response, "unavailable")
        assert response.headers["Retry-After"]
        assert (await client.get("/health/live")).status == 200
        health = await client.get("/health")
        assert (health.status, (await health.json())["parts"][-1]["ok"]) == (200, False)
        assert asyncio.get_running_loop().time() - started < 8
