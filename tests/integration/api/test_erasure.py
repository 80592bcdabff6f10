"""Erasing an account: nobody gets in any more, every store forgets it, and the receipt says what is gone."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from api import keys
from api.throttle import OF_BOTH
from schemas.erasure import Erasure
from schemas.holds import Hold
from schemas.time import now
from stores import keys as object_keys
from streams.erasing import Erasing
from streams.resources import open_resources
from tests.integration.api.people import PASSWORD, Person, expect_problem
from tests.media import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT, ERASURES = "/api/v1/account", "/api/v1/erasures"


async def erase(person, **changed):
    body = {"username": person.user["username"], "password": PASSWORD, **changed}
    return await person.call("POST", f"{ACCOUNT}/erasure", json=body)


async def left_of(client, person) -> dict[str, int]:
    """In which collections something still names the account."""
    found, database = {}, client.server.app[keys.DATABASE]
    for name in await database.list_collection_names():
        documents = [str(fields) async for fields in database[name].find({})]
        if naming := sum(person.user["id"] in text or person.user["email"] in text for text in documents):
            found[name] = naming
    return found


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"username": "eve"}, "username"), ({"password": "wrong"}, "password"), ({"password": None}, "password")],
)
async def test_it_wants_to_be_confirmed(ada, changed, field):
    await expect_problem(await erase(ada, **changed), "invalid_field", field)
    assert (await ada.get(ACCOUNT))["username"] == "ada"


async def test_nothing_is_left_and_the_receipt_says_what_went(client, settings, webm, bob):
    eve = await Person.register(client, "eve")
    uploaded, theirs = await eve.upload(webm), await bob.upload(webm)
    made = await eve.call("POST", "/api/v1/api-keys", json={"name": "Recorder", "scopes": ["recordings:read"]})
    assert made.status == 201
    assert (await eve.call("POST", "/api/courses", json={"title": "Biology"})).status == 201
    response = await erase(eve)
    assert response.status == 202
    erasure = await response.json()
    assert erasure["status"] == "erasing"
    await expect_problem(await eve.call("GET", ACCOUNT), "token_invalid")
    wrong = {"username": "eve", "password": PASSWORD}
    await expect_problem(await client.post("/api/token", json=wrong), "wrong_credentials")

    async with open_resources(settings) as resources:
        await Erasing(resources, "worker", grace=timedelta(0)).look()

    asked = await client.post(ERASURES, json={"receipt": erasure["receipt"]})
    found = await asked.json()
    assert found["status"] == "erased"
    assert found["receipt"] is None
    assert (found["removed"]["recordings"], found["removed"]["bytes"], found["removed"]["api_keys"]) == (
        1,
        len(webm),
        1,
    )
    assert await left_of(client, eve) == {"erasures": 1}
    objects = client.server.app[keys.OBJECTS]
    assert await objects.keys(object_keys.recording_prefix(uploaded["id"])) == []
    assert await objects.stat(object_keys.original(theirs["id"])) is not None
    assert (await bob.get(f"/api/v1/recordings/{theirs['id']}"))["id"] == theirs["id"]
    again = await Person.register(client, "eve")
    assert again.user["id"] != eve.user["id"]


@pytest.mark.parametrize("receipt", ["", "nobody.secret", "x"])
async def test_a_receipt_cannot_be_guessed(client, ada, receipt):
    answer = await client.post(ERASURES, json={"receipt": receipt or f"{ada.user['id']}.secret"})
    await expect_problem(answer, "not_found")


async def test_what_is_on_hold_keeps_the_account(client, webm):
    eve = await Person.register(client, "held")
    uploaded = await eve.upload(webm)
    app = client.server.app
    recording = await app[keys.RECORDINGS].get(uploaded["id"])
    hold = Hold(reason="A dispute", by="admin", at=now())
    await app[keys.RECORDINGS].amend(recording, {"hold": hold.model_dump()})
    await expect_problem(await erase(eve), "on_hold")
    assert (await eve.get(ACCOUNT))["username"] == "held"


async def test_another_name_gives_no_more_guesses(client):
    eve = await Person.register(client, "guessed")
    for _ in range(OF_BOTH.free):
        await expect_problem(await erase(eve, username="guessed", password="wrong"), "invalid_field", "password")
    assert (await eve.call("PATCH", ACCOUNT, json={"username": "renamed"})).status == 200
    await expect_problem(await erase(eve, username="renamed", password="wrong"), "too_many_attempts")


LECTURE = {
    "course_id": "algebra",
    "stream_url": "https://media.example/late.mp4",
    "panopto_url": "https://uni.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id=5e0c9c5e-4d4f-4a0a-9d3c-aa0f00c0ffee",
}
DOORS = {
    "address": ("/api/v1/recordings/request-upload", {"json": {"filename": "a.webm", "file_size": 5}}),
    "parts": ("/api/v1/recordings/request-multipart", {"json": {"filename": "a.webm", "file_size": 5}}),
    "tus": ("/api/v1/uploads", {"headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}}),
    "form": ("/api/process", {}),
    "video": ("/api/v1/projects/website/videos", {}),
    "document": ("/api/v1/documents/upload", {}),
    "lecture": ("/api/v1/lectures/download", {"json": LECTURE}),
}


@pytest.mark.parametrize("door", DOORS)
async def test_what_was_let_in_before_and_comes_late_ends_in_the_erasure(client, webm, door):
    """As a request that was held up between its admission and its first write, for longer than any grace."""
    app = client.server.app
    late = await Person.register(client, f"late-{door}")
    erasures = app[keys.ERASURES]
    about = {"receipt": "f", "since": now(), "requested_at": now(), "finished_at": now()}
    await erasures.begin(Erasure(id=late.user["id"], **about))
    path, sent = DOORS[door]
    content = pdf.document(["Late."]) if door == "document" else webm
    answer = await late.call("POST", path, **(sent or {"data": {"file": io.BytesIO(content)}}))
    await expect_problem(answer, "token_invalid")
    (goes_on,) = [found for found in await erasures.unfinished() if found.id == late.user["id"]]
    assert await replace(app[keys.ERASER], grace=timedelta(0)).erase(goes_on)
    assert set(await left_of(client, late)) == {"erasures"}
    assert await app[keys.OBJECTS].open_uploads(object_keys.RECORDINGS) == []
