"""The presigned door: asked for, filled and closed, and everything that can be wrong about it."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from schemas.recordings import RecordingStatus
from tests.integration.api.people import Person, expect_problem, paid, put, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST = "/api/v1/recordings/request-upload"


async def test_an_upload_becomes_a_job(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.announce(len(webm), filename="../../My talk.webm", quality="1080p", fps=30, project_id="web")
    assert address["expires_in"] == 3600
    assert address["s3_key"] == f"recordings/{address['id']}/original"
    waiting = await ada.get(f"/api/v1/recordings/{address['id']}")
    assert (waiting["status"], waiting["title"], waiting["filename"]) == ("awaiting_upload", "My talk", "My talk.webm")
    await put(address["upload_url"], webm)
    response = await ada.complete(address)
    assert response.status == 202
    accepted = {"id": address["id"], "status": "processing", "job_id": address["job_id"]}
    assert await response.json() == accepted
    job = await ada.get(f"/api/v1/jobs/{address['job_id']}/")
    assert (job["status"], job["progress"], job["recording_id"]) == ("queued", 0, address["id"])
    assert [step["name"] for step in job["steps"]] == ["audio", "render", "transcribe", "analyse"]


async def test_a_repeat_answers_the_same_and_makes_nothing_new(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.announce(len(webm))
    await put(address["upload_url"], webm)
    answers = await asyncio.gather(*(ada.complete(address) for _ in range(4)))
    assert {answer.status for answer in answers} == {202}
    assert len({await answer.text() for answer in answers}) == 1
    job = await paid(client.app, address["job_id"])
    assert len(job.facts) == 1


async def test_accepted_means_that_kafka_has_the_fact(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm)
    await paid(client.app, address["job_id"])
    recording = await client.app[keys.RECORDINGS].get(address["id"])
    assert recording is not None
    assert recording.status is RecordingStatus.PROCESSING
    assert recording.content_type in ("video/webm", "video/x-matroska")
    stat = await client.app[keys.OBJECTS].stat(address["s3_key"])
    assert stat is not None
    assert recording.etag == stat.etag


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"filename", "file_size"}),
        ({"filename": "a.webm", "file_size": "12"}, {"file_size"}),
        ({"filename": "a.webm", "file_size": 0}, {"file_size"}),
        ({"filename": "/", "file_size": 5}, {"filename"}),
        ({"filename": 5, "file_size": 5, "fps": "many"}, {"filename", "fps"}),
        ({"filename": "a.webm", "file_size": 5, "project_id": "a/b"}, {"project_id"}),
        ({"filename": "a.webm", "file_size": 5, "has_microphone": "yes"}, {"has_microphone"}),
    ],
)
async def test_wrong_fields_are_named(ada: Person, fields: dict[str, Any], wrong: set[str]) -> None:
    await expect_problem(await ada.call("POST", REQUEST, json=fields), "invalid_field", *wrong)


async def test_more_than_is_allowed_is_refused_before_it_is_sent(ada: Person) -> None:
    response = await ada.call("POST", REQUEST, json={"filename": "a.webm", "file_size": 21 * 2**20})
    await expect_problem(response, "too_large")
    assert response.status == 413


async def test_nothing_was_put(ada: Person) -> None:
    response = await ada.complete(await ada.announce(10))
    await expect_problem(response, "object_missing")
    assert response.status == 409


async def test_another_size_was_put(ada: Person, webm: bytes) -> None:
    address = await ada.announce(len(webm) + 1)
    await put(address["upload_url"], webm)
    response = await ada.complete(address)
    await expect_problem(response, "size_mismatch")
    assert response.status == 409


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%PDF-1.7 renamed to webm", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"WEBVTT, but only text\n" * 10, "text"),
        (b"\0" * 100, "no type"),
    ],
)
async def test_what_is_no_media_is_refused_and_can_be_put_again(
    ada: Person, webm: bytes, content: bytes, name: str
) -> None:
    address = await ada.announce(len(content), filename="film.webm")
    await put(address["upload_url"], content)
    response = await ada.complete(address)
    assert name in (await expect_problem(response, "unsupported_media"))["detail"]
    assert response.status == 415
    assert (await ada.get(f"/api/v1/recordings/{address['id']}"))["status"] == "awaiting_upload"


async def test_an_empty_upload(ada: Person) -> None:
    address = await ada.announce(1)
    await put(address["upload_url"], b"")
    await expect_problem(await ada.complete(address), "size_mismatch")


async def test_a_key_that_is_not_the_recordings(ada: Person, webm: bytes) -> None:
    first, second = await ada.announce(len(webm)), await ada.announce(len(webm))
    response = await ada.complete(first, s3_key=second["s3_key"])
    await expect_problem(response, "invalid_field", "s3_key")


async def test_somebody_elses_and_no_recording_look_the_same(ada: Person, bob: Person) -> None:
    address = await ada.announce(10)
    for identifier in (address["id"], unknown(), "x"):
        response = await bob.complete(address | {"id": identifier})
        await expect_problem(response, "not_found")
        assert response.status == 404
