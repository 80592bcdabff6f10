"""A video as a form: streamed to the object store in parts, refused early, and nothing left behind."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from api import keys
from stores import keys as layout
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PATH = "/projects/website/videos"


async def whole(content: bytes, until: int | None = None) -> AsyncIterator[bytes]:
    """The bytes in pieces of odd sizes; breaks off after `until` bytes."""
    for start in range(0, len(content), 70_001):
        if until is not None and start > until:
            raise ConnectionResetError
        yield content[start : start + 70_001]


async def stored(client: TestClient) -> list[str]:
    return await client.app[keys.OBJECTS].keys("recordings/")


async def known(person: Person) -> set[str]:
    return {entry["id"] for entry in (await person.get("/api/v1/recordings?limit=100"))["items"]}


async def test_a_video_is_stored_and_its_work_accepted(client: TestClient, ada: Person, webm: bytes) -> None:
    response = await ada.send_video(io.BytesIO(webm), filename="..\\Zoë/talk 1.webm")
    assert response.status == 202
    answer = await response.json()
    assert answer["asset_id"] == answer["id"]
    assert (answer["status"], answer["project_id"], answer["size_bytes"]) == ("processing", "website", len(webm))
    assert answer["original_filename"] == "talk 1.webm"
    assert answer["filename"].startswith(answer["id"])
    shown = await ada.get(f"/api/v1/recordings/{answer['id']}")
    assert (shown["source"], shown["project_id"], shown["title"]) == ("multipart", "website", "talk 1")
    assert (await ada.get(f"/api/v1/jobs/{answer['job_id']}"))["project_id"] == "website"
    assert await client.app[keys.OBJECTS].read(layout.original(answer["id"])) == webm


async def test_several_parts_arrive_whole(client: TestClient, ada: Person, webm: bytes) -> None:
    content = webm + bytes(range(256)) * (17 * 4096 - len(webm) // 256)
    assert len(content) > 2 * 8 * 2**20
    answer = await (await ada.send_video(whole(content))).json()
    assert answer["size_bytes"] == len(content)
    found = await client.app[keys.OBJECTS].read(layout.original(answer["id"]))
    assert hashlib.sha256(found).digest() == hashlib.sha256(content).digest()


@pytest.mark.parametrize("announced", [True, False])
async def test_more_than_is_allowed_leaves_nothing(
    client: TestClient, ada: Person, webm: bytes, announced: bool
) -> None:
    objects, recordings = await stored(client), await known(ada)
    content = webm + bytes(20 * 2**20)
    response = await ada.send_video(io.BytesIO(content) if announced else whole(content))
    await expect_problem(response, "too_large")
    assert response.status == 413
    assert (await stored(client), await known(ada)) == (objects, recordings)


async def test_a_client_that_leaves_midway_leaves_nothing(client: TestClient, ada: Person, webm: bytes) -> None:
    objects, recordings = await stored(client), await known(ada)
    content = webm + bytes(12 * 2**20)
    with pytest.raises(aiohttp.ClientError):
        await ada.send_video(whole(content, until=10 * 2**20))
    async with asyncio.timeout(10):
        while await known(ada) != recordings:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.05)
    assert await stored(client) == objects


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"just text\n" * 1000, b"\x89PNG\r\n\x1a\n" + bytes(9000)], ids=repr
)
async def test_what_is_no_media_is_refused(client: TestClient, ada: Person, content: bytes) -> None:
    objects, recordings = await stored(client), await known(ada)
    response = await ada.send_video(io.BytesIO(content))
    await expect_problem(response, "unsupported_media")
    assert response.status == 415
    assert (await stored(client), await known(ada)) == (objects, recordings)


@pytest.mark.parametrize("project", ["-x", "a b", "x" * 65, "a%2Fb"])
async def test_a_wrong_project_is_named(ada: Person, webm: bytes, project: str) -> None:
    response = await ada.send_video(io.BytesIO(webm), project=project)
    await expect_problem(response, "invalid_field", "project_id")


@pytest.mark.parametrize(
    ("options", "code", "fields"),
    [
        ({"json": {"file": "x"}}, "invalid_request", ()),
        ({"data": b"", "headers": {"Content-Type": "multipart/form-data"}}, "invalid_request", ()),
        ({"data": b"nothing", "headers": FORM}, "invalid_request", ()),
        (
            {"data": b"--x--\r\n", "headers": FORM},
            "invalid_field",
            ("file",),
        ),
    ],
)
async def test_a_form_that_cannot_be_read(ada: Person, options: dict[str, Any], code: str, fields: tuple[str]) -> None:
    await expect_problem(await ada.call("POST", PATH, **options), code, *fields)


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="_charset_"\r\n\r\n' + b"a" * 60,
        b"no header\r\n\r\nx",
        b"X-Long: " + b"a" * 100_000 + b"\r\n\r\nx",
        b"X-Many: a\r\n" * 20_000 + b"\r\nx",
        b'Content-Disposition: form-data; name="file"; filename="a\0.webm"\r\n\r\nx',
    ],
    ids=["charset", "no-header", "long-header", "many-headers", "nul"],
)
async def test_a_part_that_cannot_be_read(ada: Person, part: bytes) -> None:
    body = b"--x\r\n" + part + b"\r\n--x--\r\n"
    await expect_problem(await ada.call("POST", PATH, data=body, headers=FORM), "invalid_request")


async def test_a_large_field_with_a_name_that_is_no_text(ada: Person) -> None:
    part = b'Content-Disposition: form-data; name="a\xff"\r\n\r\n' + bytes(70_000)
    body = b"--x\r\n" + part + b"\r\n--x--\r\n"
    await expect_problem(await ada.call("POST", PATH, data=body, headers=FORM), "too_large")


async def test_a_form_without_the_file(ada: Person, webm: bytes) -> None:
    form = aiohttp.FormData()
    form.add_field("video", webm[:1000], filename="talk.webm")
    await expect_problem(await ada.call("POST", PATH, data=form), "invalid_field", "file")
    text = aiohttp.FormData({"file": "only text"})
    text.add_field("x", b"y", filename="x")
    await expect_problem(await ada.call("POST", PATH, data=text), "invalid_field", "file")


async def test_nobody_uploads_without_an_account(client: TestClient, webm: bytes) -> None:
    await expect_problem(await client.post(PATH, data={"file": io.BytesIO(webm[:1000])}), "not_signed_in")
