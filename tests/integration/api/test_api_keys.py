"""API keys: made and shown once, good for their scopes alone, and over the moment that they are revoked."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from api.api_keys import is_api_key
from api.handlers.api_keys import FREE_KEYS, MOST_KEYS
from schemas.time import now
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS, RECORDINGS, TICKETS = "/api/v1/api-keys", "/api/v1/recordings", "/api/v1/tickets"


async def make(person: Person, *scopes: str, **fields: Any) -> dict[str, Any]:
    response = await person.call("POST", KEYS, json={"name": "Recorder", "scopes": list(scopes), **fields})
    assert response.status == 201, await response.text()
    made: dict[str, Any] = await response.json()
    return made


async def test_a_key_is_shown_once_and_kept_as_a_hash(client: TestClient, ada: Person) -> None:
    made = await make(ada, "recordings:read", "recordings:read", expires_in_days=30)
    assert is_api_key(made["secret"])
    assert made["scopes"] == ["recordings:read"]
    listed = await ada.get(KEYS)
    assert listed["items"][0] == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"] not in str(listed)
    assert "uploads:write" in listed["scopes"]
    assert "admin:read" not in listed["scopes"]
    stored = [fields async for fields in client.app[keys.DATABASE]["api_keys"].find({})]
    assert made["secret"] not in str(stored)


async def test_a_key_opens_what_its_scopes_say_in_either_header(client: TestClient, ada: Person) -> None:
    secret = (await make(ada, "recordings:read"))["secret"]
    for headers in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
        assert (await client.get(RECORDINGS, headers=headers)).status == 200
        refused = await client.get("/api/v1/jobs", headers=headers)
        assert "jobs:read" in (await expect_problem(refused, "key_refused"))["detail"]
        await expect_problem(await client.get(KEYS, headers=headers), "key_refused")
    await expect_problem(await client.get(RECORDINGS, headers={"Cookie": f"__session={secret}"}), "token_invalid")


async def test_a_recorders_key_sends_by_tus(client: TestClient, ada: Person) -> None:
    made = [await make(ada, "uploads:read", "uploads:write"), await make(ada, "uploads:read")]
    recorder, reader = ({"X-API-Key": one["secret"], "Tus-Resumable": "1.0.0"} for one in made)
    begun = await client.post("/api/v1/uploads", headers={**recorder, "Upload-Length": "5"})
    assert begun.status == 201, await begun.text()
    assert (await client.head(begun.headers["Location"], headers=reader)).headers["Upload-Offset"] == "0"
    refused = await client.delete(begun.headers["Location"], headers=reader)
    assert "uploads:write" in (await expect_problem(refused, "key_refused"))["detail"]
    assert (await client.delete(begun.headers["Location"], headers=recorder)).status == 204
    for one in made:
        assert (await ada.call("DELETE", f"{KEYS}/{one['id']}")).status == 204


async def test_a_revoked_key_is_over_at_once(client: TestClient, ada: Person, bob: Person) -> None:
    made = await make(ada, "recordings:read")
    headers = {"X-API-Key": made["secret"]}
    assert (await client.get(RECORDINGS, headers=headers)).status == 200
    await expect_problem(await bob.call("DELETE", f"{KEYS}/{made['id']}"), "not_found")
    assert (await ada.call("DELETE", f"{KEYS}/{made['id']}")).status == 204
    await expect_problem(await client.get(RECORDINGS, headers=headers), "token_invalid")
    await expect_problem(await ada.call("DELETE", f"{KEYS}/{made['id']}"), "not_found")


async def test_its_use_is_noted_now_and_then(client: TestClient, bob: Person) -> None:
    made = await make(bob, "recordings:read")
    for _ in range(3):
        assert (await client.get(RECORDINGS, headers={"X-API-Key": made["secret"]})).status == 200
    listed = (await bob.get(KEYS))["items"][0]
    assert listed["last_used_at"] is not None
    found = (await bob.get("/api/v1/account/audit"))["items"]
    noted = [(act["action"], act["about"]["id"]) for act in found if act["action"].startswith("api_keys")]
    assert noted == [("api_keys.use", made["id"]), ("api_keys.create", made["id"])]


@pytest.mark.parametrize("scopes", [[], ["recordings"], ["recordings:delete"], ["unicorns:read"], ["admin:write"]])
async def test_scopes_that_cannot_be_given(ada: Person, scopes: list[str]) -> None:
    response = await ada.call("POST", KEYS, json={"name": "k", "scopes": scopes})
    body = await response.json()
    assert (response.status, body["code"]) == (422, "invalid_field")
    assert body["errors"][0]["field"].startswith("scopes")


async def test_a_ticket_can_do_no_more_than_the_key_that_asked_for_it(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    job = (await ada.upload(webm))["job_id"]
    for scopes, status in ((("tickets:write",), 403), (("tickets:write", "jobs:read"), 200)):
        headers = {"X-API-Key": (await make(ada, *scopes))["secret"]}
        ticket = (await (await client.post(TICKETS, headers=headers)).json())["ticket"]
        async with client.get(f"/api/v1/jobs/{job}/events", params={"ticket": ticket}) as response:
            assert response.status == status


async def test_many_keys_are_part_of_a_paid_plan(client: TestClient) -> None:
    person = await Person.register(client, "payer")
    for _ in range(FREE_KEYS):
        await make(person, "jobs:read")
    one_more = {"name": "one more", "scopes": ["jobs:read"]}
    refused = await person.call("POST", KEYS, json=one_more)
    await expect_problem(refused, "plan_needed")
    assert refused.status == 403
    await client.app[keys.PEOPLE].change(person.user["id"], {"plan": "pro"})
    client.app[keys.STANDING].changed(person.user["id"])
    await make(person, "jobs:read")
    template = (await client.app[keys.API_KEYS].list_owned(person.user["id"]))[0]
    for number in range(MOST_KEYS - FREE_KEYS - 1):
        more = {"id": f"h{number}", "key_id": f"k{number}", "created_at": now()}
        await client.app[keys.API_KEYS].add(template.model_copy(update=more))
    await expect_problem(await person.call("POST", KEYS, json=one_more), "too_many_keys")
