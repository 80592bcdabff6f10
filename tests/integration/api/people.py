"""People who use the API in tests, and the pipeline that the tests play themselves."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from api import keys
from schemas.events import Event, ScenesDetected, event_id
from schemas.ids import new_id
from schemas.jobs import Failure, Job, Status
from schemas.time import now
from stores import lifecycle

PASSWORD = "correct horse battery"


async def until_ready(client: TestClient, seconds: float = 30) -> None:
    """Returns when /health/ready answers 200."""
    async with asyncio.timeout(seconds):
        while (await client.get("/health/ready")).status != 200:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.1)


async def expect_problem(response: ClientResponse, code: str, *fields: str) -> dict[str, Any]:
    """The body of an answer that must be that problem, and name those fields."""
    body: dict[str, Any] = await response.json(content_type="application/problem+json")
    assert body["code"] == code, body
    assert body["status"] == response.status
    assert body["instance"] == response.headers["X-Request-ID"]
    assert {entry["field"] for entry in body.get("errors", ())} == set(fields)
    return body


class Person:
    """Somebody who is signed in."""

    def __init__(self, client: TestClient, user: dict[str, Any], tokens: dict[str, Any]) -> None:
        self.client = client
        self.user = user
        self.tokens = tokens
        self.headers = {"Authorization": f"Bearer {tokens['access']}"}

    @classmethod
    async def register(cls, client: TestClient, name: str, password: str = PASSWORD) -> "Person":
        """A new account, logged in."""
        fields = {"username": name, "email": f"{name}@example.org", "password": password}
        made = await client.post("/api/v1/auth/register", json=fields)
        assert made.status == 201, await made.text()
        answer = await client.post("/api/token/", json={"username": name, "password": password})
        assert answer.status == 200
        return cls(client, await made.json(), await answer.json())

    async def call(self, method: str, path: str, **options: Any) -> ClientResponse:
        """A request with the bearer header."""
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        """The JSON of a GET that must succeed."""
        response = await self.call("GET", path, **options)
        assert response.status == 200, await response.text()
        return await response.json()

    async def announce(self, size: int, **fields: Any) -> dict[str, Any]:
        """An address to upload to."""
        body = {"filename": "talk.webm", "file_size": size, **fields}
        response = await self.call("POST", "/api/v1/recordings/request-upload/", json=body)
        assert response.status == 201, await response.text()
        address: dict[str, Any] = await response.json()
        return address

    async def complete(self, address: dict[str, Any], **fields: Any) -> ClientResponse:
        """Says that the upload is there."""
        body = {"s3_key": address["s3_key"], **fields}
        return await self.call("POST", f"/api/v1/recordings/{address['id']}/upload-complete/", json=body)

    async def upload(self, content: bytes, **fields: Any) -> dict[str, Any]:
        """A recording whose processing was accepted."""
        address = await self.announce(len(content), **fields)
        await put(address["upload_url"], content)
        response = await self.complete(address)
        assert response.status == 202, await response.text()
        return address

    async def send_video(self, content: Any, project: str = "website", filename: str = "talk.webm") -> ClientResponse:
        """A multipart upload."""
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("note", "kept out")
        form.add_field("file", content, filename=filename, content_type="video/webm")
        return await self.call("POST", f"/projects/{project}/videos", data=form)

    async def ask(self, job_type: str, recording_id: str, path: str = "/api/v1/jobs", **fields: Any) -> ClientResponse:
        """Asks for work on a recording. A `payload` is added to what names the recording."""
        payload = {"recording_id": recording_id, **fields.pop("payload", {})}
        return await self.call("POST", path, json={"job_type": job_type, "payload": payload, **fields})

    async def job(self, job_type: str, recording_id: str, path: str = "/api/v1/jobs", **fields: Any) -> str:
        """The id of a job that was accepted."""
        response = await self.ask(job_type, recording_id, path, **fields)
        assert response.status == 202, await response.text()
        accepted = await response.json()
        assert response.headers["Location"] == f"/api/v1/jobs/{accepted['id']}"
        return str(accepted["id"])


async def put(url: str, content: bytes) -> None:
    """What a client does with an address: puts the bytes there, straight into the object store."""
    async with aiohttp.ClientSession() as session, session.put(url, data=io.BytesIO(content)) as response:
        assert response.status == 200, await response.text()


async def advance(app: web.Application, job_id: str, transition: Callable[[Job], object]) -> Job:
    """Does what a worker does: changes the job, and tells its watchers."""
    job, _ = await app[keys.JOBS].change(job_id, transition)
    await app[keys.OUTBOX].settle(job)
    if transition is begun:  # a claim owes no news: whoever claims tells the newest state
        await app[keys.OUTBOX].announce(job)
    return job


async def paid(app: web.Application, job_id: str) -> Job:
    """The job, once Kafka is known to have every fact of it."""
    async with asyncio.timeout(10):
        job = await app[keys.JOBS].get(job_id)
        while job is None or job.outbox or job.announce:
            await asyncio.sleep(0.05)
            job = await app[keys.JOBS].get(job_id)
    return job


def begun(job: Job) -> None:
    """A transition: the first step has been claimed."""
    lifecycle.claim(job, job.steps[0].name, job.facts[0]["id"], "test", 60, now())


def reported(percent: float) -> Callable[[Job], None]:
    """A transition: the first step has got so far, and its watchers are to be told."""

    def report(job: Job) -> None:
        lifecycle.report(job, job.steps[0].name, job.steps[0].fence, percent, {}, now())
        job.announce = True

    return report


def completed(job: Job) -> None:
    """A transition: every step has its result."""
    for step in job.steps:
        if step.status is Status.QUEUED:
            lifecycle.claim(job, step.name, job.facts[0]["id"], "test", 60, now())
        if step.status is Status.RUNNING:
            lifecycle.complete(job, step.name, step.fence, {step.name: "done"}, _result(job, step.name), now())


def _result(job: Job, stage: str) -> Event:
    """A fact for the end of a step; which one does not matter here."""
    return ScenesDetected(
        id=event_id("scenes.detected", job.id, stage),
        recording_id=job.recording_id,
        owner_id=job.owner_id,
        job_id=job.id,
        scenes=1,
    )


def failed(job: Job) -> None:
    """A transition: every step that can run has failed."""
    for step in job.steps:
        if step.status is Status.QUEUED:
            lifecycle.claim(job, step.name, job.facts[0]["id"], "test", 60, now())
        if step.status is Status.RUNNING:
            failure = Failure(code="undecodable", detail="Nothing in the file could be decoded.")
            lifecycle.fail(job, step.name, step.fence, failure, now())


def first_fence(address: dict[str, Any]) -> str:
    """The fence of the first claim of an upload's job."""
    return f"{address['job_id']}/00000001"


def unknown() -> str:
    """An id that nothing has."""
    return new_id()
