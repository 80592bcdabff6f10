"""Accounts, tokens and tickets on the real document store."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from api.tokens import fingerprint
from schemas.people import RefreshToken
from schemas.time import now
from tests.integration.api.conftest import EXTENSION
from tests.integration.api.people import PASSWORD, Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER, LOG_IN, REFRESH = "/api/v1/auth/register", "/api/token", "/api/token/refresh"
LISTING = "/api/v1/recordings"


async def test_registering_answers_the_account_without_its_password(ada: Person) -> None:
    assert "password" not in str(ada.user).replace("has_password", "")
    assert (ada.user["username"], ada.user["email"]) == ("ada", "ada@example.org")
    assert ada.tokens["expires_in"] == 3600


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("username", {"username": "ADA", "email": "new@example.org"}),
        ("email", {"username": "new", "email": "Ada@Example.org"}),
    ],
)
async def test_a_name_is_taken_in_any_case(client: TestClient, ada: Person, field: str, fields: dict[str, str]) -> None:
    response = await client.post(REGISTER, json={**fields, "password": PASSWORD})
    await expect_problem(response, "name_taken", field)
    assert response.status == 409


async def test_every_wrong_field_is_named(client: TestClient) -> None:
    response = await client.post(f"{REGISTER}/", json={"username": 7, "email": "nobody"})
    await expect_problem(response, "invalid_field", "username", "email", "password")
    assert response.status == 422


async def test_a_password_is_not_the_name(client: TestClient) -> None:
    fields = {"username": "carol-anne", "email": "c@example.org", "password": "Carol-Anne"}
    await expect_problem(await client.post(REGISTER, json=fields), "invalid_field", "password")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"username": "\\ud800"}'])
async def test_a_body_that_is_not_json(client: TestClient, body: bytes) -> None:
    response = await client.post(LOG_IN, data=body)
    await expect_problem(response, "invalid_json")
    assert response.status == 400


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7"])
async def test_a_body_that_is_no_object(client: TestClient, body: bytes) -> None:
    await expect_problem(await client.post(LOG_IN, data=body), "invalid_field", "body")


async def test_a_body_that_is_too_large(client: TestClient) -> None:
    response = await client.post(LOG_IN, data=b" " * 100_000)
    await expect_problem(response, "too_large")
    assert response.status == 413


@pytest.mark.parametrize("fields", [{"username": "ada", "password": "wrong"}, {"username": "nobody", "password": "x"}])
async def test_wrong_credentials(client: TestClient, ada: Person, fields: dict[str, str]) -> None:
    response = await client.post(LOG_IN, json=fields)
    await expect_problem(response, "wrong_credentials")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_logging_in_works_in_any_case_of_the_name(client: TestClient, ada: Person) -> None:
    response = await client.post(LOG_IN, json={"username": "Ada", "password": PASSWORD})
    assert response.status == 200


async def refreshed(client: TestClient, secret: str) -> str:
    response = await client.post(f"{REFRESH}/", json={"refresh": secret})
    assert response.status == 200, await response.text()
    return str((await response.json())["refresh"])


async def test_the_reuse_of_a_refresh_token_ends_the_family(client: TestClient) -> None:
    first = (await Person.register(client, "rosa")).tokens["refresh"]
    second = await refreshed(client, first)
    third = await refreshed(client, second)
    assert len({first, second, third}) == 3
    await expect_problem(await client.post(REFRESH, json={"refresh": first}), "token_reused")
    await expect_problem(await client.post(REFRESH, json={"refresh": third}), "token_invalid")


async def test_an_answer_that_was_lost_is_given_again_for_a_moment(client: TestClient) -> None:
    first = (await Person.register(client, "lara")).tokens["refresh"]
    lost = await refreshed(client, first)
    tokens = client.app[keys.DATABASE]["refresh_tokens"]
    await tokens.delete_one({"_id": fingerprint(lost)})  # nor was it stored
    assert await refreshed(client, first) == lost
    long_ago = now() - timedelta(seconds=31)
    await tokens.update_one({"_id": fingerprint(first)}, {"$set": {"used_at": long_ago}})
    await expect_problem(await client.post(REFRESH, json={"refresh": first}), "token_reused")
    await expect_problem(await client.post(REFRESH, json={"refresh": lost}), "token_invalid")


async def test_all_that_ask_at_once_get_the_one_token_that_is_good(client: TestClient) -> None:
    first = (await Person.register(client, "twin")).tokens["refresh"]
    (second,) = set(await asyncio.gather(*(refreshed(client, first) for _ in range(4))))
    assert await refreshed(client, second) not in (first, second)


async def test_an_unknown_and_an_expired_refresh_token(client: TestClient, ada: Person) -> None:
    await expect_problem(await client.post(REFRESH, json={"refresh": "nothing"}), "token_invalid")
    old = RefreshToken(
        id=fingerprint("old"), session_id="s", user_id=ada.user["id"], expires_at=now() - timedelta(seconds=1)
    )
    await client.app[keys.SESSIONS].add_refresh_token(old)
    await expect_problem(await client.post(REFRESH, json={"refresh": "old"}), "token_expired")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "not_signed_in"),
        ({"Authorization": "Bearer nonsense"}, "token_invalid"),
        ({"Authorization": "Basic YTpi"}, "token_invalid"),
        ({"Authorization": "Bearer"}, "token_invalid"),
        ({"Cookie": "__session=nonsense"}, "token_invalid"),
    ],
)
async def test_who_is_not_signed_in(client: TestClient, headers: dict[str, str], code: str) -> None:
    response = await client.get(LISTING, headers=headers)
    await expect_problem(response, code)
    assert response.status == 401


async def test_an_access_token_in_the_address_is_not_looked_at(client: TestClient, ada: Person) -> None:
    access = ada.tokens["access"]
    for name in ("token", "access_token", "access", "ticket", "jwt"):
        await expect_problem(await client.get(LISTING, params={name: access}), "not_signed_in")


async def test_a_refresh_token_is_no_access_token(client: TestClient, ada: Person) -> None:
    headers = {"Authorization": f"Bearer {ada.tokens['refresh']}"}
    await expect_problem(await client.get(LISTING, headers=headers), "token_invalid")


async def test_a_cookie_reads_from_anywhere_but_changes_only_from_our_pages(client: TestClient, ada: Person) -> None:
    cookie = {"Cookie": f"__session={ada.tokens['access']}"}
    assert (await client.get(LISTING, headers=cookie)).status == 200
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        response = await client.post("/api/v1/tickets", headers=cookie | headers)
        await expect_problem(response, "origin_refused")
        assert response.status == 403
    own = f"http://{client.host}:{client.port}"
    for headers in ({"Origin": EXTENSION}, {"Origin": own}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await client.post("/api/v1/tickets", headers=cookie | headers)).status == 201
