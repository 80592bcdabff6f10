"""Logging out, changing the password, one's account, guessing, and what is on record of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from schemas.settings import Settings
from tests.contract.identity.issuer import AUDIENCE, Issuer, running_issuer
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import PASSWORD, Person, expect_problem, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1 = "/api/v1"
LOG_IN, LOG_OUT, ACCOUNT = f"{V1}/auth/token", f"{V1}/auth/logout", f"{V1}/account"
NEW_PASSWORD = "another horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def settings(services, issuer: Issuer) -> Settings:
    outside = {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}
    return settings_for(
        services, jwt_secret="0123456789abcdef0123456789abcdef", trusted_proxies="127.0.0.0/8", **outside
    )


async def log_in(client: TestClient, name: str, password: str = PASSWORD, address: str = "203.0.113.1") -> Any:
    credentials = {"username": name, "password": password}
    return await client.post(LOG_IN, json=credentials, headers={"X-Forwarded-For": address})


async def another_session(person: Person) -> Person:
    tokens = await (await log_in(person.client, person.user["username"])).json()
    return Person(person.client, person.user, tokens)


async def refresh(person: Person) -> Any:
    return await person.client.post(f"{LOG_IN}/refresh", json={"refresh": person.tokens["refresh"]})


async def acts(person: Person) -> list[tuple[str, str]]:
    found = (await person.get(f"{ACCOUNT}/audit", params={"limit": 100}))["items"]
    return [(act["action"], act["outcome"]) for act in found]


async def test_logging_out_ends_this_session_and_no_other(client: TestClient) -> None:
    here = await Person.register(client, "lea")
    there = await another_session(here)
    assert (await here.call("POST", LOG_OUT)).status == 204
    await expect_problem(await here.call("GET", ACCOUNT), "token_invalid")
    await expect_problem(await here.call("POST", LOG_OUT), "token_invalid")
    await expect_problem(await refresh(here), "token_invalid")
    assert (await there.get(ACCOUNT))["username"] == "lea"
    assert ("sessions.log_out", "done") in await acts(there)


async def test_another_node_hears_of_it_in_seconds(client: TestClient, settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.standing.TRUSTED_SECONDS", 0.2)
    person = await Person.register(client, "nora")
    async with TestClient(TestServer(make_app(settings))) as node:
        await until_ready(node)
        elsewhere = Person(node, person.user, person.tokens)
        await elsewhere.get(ACCOUNT)
        await person.call("POST", LOG_OUT)
        async with asyncio.timeout(5):
            while (await elsewhere.call("GET", ACCOUNT)).status == 200:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.05)


async def test_a_reused_refresh_token_ends_access_too(client: TestClient) -> None:
    person = await Person.register(client, "rob")
    next_one = await (await refresh(person)).json()
    assert (await refresh(Person(client, person.user, next_one))).status == 200
    await person.get(ACCOUNT)
    await expect_problem(await refresh(person), "token_reused")
    await expect_problem(await person.call("GET", ACCOUNT), "token_invalid")


async def test_a_new_password_ends_every_other_session(client: TestClient) -> None:
    here = await Person.register(client, "pia")
    there = await another_session(here)
    body = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    await expect_problem(await here.call("POST", f"{ACCOUNT}/password", json=body), "invalid_field", "old_password")
    named = {"old_password": PASSWORD, "new_password": "pia@example.org"}
    await expect_problem(await here.call("POST", f"{ACCOUNT}/password", json=named), "invalid_field", "new_password")
    await there.get(ACCOUNT)
    body["old_password"] = PASSWORD
    assert (await here.call("POST", f"{ACCOUNT}/password", json=body)).status == 204
    await expect_problem(await there.call("GET", ACCOUNT), "token_invalid")
    await expect_problem(await refresh(there), "token_invalid")
    assert (await here.get(ACCOUNT))["username"] == "pia"
    assert (await refresh(here)).status == 200
    await expect_problem(await log_in(client, "pia"), "wrong_credentials")
    assert (await log_in(client, "pia", NEW_PASSWORD)).status == 200
    assert {("account.change_password", "refused"), ("account.change_password", "done")} <= set(await acts(here))


async def test_one_changes_ones_own_account(client: TestClient, bob: Person) -> None:
    person = await Person.register(client, "vera")
    shown = await person.get(ACCOUNT)
    assert (shown["email"], shown["plan"], shown["has_password"]) == ("vera@example.org", None, True)
    fields = {"display_name": "Vera", "language": "de-CH", "timezone": "Europe/Zurich", "username": "Vera2"}
    changed = await (await person.call("PATCH", ACCOUNT, json=fields)).json()
    assert changed == shown | fields
    cleared = await (await person.call("PATCH", ACCOUNT, json={"display_name": None, "email": None})).json()
    assert cleared == changed | {"display_name": None}
    assert await person.get(ACCOUNT) == cleared
    taken = await person.call("PATCH", ACCOUNT, json={"username": "BOB"})
    await expect_problem(taken, "name_taken", "username")
    taken = await person.call("PATCH", ACCOUNT, json={"email": "Bob@example.org"})
    await expect_problem(taken, "name_taken", "email")
    wrong = await person.call("PATCH", ACCOUNT, json={"language": "?", "timezone": "../x", "plan": "pro"})
    await expect_problem(wrong, "invalid_field", "language", "timezone")
    assert (await log_in(client, "vera2")).status == 200
    await expect_problem(await log_in(client, "vera"), "wrong_credentials")


async def guess(ask: Callable[[], Awaitable[Any]], code: str, *fields: str) -> tuple[Any, int]:
    """Guesses until that is too fast: the refusal, and how many guesses were looked at."""
    for number in range(20):
        response = await ask()
        if response.status == 429:
            await expect_problem(response, "too_many_attempts")
            return response, number
        await expect_problem(response, code, *fields)
    raise AssertionError("guessing was never slowed")


async def test_guessing_is_slowed_and_the_owner_is_not(client: TestClient) -> None:
    person = await Person.register(client, "gus")
    assert (await log_in(client, "gus", address="203.0.113.9")).status == 200
    refused, guesses = await guess(lambda: log_in(client, "gus", "wrong", "198.51.100.7"), "wrong_credentials")
    assert guesses >= 5
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await log_in(client, "gus", address="203.0.113.9")).status == 200
    listed = (await person.get(f"{ACCOUNT}/audit", params={"action": "sessions.log_in"}))["items"]
    assert [act["address"] for act in listed if act["outcome"] == "refused"] == ["198.51.100.7"] * guesses
    # whether there is such an account makes no difference
    await guess(lambda: log_in(client, "nobody", "wrong", "198.51.100.8"), "wrong_credentials")


async def test_old_passwords_are_not_guessed_faster_than_at_the_door(client: TestClient) -> None:
    person = await Person.register(client, "olga")
    body = {"old_password": "wrong", "new_password": NEW_PASSWORD}
    change = f"{ACCOUNT}/password"
    _, guesses = await guess(lambda: person.call("POST", change, json=body), "invalid_field", "old_password")
    assert guesses >= 5


async def test_a_record_has_no_secret_and_pages(client: TestClient) -> None:
    person = await Person.register(client, "rita")
    with structlog.testing.capture_logs() as lines:
        await log_in(client, PASSWORD, "S3cret-typed")  # people type passwords into the wrong field
        await log_in(client, "rita")
    assert [line["action"] for line in lines if line["event"] == "audit"] == ["sessions.log_in"] * 2
    assert PASSWORD not in str(lines)
    first = await person.get(f"{ACCOUNT}/audit", params={"limit": 2})
    second = await person.get(f"{ACCOUNT}/audit", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [act["action"] for act in first["items"] + second["items"]] == ["sessions.log_in"] * 2 + ["account.register"]
    assert second["next_cursor"] is None
    assert {act["user_id"] for act in first["items"]} == {person.user["id"]}
    await expect_problem(
        await person.call("GET", f"{ACCOUNT}/audit", params={"action": "x"}), "invalid_field", "action"
    )


async def test_administrators_see_everybodys_acts_and_leave_their_own(settings: Settings, client: TestClient) -> None:
    root, other = await Person.register(client, "root"), await Person.register(client, "otto")
    own = settings.model_copy(update={"admin_user_ids": root.user["id"]})
    async with TestClient(TestServer(make_app(own))) as node:
        await until_ready(node)
        admin = Person(node, root.user, root.tokens)
        theirs = (await admin.get(f"{V1}/admin/audit", params={"user_id": other.user["id"]}))["items"]
        assert [act["action"] for act in theirs] == ["sessions.log_in", "account.register"]
        assert (await admin.call("POST", f"{V1}/admin/stages/render/resume")).status == 202
        newest = (await admin.get(f"{V1}/admin/audit", params={"limit": 1}))["items"][0]
        assert (newest["action"], newest["user_id"]) == ("admin.resume", root.user["id"])
        assert newest["about"] == {"stage": "render"}


async def test_deletions_are_on_record(client: TestClient, webm: bytes) -> None:
    person = await Person.register(client, "dela")
    recording = await person.upload(webm)
    assert (await person.call("DELETE", f"{V1}/recordings/{recording['id']}")).status == 204
    newest = (await person.get(f"{ACCOUNT}/audit", params={"limit": 1}))["items"][0]
    assert (newest["action"], newest["about"]) == ("recordings.delete", {"id": recording["id"]})


async def test_somebody_from_outside_is_a_person_like_others(client: TestClient, issuer: Issuer) -> None:
    claims = {"preferred_username": "zoe", "email": "zoe@example.org", "sid": "outside-1"}
    headers = {"Authorization": f"Bearer {issuer.token(**claims)}"}
    shown = await (await client.get(ACCOUNT, headers=headers)).json()
    assert (shown["username"], shown["email"], shown["has_password"]) == ("zoe", "zoe@example.org", False)
    cookie = {"Cookie": f"__session={issuer.token(**claims)}"}
    assert (await (await client.get(ACCOUNT, headers=cookie)).json())["id"] == shown["id"]
    body = {"old_password": "x", "new_password": NEW_PASSWORD}
    await expect_problem(await client.post(f"{ACCOUNT}/password", json=body, headers=headers), "no_password")
    assert (await client.get(f"{V1}/recordings", headers=headers)).status == 200
    wrong = {"Authorization": f"Bearer {issuer.token(aud='somebody')}"}
    await expect_problem(await client.get(ACCOUNT, headers=wrong), "token_invalid")


async def test_somebody_from_outside_logs_out_of_his_session(client: TestClient, issuer: Issuer) -> None:
    def headers(session: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {issuer.token(sub='yan', sid=session)}"}

    assert (await client.post(LOG_OUT, headers=headers("a"))).status == 204
    await expect_problem(await client.get(ACCOUNT, headers=headers("a")), "token_invalid")
    assert (await client.get(ACCOUNT, headers=headers("b"))).status == 200


async def test_an_account_that_is_gone_opens_nothing(client: TestClient) -> None:
    person = await Person.register(client, "gone")
    await client.app[keys.DATABASE]["users"].delete_one({"_id": person.user["id"]})
    await expect_problem(await refresh(person), "token_invalid")
    await expect_problem(await person.call("GET", ACCOUNT), "token_invalid")
