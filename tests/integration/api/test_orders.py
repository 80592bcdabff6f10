"""Work that somebody asks for: accepted, refused, listed, cancelled and set going again."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from api import keys
from schemas.jobs import Job, Status
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores import lifecycle
from tests.integration.api.people import (
    Person,
    advance,
    begun,
    completed,
    expect_problem,
    failed,
    first_fence,
    paid,
    unknown,
)
from tests.integration.api.test_recordings import transcribed
from tests.work import jobs_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = "/projects/website/jobs"


async def ended(client: TestClient, person: Person, webm: bytes, how: Any = failed) -> dict[str, Any]:
    """A recording of the project whose first job has come to its end."""
    address = await person.upload(webm, project_id="website")
    await advance(client.app, address["job_id"], how)
    return address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recording(client: TestClient, ada: Person, webm: bytes) -> str:
    """A recording with a transcript, and nothing at work on it."""
    address = await ended(client, ada, webm)
    await transcribed(client.app, address["id"], first_fence(address))
    return str(address["id"])


@pytest.mark.parametrize(
    ("job_type", "steps"),
    [
        ("ingest", ["audio", "render", "transcribe", "analyse"]),
        ("render", ["render"]),
        ("scene_detection", ["scenes"]),
        ("transcription", ["audio", "transcribe"]),
        ("analysis", ["analyse"]),
        ("export", ["export"]),
    ],
)
async def test_every_kind_of_work_can_be_asked_for(
    client: TestClient, ada: Person, recording: str, job_type: str, steps: list[str]
) -> None:
    response = await ada.ask(job_type, recording, JOBS, max_attempts=7, retry_delay_seconds=0.5)
    accepted = await response.json()
    job_id = accepted["id"]
    assert response.status == 202
    assert accepted == {
        "id": job_id,
        "job_id": job_id,
        "status": "queued",
        "job_type": job_type,
        "recording_id": recording,
    }
    shown = await ada.get(response.headers["Location"])
    assert shown == await ada.get(f"{JOBS}/{job_id}/")
    assert (shown["project_id"], shown["payload"]) == ("website", {"recording_id": recording})
    assert [(step["name"], step["max_attempts"]) for step in shown["steps"]] == [(name, 7) for name in steps]
    job = await paid(client.app, job_id)
    assert ([fact["type"] for fact in job.facts], job.retry_delay_seconds) == (["job.requested"], 0.5)
    await advance(client.app, job_id, completed)


async def test_a_new_ingestion_becomes_the_recordings_job(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ended(client, ada, webm)
    render = await ada.job("render", address["id"])
    path = f"/api/v1/recordings/{address['id']}"
    shown = await ada.get(path)
    assert (shown["job_id"], shown["status"]) == (address["job_id"], "failed")
    await advance(client.app, render, completed)
    job_id = await ada.job("ingest", address["id"])
    shown = await ada.get(path)
    assert (shown["job_id"], shown["status"], shown["error"]) == (job_id, "processing", None)
    await advance(client.app, job_id, completed)
    assert (await ada.get(path))["status"] == "completed"
    assert (await (await ada.complete(address)).json())["job_id"] == job_id


async def test_options_are_kept_and_what_nobody_knows_is_not(client: TestClient, ada: Person, recording: str) -> None:
    job_id = await ada.job("export", recording, payload={"include": ["video"], "$set": {"a.b": 1}, "note": "x" * 99})
    assert (await ada.get(f"/api/v1/jobs/{job_id}"))["payload"] == {"recording_id": recording, "include": ["video"]}
    await advance(client.app, job_id, completed)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"job_type", "payload"}),
        ({"job_type": "melt", "payload": {}}, {"job_type", "payload.recording_id"}),
        ({"job_type": "export", "payload": {"recording_id": "a/b"}}, {"payload.recording_id"}),
        ({"job_type": "export", "payload": {"recording_id": 5}}, {"payload.recording_id"}),
        ({"job_type": "export", "payload": {"recording_id": "x", "include": ["all"]}}, {"payload.include.0"}),
        ({"job_type": "scene_detection", "payload": {"recording_id": "x", "threshold": 0}}, {"payload.threshold"}),
        ({"job_type": "render", "payload": {"recording_id": "x"}, "max_attempts": 0}, {"max_attempts"}),
        ({"job_type": "render", "payload": {"recording_id": "x"}, "max_attempts": 21}, {"max_attempts"}),
        ({"job_type": "render", "payload": {"recording_id": "x"}, "max_attempts": "3"}, {"max_attempts"}),
        ({"job_type": "render", "payload": {"recording_id": "x"}, "retry_delay_seconds": -1}, {"retry_delay_seconds"}),
        (
            {"job_type": "render", "payload": {"recording_id": "x"}, "retry_delay_seconds": 3601},
            {"retry_delay_seconds"},
        ),
    ],
)
async def test_wrong_fields_are_named(ada: Person, body: dict[str, Any], fields: set[str]) -> None:
    await expect_problem(await ada.call("POST", JOBS, json=body), "invalid_field", *fields)


async def test_a_recording_that_is_not_there_is_named(ada: Person, bob: Person, recording: str) -> None:
    for person, path, recording_id in (
        (ada, JOBS, unknown()),
        (bob, JOBS, recording),
        (bob, "/api/v1/jobs", recording),
        (ada, "/projects/other/jobs", recording),
    ):
        response = await person.ask("export", recording_id, path)
        await expect_problem(response, "not_found", "payload.recording_id")
        assert response.status == 404
    await expect_problem(await ada.ask("export", recording, "/projects/a%20b/jobs"), "invalid_field", "project_id")


async def test_what_is_needed_and_not_there_yet_is_said(client: TestClient, ada: Person, webm: bytes) -> None:
    waiting = (await ada.announce(10, project_id="website"))["id"]
    for job_type in ("ingest", "transcription", "export"):
        await expect_problem(await ada.ask(job_type, waiting), "not_ready")
    address = await ended(client, ada, webm)
    await expect_problem(await ada.ask("analysis", address["id"]), "not_ready")
    await transcribed(client.app, address["id"], first_fence(address), whole=False)
    await expect_problem(await ada.ask("analysis", address["id"]), "not_ready")


async def test_what_is_under_way_is_not_done_twice(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm)
    for job_type in ("ingest", "render", "transcription"):
        problem = await expect_problem(await ada.ask(job_type, address["id"]), "job_running")
        assert (problem["status"], address["job_id"] in problem["detail"]) == (409, True)
    for job_type in ("scene_detection", "export"):
        await ada.job(job_type, address["id"])
        await expect_problem(await ada.ask(job_type, address["id"]), "job_running")


async def test_of_many_who_ask_at_once_one_is_served(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ended(client, ada, webm)
    answers = await asyncio.gather(*(ada.ask("transcription", address["id"]) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [202, 409, 409, 409, 409]
    jobs = await jobs_of(client.app[keys.JOBS], address["id"])
    assert [job.status for job in jobs if job.id != address["job_id"]] == [Status.QUEUED]


async def test_jobs_are_listed_newest_first_by_project_and_status(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-jobs")
    first = (await ended(client, eve, webm))["job_id"]
    second = (await eve.upload(webm, project_id="website"))["job_id"]
    third = (await eve.upload(webm))["job_id"]
    await advance(client.app, third, completed)

    async def listed(path: str, **query: Any) -> list[str]:
        return [entry["id"] for entry in (await eve.get(path, params=query))["items"]]

    assert await listed("/api/v1/jobs/") == [third, second, first]
    assert await listed(JOBS) == [second, first]
    assert await listed("/api/v1/jobs", project_id="website") == [second, first]
    assert await listed("/projects/other/jobs") == []
    assert await listed("/api/v1/jobs?status=failed&status=completed") == [third, first]
    assert await listed(f"{JOBS}?status=queued&status=completed") == [second]
    page = await eve.get("/api/v1/jobs", params={"limit": "2"})
    assert page["next_cursor"] == second
    assert await listed("/api/v1/jobs", limit="2", cursor=page["next_cursor"]) == [first]
    (entry,) = (await eve.get(JOBS, params={"cursor": second}))["items"]
    assert (entry["missing"], entry["error"]["code"]) == (
        ["audio", "render", "transcribe", "analyse"],
        "undecodable",
    )
    assert not {"logs", "results", "steps", "owner_id"} & set(entry)


async def test_nobody_else_sees_or_touches_a_job(ada: Person, bob: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm, project_id="website"))["job_id"]
    assert job_id not in [entry["id"] for entry in (await bob.get("/api/v1/jobs"))["items"]]
    places = (f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{unknown()}", f"{JOBS}/{job_id}")
    for person, places_of in ((bob, places), (ada, (f"/projects/other/jobs/{job_id}",))):
        for place in places_of:
            for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")):
                await expect_problem(await person.call(method, f"{place}{path}"), "not_found")


@pytest.mark.parametrize("path", ["/api/v1/jobs", JOBS])
async def test_a_cancelled_job_ends_at_once_for_its_watchers(
    client: TestClient, ada: Person, webm: bytes, path: str
) -> None:
    address = await ada.upload(webm, project_id="website")
    job_id = address["job_id"]
    await advance(client.app, job_id, begun)
    async with client.ws_connect(f"{path}/{job_id}/ws", headers=ada.headers) as ws:
        assert (await ws.receive_json(timeout=20))["status"] == "running"
        response = await ada.call("POST", f"{path}/{job_id}/cancel/")
        assert response.status == 200
        assert (await response.json())["status"] == "cancelled"
        assert (await ws.receive_json(timeout=2))["status"] == "cancelled"
    again = await ada.call("POST", f"{path}/{job_id}/cancel")
    assert (again.status, (await again.json())["status"]) == (200, "cancelled")
    shown = await ada.get(f"/api/v1/recordings/{address['id']}")
    assert (shown["status"], shown["error"]["code"]) == ("failed", "cancelled")


async def test_what_was_done_before_a_cancellation_stays(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = (await ada.upload(webm))["job_id"]

    def audio_done(job: Job) -> None:
        begun(job)
        step = job.steps[0]
        step.status, step.owner, step.lease_until = Status.COMPLETED, None, None

    await advance(client.app, job_id, audio_done)
    shown = await (await ada.call("POST", f"/api/v1/jobs/{job_id}/cancel")).json()
    assert (shown["delivered"], shown["missing"]) == (["audio"], ["render", "transcribe", "analyse"])


@pytest.mark.parametrize("how", [failed, completed])
async def test_what_has_ended_cannot_be_cancelled(client: TestClient, ada: Person, webm: bytes, how: Any) -> None:
    job_id = (await ended(client, ada, webm, how))["job_id"]
    response = await ada.call("POST", f"/api/v1/jobs/{job_id}/cancel")
    await expect_problem(response, "job_ended")
    assert response.status == 409


@pytest.mark.parametrize("path", ["/api/v1/jobs", JOBS])
async def test_a_failed_job_goes_on_where_it_failed(client: TestClient, ada: Person, webm: bytes, path: str) -> None:
    address = await ada.upload(webm, project_id="website")
    job_id = address["job_id"]

    def render_failed(job: Job) -> None:
        completed(job)
        step = job.step("render")
        step.status, step.attempt = Status.FAILED, 3
        lifecycle.cancel(job, now())

    await advance(client.app, job_id, render_failed)
    assert (await ada.get(f"/api/v1/jobs/{job_id}"))["missing"] == ["render"]
    response = await ada.call("POST", f"{path}/{job_id}/retry")
    assert response.status == 202
    accepted = await response.json()
    assert (accepted["id"], accepted["recording_id"]) == (job_id, address["id"])
    shown = await ada.get(f"/api/v1/jobs/{job_id}")
    assert {step["name"]: step["status"] for step in shown["steps"]} == {
        "audio": "completed",
        "render": "queued",
        "transcribe": "completed",
        "analyse": "completed",
    }
    assert (shown["missing"], shown["finished_at"]) == ([], None)
    job = await paid(client.app, job_id)
    (requested,) = (fact for fact in job.facts if fact["type"] == "job.requested")
    assert requested["steps"] == ["render"]
    recording = await client.app[keys.RECORDINGS].get(address["id"])
    assert recording is not None
    assert recording.status is RecordingStatus.PROCESSING


async def test_only_what_has_failed_or_was_cancelled_can_be_tried_again(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    running, done = (await ada.upload(webm))["job_id"], (await ended(client, ada, webm, completed))["job_id"]
    await expect_problem(await ada.call("POST", f"/api/v1/jobs/{running}/retry"), "job_running")
    await expect_problem(await ada.call("POST", f"/api/v1/jobs/{done}/retry"), "job_ended")
    await ada.call("POST", f"/api/v1/jobs/{running}/cancel")
    answers = await asyncio.gather(*(ada.call("POST", f"/api/v1/jobs/{running}/retry") for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [202, 409, 409]


async def test_a_job_is_not_tried_again_beside_another_that_does_the_same(
    client: TestClient, ada: Person, webm: bytes
) -> None:
    address = await ended(client, ada, webm)
    await ada.job("render", address["id"])
    await expect_problem(await ada.call("POST", f"/api/v1/jobs/{address['job_id']}/retry"), "job_running")


async def test_deleting_a_recording_takes_all_its_jobs(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ended(client, ada, webm)
    exporting = await ada.job("export", address["id"])
    async with client.ws_connect(f"/api/v1/jobs/{exporting}/ws", headers=ada.headers) as ws:
        await ws.receive_json(timeout=20)
        assert (await ada.call("DELETE", f"/api/v1/recordings/{address['id']}")).status == 204
        assert (await ws.receive_json(timeout=20))["status"] == "cancelled"
    assert await jobs_of(client.app[keys.JOBS], address["id"]) == []
    for job_id in (exporting, address["job_id"]):
        await expect_problem(await ada.call("GET", f"/api/v1/jobs/{job_id}"), "not_found")
    await expect_problem(await ada.ask("export", address["id"]), "not_found", "payload.recording_id")
