"""The resumable door: tus 1.0.0 as its specification has it, and everything that can be wrong about it."""

import asyncio
import base64
import hashlib
import io
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from api import keys
from schemas.recordings import RecordingStatus
from schemas.time import now
from tests.integration.api.conftest import EXTENSION
from tests.integration.api.people import Person, expect_problem, paid, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def told(**pairs: str) -> str:
    """The metadata header."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


async def begin(person: Person, length: int | None, body: bytes = b"", **headers: str) -> str:
    """The address of a new upload."""
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    sent = {**TUS, **size, **(BYTES if body else {}), **headers}
    response = await person.call("POST", UPLOADS, headers=sent, data=io.BytesIO(body))
    assert response.status == 201, await response.text()
    assert response.headers["Upload-Offset"] == str(len(body))
    return response.headers["Location"]


async def patch(person: Person, address: str, offset: int, body: Any, **headers: str) -> ClientResponse:
    sent = {**TUS, **BYTES, "Upload-Offset": str(offset), **headers}
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    return await person.call("PATCH", address, headers=sent, data=data)


async def add(person: Person, address: str, offset: int, body: bytes, **headers: str) -> int:
    """The new offset."""
    response = await patch(person, address, offset, body, **headers)
    assert response.status == 204, await response.text()
    assert response.headers["Upload-Expires"].endswith(" GMT")
    return int(response.headers["Upload-Offset"])


async def head(person: Person, address: str) -> ClientResponse:
    return await person.call("HEAD", address, headers=TUS)


async def stored(client: TestClient, address: str) -> bytes:
    """What lies in the object store in the end; and nothing else does, but the recording's job is there."""
    upload_id = address.rsplit("/", 1)[-1]
    recording = await client.app[keys.RECORDINGS].get(upload_id)
    assert recording is not None
    assert recording.status is RecordingStatus.PROCESSING
    job = await paid(client.app, recording.job_id)
    assert [fact["type"] for fact in job.facts].count("recording.uploaded") == 1
    found = await client.app[keys.OBJECTS].keys(f"recordings/{upload_id}/")
    assert found == [recording.object_key]
    assert await client.app[keys.ASSEMBLY].arrivals.get(upload_id) is None
    return await client.app[keys.OBJECTS].read(recording.object_key)


def long_webm(webm: bytes, size: int) -> bytes:
    """Something that begins like a recording and is as long as wanted."""
    return (webm + hashlib.shake_256(b"tus").digest(size))[:size]


async def test_what_is_spoken_is_told(client: TestClient) -> None:
    response = await client.options(UPLOADS)
    assert response.status == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert set(response.headers["Tus-Extension"].split(",")) == {
        *("creation", "creation-with-upload", "creation-defer-length", "expiration", "termination", "checksum"),
    }
    assert response.headers["Tus-Max-Size"] == str(20 * 2**20)
    assert response.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,crc32"


async def test_an_upload_becomes_a_recording_and_a_job(client: TestClient, ada: Person, webm: bytes) -> None:
    said = told(filename="../My talk.webm", quality="1080p", fps="30", project_id="web", has_microphone="true")
    address = await begin(ada, len(webm), **{"Upload-Metadata": said})
    half = len(webm) // 2
    assert await add(ada, address, 0, webm[:half]) == half
    response = await head(ada, address)
    assert response.status == 200
    assert response.headers["Upload-Offset"] == str(half)
    assert response.headers["Upload-Length"] == str(len(webm))
    assert response.headers["Upload-Metadata"] == said
    assert response.headers["Cache-Control"] == "no-store"
    assert await add(ada, address, half, webm[half:]) == len(webm)
    assert await stored(client, address) == webm
    recording = await ada.get(f"/api/v1/recordings/{address.rsplit('/', 1)[-1]}")
    assert (recording["title"], recording["filename"], recording["fps"]) == ("My talk", "My talk.webm", 30)
    assert (recording["source"], recording["quality"], recording["size_bytes"]) == ("tus", "1080p", len(webm))
    response = await head(ada, address)
    assert (response.headers["Upload-Offset"], response.headers["Upload-Length"]) == (str(len(webm)),) * 2


async def test_all_at_once_with_the_creation(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await begin(ada, len(webm), webm)
    assert await stored(client, address) == webm


async def test_parts_and_pieces_of_any_size(client: TestClient, ada: Person, webm: bytes) -> None:
    whole = long_webm(webm, 19_500_001)
    address = await begin(ada, len(whole))
    offset = 0
    for size in (70_000, 9_000_000, 1_200_000, 3, 5_000_000, 2_000_000, len(whole)):
        offset = await add(ada, address, offset, whole[offset : offset + size])
    assert offset == len(whole)
    assert await stored(client, address) == whole


async def test_a_recorder_sends_small_pieces_of_what_it_does_not_know_the_end(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    whole, size = long_webm(webm, 12_000_000), 70_000
    address = await begin(ada, None)
    assert (await head(ada, address)).headers["Upload-Defer-Length"] == "1"
    offset = 0
    while offset < len(whole) - size:
        offset = await add(ada, address, offset, whole[offset : offset + size])
    length = {"Upload-Length": str(len(whole))}
    assert await add(ada, address, offset, whole[offset:], **length) == len(whole)
    assert await stored(client, address) == whole


async def test_a_length_may_be_told_without_bytes(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await begin(ada, None, webm)
    response = await patch(ada, address, len(webm), b"", **{"Upload-Length": str(len(webm) - 1)})
    await expect_problem(response, "size_mismatch")
    assert await add(ada, address, len(webm), b"", **{"Upload-Length": str(len(webm))}) == len(webm)
    assert await stored(client, address) == webm


async def test_of_two_lengths_at_once_one_holds_and_nothing_is_lost(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    for _ in range(5):
        address = await begin(ada, None, webm)
        lengths = [len(webm) + more for more in (1, 2)]
        told_at_once = [patch(ada, address, len(webm), b"", **{"Upload-Length": str(length)}) for length in lengths]
        answers = await asyncio.gather(*told_at_once)
        assert {answer.status for answer in answers} <= {204, 400, 409, 423}
        length = int((await head(ada, address)).headers["Upload-Length"])
        assert length in lengths
        more = bytes(length - len(webm))
        assert await add(ada, address, len(webm), more) == length
        assert await stored(client, address) == webm + more


async def test_two_at_once_and_only_one_wins(client: TestClient, ada: Person, webm: bytes) -> None:
    whole = long_webm(webm, 2_000_000)
    address = await begin(ada, len(whole))
    answers = await asyncio.gather(*(patch(ada, address, 0, whole[:1_000_000]) for _ in range(4)))
    assert sorted(answer.status for answer in answers)[0] == 204
    assert {answer.status for answer in answers} <= {204, 409, 423}
    assert [answer.status for answer in answers].count(204) == 1
    assert await add(ada, address, 1_000_000, whole[1_000_000:]) == len(whole)
    assert await stored(client, address) == whole


async def slowly(body: bytes, end: asyncio.Event) -> Any:
    yield body
    await end.wait()


async def test_who_is_in_the_middle_of_it_is_not_disturbed(client: TestClient, ada: Person, webm: bytes) -> None:
    address, end = await begin(ada, len(webm) + 5), asyncio.Event()
    sending = asyncio.create_task(patch(ada, address, 0, slowly(webm, end)))
    await until(lambda: client.app[keys.RECEPTIONS].sending(address.rsplit("/", 1)[-1]))
    response = await patch(ada, address, 0, b"other")
    await expect_problem(response, "upload_locked")
    assert response.headers["Retry-After"] == "1"
    end.set()
    assert (await sending).headers["Upload-Offset"] == str(len(webm))
    assert await add(ada, address, len(webm), b"12345") == len(webm) + 5


async def test_a_request_that_lost_its_client_gives_way(client: TestClient, ada: Person, webm: bytes) -> None:
    """What it had received counts; it does not matter that its connection was never closed."""
    address, never = await begin(ada, len(webm) + 5), asyncio.Event()
    sending = asyncio.create_task(patch(ada, address, 0, slowly(webm, never)))
    sender = await until(lambda: client.app[keys.RECEPTIONS].sending(address.rsplit("/", 1)[-1]))
    await until(lambda: sender.stale)
    response = await head(ada, address)
    assert response.headers["Upload-Offset"] == str(len(webm))
    with pytest.raises(aiohttp.ClientError):
        await sending
    assert await add(ada, address, len(webm), b"12345") == len(webm) + 5


async def test_a_connection_that_breaks_keeps_what_came(client: TestClient, ada: Person, webm: bytes) -> None:
    whole = long_webm(webm, 13_000_000)
    address = await begin(ada, len(whole))
    host, port = client.server.host, client.server.port
    _, writer = await asyncio.open_connection(host, port)
    headers = {**TUS, **BYTES, **ada.headers, "Upload-Offset": "0", "Content-Length": str(len(whole)), "Host": "test"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"PATCH {address} HTTP/1.1\r\n{lines}\r\n".encode() + whole[:10_000_000])
    await writer.drain()
    sender = await until(lambda: client.app[keys.RECEPTIONS].sending(address.rsplit("/", 1)[-1]))
    await until(lambda: sender.came == 10_000_000)
    writer.close()
    await until(lambda: not client.app[keys.RECEPTIONS].sending(address.rsplit("/", 1)[-1]))
    assert (await head(ada, address)).headers["Upload-Offset"] == "10000000"
    assert await add(ada, address, 10_000_000, whole[10_000_000:]) == len(whole)
    assert await stored(client, address) == whole


async def until(condition: Any, seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.02)
    return found


SUMS = {
    "sha1": lambda body: hashlib.sha1(body).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}


def sum_of(algorithm: str, body: bytes) -> dict[str, str]:
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(SUMS[algorithm](body)).decode()}"}


@pytest.mark.parametrize("algorithm", SUMS)
async def test_a_checksum_is_compared_before_anything_counts(
    client: TestClient, ada: Person, webm: bytes, algorithm: str
) -> None:
    whole = long_webm(webm, 9_500_000)
    address = await begin(ada, len(whole))
    response = await patch(ada, address, 0, whole[:-1] + b"x", **sum_of(algorithm, whole))
    await expect_problem(response, "checksum_mismatch")
    assert response.status == 460
    assert (await head(ada, address)).headers["Upload-Offset"] == "0"
    assert await add(ada, address, 0, whole, **sum_of(algorithm, whole)) == len(whole)
    assert await stored(client, address) == whole


async def test_what_ends_as_no_media_is_gone(client: TestClient, ada: Person) -> None:
    address = await begin(ada, 100)
    response = await patch(ada, address, 0, b"%PDF-1.7" + bytes(92))
    assert "PDF" in (await expect_problem(response, "unsupported_media"))["detail"]
    assert (await head(ada, address)).status == 404
    assert await client.app[keys.OBJECTS].keys(f"recordings/{address.rsplit('/', 1)[-1]}/") == []


async def test_an_upload_that_is_given_up_is_gone(client: TestClient, ada: Person, bob: Person, webm: bytes) -> None:
    address = await begin(ada, 10_000_000, webm)
    await add(ada, address, len(webm), bytes(6_000_000))
    assert (await bob.call("DELETE", address, headers=TUS)).status == 404
    assert (await ada.call("DELETE", address, headers=TUS)).status == 204
    for method in ("HEAD", "DELETE"):
        assert (await ada.call(method, address, headers=TUS)).status == 404
    await expect_problem(await patch(ada, address, 0, b"x"), "not_found")
    upload_id = address.rsplit("/", 1)[-1]
    assert await client.app[keys.OBJECTS].keys(f"recordings/{upload_id}/") == []
    assert await client.app[keys.OBJECTS].open_uploads(f"recordings/{upload_id}/original") == []


async def test_deleting_the_recording_ends_its_upload(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await begin(ada, 10_000_000, webm)
    assert (await ada.call("DELETE", f"/api/v1/recordings/{address.rsplit('/', 1)[-1]}")).status == 204
    await expect_problem(await patch(ada, address, len(webm), b"x"), "not_found")


async def test_an_upload_that_has_ended_takes_nothing_more(ada: Person, webm: bytes) -> None:
    address = await begin(ada, len(webm), webm)
    response = await patch(ada, address, len(webm), b"")
    await expect_problem(response, "upload_gone")
    assert response.status == 410
    assert (await ada.call("DELETE", address, headers=TUS)).status == 410


async def test_an_upload_that_has_expired(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await begin(ada, len(webm) + 1, webm)
    expired = now() - timedelta(seconds=1)
    arrivals = client.app[keys.ASSEMBLY].arrivals
    await arrivals.change(address.rsplit("/", 1)[-1], lambda arrival: replace(arrival, expires_at=expired))
    await expect_problem(await patch(ada, address, len(webm), b"x"), "upload_gone")
    assert (await head(ada, address)).status == 410


async def test_somebody_elses_and_no_upload_look_the_same(ada: Person, bob: Person, webm: bytes) -> None:
    mine, presigned = await begin(ada, 100), await bob.announce(5)
    for address in (mine, f"{UPLOADS}/{unknown()}", f"{UPLOADS}/x", f"{UPLOADS}/{presigned['id']}"):
        assert (await head(bob, address)).status == 404
        await expect_problem(await patch(bob, address, 0, b"x"), "not_found")
        await expect_problem(await bob.call("DELETE", address, headers=TUS), "not_found")


@pytest.mark.parametrize(
    ("headers", "wrong"),
    [
        ({}, "Upload-Length"),
        ({"Upload-Length": "-1"}, "Upload-Length"),
        ({"Upload-Length": "many"}, "Upload-Length"),
        ({"Upload-Defer-Length": "2"}, "Upload-Defer-Length"),
        ({"Upload-Defer-Length": "1", "Upload-Length": "5"}, "Upload-Defer-Length"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename !"}, "Upload-Metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "title YQ==,title YQ=="}, "Upload-Metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": told(fps="many")}, "fps"),
        ({"Upload-Length": "5", "Upload-Metadata": told(filename="/")}, "filename"),
        ({"Upload-Length": "5", "Upload-Metadata": told(project_id="a/b")}, "project_id"),
        ({"Upload-Length": "5", "Upload-Checksum": "md5 aGFsbG8="}, "Upload-Checksum"),
        ({"Upload-Length": "5", "Upload-Checksum": "sha1 aGFsbG8="}, "Upload-Checksum"),
    ],
)
async def test_wrong_headers_are_named(ada: Person, headers: dict[str, str], wrong: str) -> None:
    await expect_problem(await ada.call("POST", UPLOADS, headers={**TUS, **headers}), "invalid_field", wrong)


async def test_what_cannot_be_right_is_refused(ada: Person, webm: bytes) -> None:
    address = await begin(ada, len(webm))
    for version in ({}, {"Tus-Resumable": "0.2.2"}):
        response = await ada.call("HEAD", address, headers=version)
        assert (response.status, response.headers["Tus-Version"]) == (412, "1.0.0")
    response = await patch(ada, address, 5, b"x")
    assert (await expect_problem(response, "wrong_offset"))["status"] == 409
    response = await patch(ada, address, 0, b"x", **{"Content-Type": "text/plain"})
    assert (await expect_problem(response, "wrong_content_type"))["status"] == 415
    assert response.headers["Tus-Resumable"] == "1.0.0"
    await expect_problem(await patch(ada, address, 0, webm + b"x"), "too_large")
    response = await ada.call("POST", UPLOADS, headers={**TUS, "Upload-Length": str(21 * 2**20)})
    await expect_problem(response, "too_large")
    response = await ada.call("POST", UPLOADS, headers={**TUS, "Upload-Length": "0"})
    await expect_problem(response, "unsupported_media")


async def test_a_client_that_can_only_post(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await begin(ada, len(webm))
    sent = {**TUS, **BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    response = await ada.call("POST", address, headers=sent, data=io.BytesIO(webm[:50]))
    assert (response.status, response.headers["Upload-Offset"]) == (204, "50")
    response = await ada.call("POST", address, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert response.status == 204
    await expect_problem(await ada.call("POST", address, headers=TUS), "method_not_allowed")


async def test_a_page_of_an_allowed_origin_may_use_it(client: TestClient, ada: Person) -> None:
    asks = {"Origin": EXTENSION, "Access-Control-Request-Method": "PATCH"}
    response = await client.options(f"{UPLOADS}/x", headers=asks)
    allowed = set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed >= {"Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Checksum"}
    assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
    response = await ada.call("POST", UPLOADS, headers={**TUS, "Upload-Length": "5", "Origin": EXTENSION})
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable"}
