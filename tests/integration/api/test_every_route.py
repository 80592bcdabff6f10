"""Every route of the table, as another person, as nobody, with tokens that are none, and with keys that may not.

A new route is walked by itself; what it needs besides is said in tests/integration/api/owned.py.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from api import keys
from api.access import Access
from api.api_keys import new_api_key
from api.routes import ROUTES
from api.table import Route
from api.tokens import AUDIENCE, ISSUER, fingerprint
from schemas.ids import new_id
from schemas.people import ApiKey, Session
from schemas.settings import Settings
from schemas.time import after, now
from tests.integration.api.conftest import settings_for
from tests.integration.api.owned import Things, names_a_thing
from tests.integration.api.people import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "0123456789abcdef0123456789abcdef"
CLOSED = [route for route in ROUTES if route.access is not Access.OPEN]
WALKED = pytest.mark.parametrize("route", CLOSED, ids=lambda route: f"{route.method} {route.path}")


@pytest.fixture(scope="module")
def settings(services) -> Settings:
    return settings_for(services, jwt_secret=SECRET)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hers(client: TestClient, ada: Person, webm: bytes) -> AsyncIterator[Things]:
    """Ada's things. At the end they are as they were: nobody else has changed them."""
    things = Things(ada, webm)
    for kind in ("recording", "job"):
        await things.id_of(kind)
    before = await state_of(things)
    yield things
    assert await state_of(things) == before


async def state_of(things: Things) -> dict[str, Any]:
    recording, job = things.made["recording"], things.made["job"]
    keys_of_hers = (await things.owner.get("/api/v1/api-keys"))["items"]
    return {
        "recording": await things.owner.get(f"/api/v1/recordings/{recording}"),
        "job": (await things.owner.get(f"/api/v1/jobs/{job}"))["status"],
        "keys": {key["id"] for key in keys_of_hers} >= set(things.made.get("api_key", "").split()),
    }


async def ask(hers: Things, route: Route, headers: Mapping[str, str]) -> tuple[int, str]:
    """What the route answers about her things."""
    path, wanted = await hers.path(route), await hers.request(route)
    own = {**wanted.pop("headers", {}), **headers}
    async with hers.owner.client.request(route.method, path, headers=own, **wanted) as response:
        return response.status, (await response.read()).decode(errors="replace")


def says(route: Route, text: str, code: str) -> bool:
    """Whether the answer names the code. That of a HEAD says nothing."""
    return route.method == "HEAD" or code in text


async def signed_in(client: TestClient, user_id: str) -> str:
    """An access token of a session of its own: whatever a route does with it, no other request has it."""
    user = await client.app[keys.PEOPLE].get(user_id)
    session = Session(
        id=new_id(), user_id=user_id, generation=user.generation, created_at=now(), expires_at=after(3600)
    )
    await client.app[keys.SESSIONS].begin(session)
    return str(client.app[keys.ACCESS_TOKENS].issue(user_id, session.id))


async def api_key(client: TestClient, owner_id: str, scopes: set[str], **fields: Any) -> str:
    secret = new_api_key()
    made = {"owner_id": owner_id, "name": "k", "hint": "tmk_", "scopes": tuple(scopes), "created_at": now(), **fields}
    await client.app[keys.API_KEYS].add(ApiKey(id=fingerprint(secret), key_id=new_id(), **made))
    return secret


@WALKED
async def test_another_person_finds_nothing(client: TestClient, hers: Things, bob: Person, route: Route) -> None:
    headers = {"Authorization": f"Bearer {await signed_in(client, bob.user['id'])}"}
    status, text = await ask(hers, route, headers)
    if route.access is Access.ADMIN:
        assert (status, says(route, text, "forbidden")) == (403, True)
    elif names_a_thing(route):
        assert (status, says(route, text, "not_found")) == (404, True), text
    else:
        assert status < 500, text
        assert status != 401, text
        assert not [made for made in (*hers.made.values(), hers.owner.user["id"]) if made in text]


def forged(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worthless(client: TestClient, hers: Things) -> dict[str, dict[str, str]]:
    """Headers that prove nothing. Every token would be good, but for one thing."""
    good = client.app[keys.ACCESS_TOKENS].read(hers.owner.tokens["access"])
    claims = {"sub": good.user_id, "sid": good.session_id, "iss": ISSUER, "aud": AUDIENCE, "typ": "access"}
    claims |= {"iat": now(), "exp": now() + timedelta(hours=1)}
    over = Session(
        id=new_id(), user_id=good.user_id, generation=0, created_at=now(), expires_at=after(60), revoked_at=now()
    )
    await client.app[keys.SESSIONS].begin(over)
    past = {"iat": now() - timedelta(hours=2), "exp": now() - timedelta(hours=1)}
    tokens = {
        "expired": forged(claims | past),
        "wrongly signed": forged(claims, secrets.token_hex(32)),
        "not signed": forged(claims, "", "none"),
        "of another algorithm": forged(claims, SECRET * 2, "HS512"),
        "for another audience": forged(claims | {"aud": "something"}),
        "of another issuer": forged(claims | {"iss": "somebody"}),
        "of no session": forged(claims | {"sid": new_id()}),
        "of a session that is over": forged(claims | {"sid": over.id}),
        "of somebody else's session": forged(claims | {"sub": new_id()}),
        "a refresh token": hers.owner.tokens["refresh"],
        "an unknown key": new_api_key(),
        "an expired key": await api_key(client, good.user_id, set(), expires_at=now()),
    }
    bearers = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
    cookies = {f"{name}, as a cookie": {"Cookie": f"__session={token}"} for name, token in tokens.items()}
    key = {"an unknown key in its own header": {"X-API-Key": new_api_key()}}
    return {"nothing": {}, **bearers, **cookies, **key}


@WALKED
async def test_without_a_proof_nobody_comes_in(worthless: dict[str, Any], hers: Things, route: Route) -> None:
    answers = {name: await ask(hers, route, headers) for name, headers in worthless.items()}
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(worthless, 401)
    assert not [made for _, text in answers.values() for made in hers.made.values() if made in text]


async def test_what_is_forged_would_be_good_but_for_one_thing(client: TestClient, hers: Things) -> None:
    good = client.app[keys.ACCESS_TOKENS].read(hers.owner.tokens["access"])
    claims = {"sub": good.user_id, "sid": good.session_id, "iss": ISSUER, "aud": AUDIENCE, "typ": "access"}
    token = forged(claims | {"iat": now(), "exp": now() + timedelta(hours=1)})
    answer = await client.get("/api/v1/recordings", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200


@WALKED
async def test_a_key_without_the_scope_opens_nothing(
    client: TestClient, hers: Things, every_key: dict[str, str], route: Route
) -> None:
    lacking = "" if route.access is Access.PERSON else route.scope
    for header in ({"Authorization": f"Bearer {every_key[lacking]}"}, {"X-API-Key": every_key[lacking]}):
        status, text = await ask(hers, route, header)
        assert (status, says(route, text, "key_refused")) == (403, True), text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def every_key(client: TestClient, hers: Things) -> dict[str, str]:
    """Ada's keys, by the one scope that each lacks; under "" one that lacks none."""
    scopes = set(client.app[keys.SCOPES].admins)
    return {lacking: await api_key(client, hers.owner.user["id"], scopes - {lacking}) for lacking in ("", *scopes)}


async def test_a_key_with_the_scope_opens_what_is_its_owners(
    client: TestClient, hers: Things, every_key: dict[str, str]
) -> None:
    reading = [route for route in CLOSED if route.method == "GET" and route.gives and not route.alias_of]
    for route in reading:
        status, text = await ask(hers, route, {"X-API-Key": every_key[""]})
        refused = {Access.ADMIN: "forbidden", Access.PERSON: "key_refused"}.get(route.access)
        assert (refused or "") in text
        assert status == 403 if refused else status in (200, 404, 409), f"{route.path}: {text}"


@WALKED
async def test_a_page_of_a_sibling_site_changes_nothing_with_a_cookie(
    client: TestClient, hers: Things, route: Route
) -> None:
    if route.method == "HEAD" or (route.method == "GET" and "/ws" not in route.path and "/stream/" not in route.path):
        return
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"} if route.method == "GET" else {}
    cookie = {"Cookie": f"__session={hers.owner.tokens['access']}", **upgrade}
    sibling = f"http://evil.{client.host}"
    for page in ({}, {"Origin": sibling}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        status, text = await ask(hers, route, cookie | page)
        assert (status, "origin_refused" in text) == (403, True), text
