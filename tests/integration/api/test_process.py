"""A file and what is wanted of it, in one form: the fields before the file or behind it."""

import io
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from api import keys
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = ["transcript", "summary", "action_items", "key_points", "sentiment"]


async def sent(
    person: Person,
    content: bytes,
    before: tuple[str, ...] = (),
    behind: tuple[str, ...] = (),
    path: str = "/api/process",
) -> ClientResponse:
    form = aiohttp.FormData(quote_fields=False)
    for value in before:
        form.add_field("material_types", value)
    form.add_field("file", io.BytesIO(content), filename="talk.webm", content_type="video/webm")
    for value in behind:
        form.add_field("material_types", value)
    return await person.call("POST", path, data=form)


async def left(client: TestClient, person: Person) -> tuple[Any, ...]:
    listed = await person.get("/api/v1/recordings?limit=100")
    return [entry["id"] for entry in listed["items"]], await client.app[keys.OBJECTS].keys("recordings/")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ALL),
        ({"before": ("summary", "transcript")}, ["summary", "transcript"]),
        ({"behind": ('["sentiment"]',)}, ["sentiment"]),
        (
            {"before": ("summary",), "behind": ("key_points,summary",), "path": "/api/v1/process/"},
            ["summary", "key_points"],
        ),
    ],
)
async def test_what_is_asked_for_is_kept_and_shown(
    client: TestClient, ada: Person, webm: bytes, fields: dict[str, Any], shown: list[str]
) -> None:
    response = await sent(ada, webm, **fields)
    assert response.status == 202, await response.text()
    answer = await response.json()
    assert (set(answer), answer["status"]) == ({"id", "status", "job_id"}, "processing")
    recording = await ada.get(f"/api/v1/recordings/{answer['id']}")
    assert (recording["material_types"], recording["title"], recording["source"]) == (shown, "talk", "multipart")
    assert recording["size_bytes"] == len(webm)
    assert (await ada.get(f"/api/v1/jobs/{answer['job_id']}"))["recording_id"] == answer["id"]


@pytest.mark.parametrize("place", ["before", "behind"])
async def test_an_unknown_kind_is_named_and_nothing_is_left(
    client: TestClient, ada: Person, webm: bytes, place: str
) -> None:
    before = await left(client, ada)
    response = await sent(ada, webm, **{place: ("summary, poem",)})
    problem = await expect_problem(response, "invalid_field", "material_types")
    assert response.status == 422
    assert "«poem»" in problem["errors"][0]["message"]
    assert await left(client, ada) == before


async def test_what_is_no_media_is_refused(client: TestClient, ada: Person) -> None:
    before = await left(client, ada)
    await expect_problem(await sent(ada, b"%PDF-1.7"), "unsupported_media")
    assert await left(client, ada) == before
