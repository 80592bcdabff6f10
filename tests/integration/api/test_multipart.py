"""An upload in parts over HTTP and straight into the object store: resumed, checked, joined once, thrown away."""

import asyncio
import io
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient

from api import keys
from schemas.multipart import MB, MOST_PARTS, SMALLEST_PART
from tests.integration.api.people import Person, expect_problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = "/api/v1/recordings/request-multipart/"


@pytest.fixture(scope="module")
def film(webm: bytes) -> bytes:
    """A recording of three parts."""
    return webm + bytes(range(256)) * ((2 * SMALLEST_PART + 1000 - len(webm)) // 256 + 1)


async def begun(person: Person, size: int, **fields: Any) -> dict[str, Any]:
    body = {"filename": "lecture.webm", "file_size": size, "part_size": SMALLEST_PART, **fields}
    response = await person.call("POST", REQUEST, json=body)
    assert response.status == 201, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def put(address: dict[str, Any], film: bytes) -> dict[str, Any]:
    start = (address["number"] - 1) * SMALLEST_PART
    piece = film[start : start + address["size_bytes"]]
    async with aiohttp.ClientSession() as session, session.put(address["url"], data=io.BytesIO(piece)) as response:
        assert response.status == 200, await response.text()
        return {"number": address["number"], "etag": response.headers["ETag"]}


async def sent(person: Person, film: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An upload of which all parts are there, and what its client knows of them."""
    upload = await begun(person, len(film))
    return upload, [await put(address, film) for address in upload["urls"]]


def path(upload: dict[str, Any], what: str) -> str:
    return f"/api/v1/recordings/{upload['id']}/{what}"


async def test_parts_are_sent_resumed_and_joined(client: TestClient, ada: Person, film: bytes) -> None:
    upload = await begun(ada, len(film), title="Lecture 1", project_id="biology")
    assert (upload["parts"], upload["part_size"]) == (3, SMALLEST_PART)
    assert [address["number"] for address in upload["urls"]] == [1, 2, 3]
    assert sum(address["size_bytes"] for address in upload["urls"]) == len(film)
    first, last = await put(upload["urls"][0], film), await put(upload["urls"][2], film)
    there = await ada.get(path(upload, "parts/"))
    assert [part["number"] for part in there["items"]] == [1, 3]
    problem = await expect_problem(
        await ada.call("POST", path(upload, "multipart-complete"), json={"parts": [first, last]}),
        "parts_mismatch",
        "parts.2",
    )
    assert problem["status"] == 409
    asked = await (await ada.call("POST", path(upload, "parts"), json={"numbers": [2, 2]})).json()
    assert [address["number"] for address in asked["urls"]] == [2]
    second = await put(asked["urls"][0], film)
    body = {"parts": [last, second, first]}
    answers = await asyncio.gather(
        *(ada.call("POST", path(upload, "multipart-complete/"), json=body) for _ in range(4))
    )
    assert {answer.status for answer in answers} == {202}, [await answer.text() for answer in answers]
    assert {(await answer.json())["job_id"] for answer in answers} == {upload["job_id"]}
    shown = await ada.get(f"/api/v1/recordings/{upload['id']}")
    assert (shown["status"], shown["size_bytes"], shown["title"]) == ("processing", len(film), "Lecture 1")
    assert await client.app[keys.OBJECTS].read(upload["s3_key"]) == film
    for method, what in (("GET", "parts"), ("POST", "parts"), ("DELETE", "multipart")):
        response = await ada.call(method, path(upload, what), json={"numbers": [1]})
        await expect_problem(response, "upload_ended")
    assert (await ada.call("POST", path(upload, "multipart-complete"), json={})).status == 202


async def test_without_etags_the_stores_own_list_counts(client: TestClient, ada: Person, film: bytes) -> None:
    upload, _ = await sent(ada, film)
    assert (await ada.call("POST", path(upload, "multipart-complete"), json={})).status == 202


async def test_what_is_said_must_agree_with_what_is_there(client: TestClient, ada: Person, film: bytes) -> None:
    upload, parts = await sent(ada, film)
    complete = path(upload, "multipart-complete")
    wrong = [{**parts[0], "etag": "0" * 32}, *parts[1:]]
    await expect_problem(await ada.call("POST", complete, json={"parts": wrong}), "parts_mismatch", "parts.1")
    more = [*parts, {**parts[0], "number": 4}]
    await expect_problem(await ada.call("POST", complete, json={"parts": more}), "parts_mismatch", "parts.4")
    short = await put({**upload["urls"][1], "size_bytes": SMALLEST_PART - 1}, film)
    wrong = [parts[0], short, parts[2]]
    await expect_problem(await ada.call("POST", complete, json={"parts": wrong}), "parts_mismatch", "parts.2")
    assert await client.app[keys.OBJECTS].stat(upload["s3_key"]) is None
    again = [parts[0], await put(upload["urls"][1], film), parts[2]]
    assert (await ada.call("POST", complete, json={"parts": again})).status == 202
    assert await client.app[keys.OBJECTS].read(upload["s3_key"]) == film


async def test_an_end_that_broke_off_is_brought_to_its_end(client: TestClient, ada: Person, film: bytes) -> None:
    upload, _ = await sent(ada, film)
    recording = await client.app[keys.RECORDINGS].get(upload["id"])
    uploads = client.app[keys.PARTS]
    found = await uploads.listed(recording.object_key, recording.parts.upload_id)
    await uploads.complete(recording.object_key, recording.parts.upload_id, found)
    assert (await ada.call("POST", path(upload, "multipart-complete"), json={})).status == 202
    assert (await ada.get(f"/api/v1/recordings/{upload['id']}"))["status"] == "processing"


@pytest.mark.parametrize("how", ["multipart", ""])
async def test_what_is_thrown_away_leaves_nothing(client: TestClient, ada: Person, film: bytes, how: str) -> None:
    upload, _ = await sent(ada, film)
    assert (await ada.call("DELETE", path(upload, how))).status == 204
    await expect_problem(await ada.call("GET", f"/api/v1/recordings/{upload['id']}"), "not_found")
    await expect_problem(await ada.call("POST", path(upload, "multipart-complete"), json={}), "not_found")
    assert await client.app[keys.OBJECTS].open_uploads(upload["s3_key"]) == []
    assert await client.app[keys.OBJECTS].stat(upload["s3_key"]) is None


async def test_what_is_no_media_is_refused(ada: Person) -> None:
    content = b"%PDF-1.7" + bytes(SMALLEST_PART)
    upload, _ = await sent(ada, content)
    await expect_problem(await ada.call("POST", path(upload, "multipart-complete"), json={}), "unsupported_media")


async def test_an_upload_is_its_owners_alone(ada: Person, bob: Person) -> None:
    upload, plain = await begun(ada, 10), await ada.announce(10)
    for method, what, body in (
        ("GET", "parts", None),
        ("POST", "parts", {"numbers": [1]}),
        ("POST", "multipart-complete", {}),
        ("DELETE", "multipart", None),
    ):
        await expect_problem(await bob.call(method, path(upload, what), json=body), "not_found")
        await expect_problem(await ada.call(method, path(plain, what), json=body), "upload_ended")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"part_size": SMALLEST_PART - 1}, "part_size"),
        ({"part_size": 6 * 1024 * MB}, "part_size"),
        ({"file_size": 0}, "file_size"),
        ({"filename": ""}, "filename"),
    ],
)
async def test_a_wrong_wish_is_named(ada: Person, wrong: dict[str, Any], field: str) -> None:
    body = {"filename": "lecture.webm", "file_size": 10, **wrong}
    await expect_problem(await ada.call("POST", REQUEST, json=body), "invalid_field", field)


async def test_limits(ada: Person) -> None:
    await expect_problem(
        await ada.call("POST", REQUEST, json={"filename": "a.webm", "file_size": 21 * MB}), "too_large"
    )
    upload = await begun(ada, SMALLEST_PART + 1)
    for numbers in ([3], [0], [], [MOST_PARTS + 1], [1] * 201):
        response = await ada.call("POST", path(upload, "parts"), json={"numbers": numbers})
        assert response.status == 422
