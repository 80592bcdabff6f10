"""A browser's session: cookies that scripts cannot read, for this site's own pages alone."""

import json
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient

from api import keys
from deploy.embedded.stack import Services
from schemas.settings import Settings
from schemas.transcripts import Segment
from tests.buckets import remove_bucket
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import PASSWORD, Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOOR = "/api/v1/auth/session"
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def settings(services: Services) -> Iterator[Settings]:
    """Of a service behind a proxy that ends TLS."""
    settings = settings_for(services, trusted_proxies="127.0.0.0/8")
    yield settings
    remove_bucket(settings)


def cookies(response: Any) -> dict[str, Any]:
    found: SimpleCookie = SimpleCookie()
    for line in response.headers.getall("Set-Cookie"):
        found.load(line)
    return dict(found)


async def sign_in(client: TestClient, person: Person) -> dict[str, Any]:
    given = {"username": person.user["username"], "password": PASSWORD}
    response = await client.post(DOOR, json=given, headers=OWN)
    assert response.status == 201, await response.text()
    assert (await response.json()).keys() == {"expires_in", "renewable_in"}
    return cookies(response)


def sent(found: dict[str, Any]) -> dict[str, str]:
    return OWN | {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())}


async def test_the_cookies_are_for_our_pages_and_no_script(client: TestClient, ada: Person) -> None:
    found = await sign_in(client, ada)
    assert {name: morsel["path"] for name, morsel in found.items()} == {"__session": "/", "__refresh": DOOR}
    for morsel in found.values():
        assert (morsel["httponly"], morsel["samesite"]) == (True, "Strict")
    account = await client.get("/api/v1/account", headers=sent(found))
    assert (await account.json())["username"] == "ada"


async def test_only_a_page_of_this_site_may_sign_in_renew_or_leave(client: TestClient, ada: Person) -> None:
    given = {"username": "ada", "password": PASSWORD}
    for other in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "same-site"}):
        await expect_problem(await client.post(DOOR, json=given, headers=other), "origin_refused")
        await expect_problem(await client.post(f"{DOOR}/refresh", headers=other), "origin_refused")
        await expect_problem(await client.delete(DOOR, headers=other), "origin_refused")


async def test_nothing_that_any_page_may_send_signs_in(client: TestClient, ada: Person) -> None:
    given = json.dumps({"username": "ada", "password": PASSWORD})
    for other in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=application/json"):
        response = await client.post(DOOR, data=given, headers=OWN | {"Content-Type": other})
        await expect_problem(response, "wrong_content_type")
    response = await client.post(DOOR, data=given, headers=OWN | {"Content-Type": "application/json; charset=utf-8"})
    assert response.status == 201


async def test_under_https_the_refresh_cookie_is_out_of_reach_without(client: TestClient, ada: Person) -> None:
    given = {"username": ada.user["username"], "password": PASSWORD}
    https = OWN | {"X-Forwarded-Proto": "https"}
    found = cookies(await client.post(DOOR, json=given, headers=https))
    assert {name: morsel["path"] for name, morsel in found.items()} == {"__session": "/", "__Secure-refresh": DOOR}
    assert all(morsel["secure"] for morsel in found.values())
    planted = {"Cookie": f"__refresh={found['__Secure-refresh'].value}"}
    await expect_problem(await client.post(f"{DOOR}/refresh", headers=https | planted), "not_signed_in")
    assert (await client.post(f"{DOOR}/refresh", headers=https | sent(found))).status == 200


async def test_a_session_is_renewed_once_for_each_token_and_ends_with_signing_out(
    client: TestClient, ada: Person
) -> None:
    client.session.cookie_jar.clear()
    await expect_problem(await client.post(f"{DOOR}/refresh", headers=OWN), "not_signed_in")
    first = await sign_in(client, ada)
    renewed = await client.post(f"{DOOR}/refresh", headers=sent(first))
    assert renewed.status == 200
    second = cookies(renewed)
    assert second["__refresh"].value != first["__refresh"].value
    with structlog.testing.capture_logs() as lines:
        left = await client.delete(DOOR, headers=sent(second))
    kept = [(line["action"], line["user_id"]) for line in lines if line["event"] == "audit"]
    assert kept == [("sessions.log_out", ada.user["id"])]
    assert (left.status, {morsel.value for morsel in cookies(left).values()}) == (204, {""})
    await expect_problem(await client.post(f"{DOOR}/refresh", headers=sent(second)), "token_invalid")
    await expect_problem(await client.get("/api/v1/account", headers=sent(second)), "token_invalid")


async def test_either_cookie_is_enough_to_leave_and_it_is_on_record_once(client: TestClient, ada: Person) -> None:
    client.session.cookie_jar.clear()
    for name in ("__session", "__refresh"):
        found = await sign_in(client, ada)
        client.session.cookie_jar.clear()
        left = await client.delete(DOOR, headers=sent({name: found[name]}))
        assert (left.status, cookies(left).keys()) == (204, {"__session", "__refresh"})
        await expect_problem(await client.get("/api/v1/account", headers=sent(found)), "token_invalid")
        newest = (await ada.get("/api/v1/account/audit", params={"limit": 2}))["items"]
        assert [act["action"] for act in newest] == ["sessions.log_out", "sessions.log_in"]
    assert (await client.delete(DOOR, headers=sent(found))).status == 204
    assert (await client.delete(DOOR, headers=OWN)).status == 204


async def test_a_transcript_is_put_right_by_its_owner(client: TestClient, ada: Person, webm: bytes) -> None:
    recording = (await ada.upload(webm))["id"]
    path = f"/api/v1/recordings/{recording}/transcript"
    change = {"speakers": [{"speaker": "S1", "name": "Ada"}], "segments": [{"id": 0, "text": "Hello,  world"}]}
    await expect_problem(await ada.call("PATCH", path, json=change), "not_ready")
    transcripts, fence = client.app[keys.TRANSCRIPTS], "job/00000001"
    await transcripts.begin(recording, fence, "test")
    await transcripts.write(recording, fence, 0, [Segment(id=0, start=0, end=1, speaker="S1", text="Yellow word")])
    await transcripts.finish(recording, fence, "test", "en")
    assert (await ada.call("PATCH", path, json=change)).status == 200
    text = await (await ada.call("GET", path, params={"format": "vtt"})).text()
    assert "<v Ada>Hello, world" in text
    wrong = {"segments": [{"id": 5, "text": "?"}]}
    await expect_problem(await ada.call("PATCH", path, json=wrong), "invalid_field", "segments")
    todo = f"/api/v1/recordings/{recording}/action-items/0"
    await expect_problem(await ada.call("PATCH", todo, json={"done": True}), "not_found")
