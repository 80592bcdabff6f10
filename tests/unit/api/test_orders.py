"""Work that two ask for at the same moment is done once, and none is made for what is deleted meanwhile."""

import asyncio
import json
from collections.abc import Callable

import pytest
from aiohttp import web

from api import keys, orders
from api.metrics import Metrics
from api.orders import order, resume, stop
from api.progress import Progress
from schemas.jobs import Job, Status
from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.requests import JobRequest
from schemas.time import now
from stores import lifecycle
from stores.jobs import Jobs
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.streams.fakes import World
from tests.work import jobs_of


class Gate:
    """What one new job waits at on its way into the store: `reached` by it, opened by `go`, `passed` once stored."""

    def __init__(self) -> None:
        self.reached, self.go, self.passed = asyncio.Event(), asyncio.Event(), asyncio.Event()


class Gated(Jobs):
    """A repository with a gate for the next new job, where one is set."""

    gate: Gate | None = None

    async def create(self, job: Job) -> Job:
        gate, self.gate = self.gate, None
        if gate is None:
            return await super().create(job)
        gate.reached.set()
        await gate.go.wait()
        created = await super().create(job)
        gate.passed.set()
        return created


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def app(world: World) -> web.Application:
    app = web.Application()
    app[keys.SETTINGS] = world.settings
    app[keys.JOBS] = Gated(world.database)
    app[keys.RECORDINGS] = world.resources.recordings
    app[keys.TRANSCRIPTS] = world.resources.transcripts
    app[keys.OUTBOX] = world.resources.outbox
    app[keys.PROGRESS] = Progress(world.settings, app[keys.JOBS], Metrics())
    return app


@pytest.fixture
async def recording(world: World) -> Recording:
    recording = a_recording()
    await world.resources.recordings.create(recording)
    return recording


def asked(recording: Recording, job_type: str = "render") -> JobRequest:
    return JobRequest.model_validate({"job_type": job_type, "payload": {"recording_id": recording.id}})


async def refusal(making: asyncio.Task[Job]) -> str:
    with pytest.raises(Problem) as caught:
        await making
    return caught.value.entry.code


def gated(app: web.Application) -> Gate:
    jobs, gate = app[keys.JOBS], Gate()
    assert isinstance(jobs, Gated)
    jobs.gate = gate
    return gate


async def test_the_younger_of_two_withdraws(app: web.Application, recording: Recording) -> None:
    """The older is stored while the younger, which has seen nobody, is on its way into the store."""
    gate = gated(app)
    first = a_render(recording)
    younger = asyncio.create_task(order(app, recording, asked(recording)))
    await gate.reached.wait()
    await put(app, recording, first)
    gate.go.set()
    assert await refusal(younger) == "job_running"
    assert [job.id for job in await jobs_of(app[keys.JOBS], recording.id)] == [first.id]


async def test_the_older_stays_when_the_younger_withdraws(app: web.Application, recording: Recording) -> None:
    gate = gated(app)
    older = asyncio.create_task(order(app, recording, asked(recording)))
    await gate.reached.wait()
    younger = a_render(recording)
    await put(app, recording, younger)
    gate.go.set()
    await gate.passed.wait()
    await app[keys.JOBS].delete(younger.id)
    job = await older
    assert [job.id for job in await jobs_of(app[keys.JOBS], recording.id)] == [job.id]


async def test_the_older_withdraws_when_the_younger_has_not_seen_it(
    app: web.Application, recording: Recording, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_YOUNGER_SECONDS", 0.01)
    gate = gated(app)
    older = asyncio.create_task(order(app, recording, asked(recording)))
    await gate.reached.wait()
    younger = await order(app, recording, asked(recording))
    gate.go.set()
    assert await refusal(older) == "job_running"
    assert [job.id for job in await jobs_of(app[keys.JOBS], recording.id)] == [younger.id]
    assert world.publisher.types() == ["job.requested"]


async def test_no_job_is_left_of_a_recording_whose_original_went_meanwhile(
    app: web.Application, recording: Recording, world: World
) -> None:
    gate = gated(app)
    making = asyncio.create_task(order(app, recording, asked(recording)))
    await gate.reached.wait()
    noted = await app[keys.RECORDINGS].get(recording.id)
    assert noted is not None
    assert await app[keys.RECORDINGS].expire(noted, originals=True, renditions=False)
    gate.go.set()
    assert await refusal(making) == "original_expired"
    assert await jobs_of(app[keys.JOBS], recording.id) == []
    assert world.publisher.events == []


async def test_retention_that_has_not_seen_a_job_finds_its_recording_changed(
    app: web.Application, recording: Recording
) -> None:
    gate = gated(app)
    making = asyncio.create_task(order(app, recording, asked(recording)))
    await gate.reached.wait()
    noted = await app[keys.RECORDINGS].get(recording.id)
    assert noted is not None
    gate.go.set()
    await making
    assert await app[keys.RECORDINGS].expire(noted, originals=True, renditions=False) is None


@pytest.mark.parametrize("job_type", ["ingest", "export"])
async def test_no_job_is_left_of_a_recording_that_was_deleted_meanwhile(
    app: web.Application, recording: Recording, world: World, job_type: str
) -> None:
    gate = gated(app)
    making = asyncio.create_task(order(app, recording, asked(recording, job_type)))
    await gate.reached.wait()
    await app[keys.RECORDINGS].mark_deleted(recording)
    gate.go.set()
    assert await refusal(making) == "not_found"
    assert await jobs_of(app[keys.JOBS], recording.id) == []
    assert world.publisher.events == []


async def test_a_job_whose_recording_is_being_deleted_is_not_set_going_again(
    app: web.Application, recording: Recording
) -> None:
    job = await put(app, recording, a_job(recording))
    job = await stop(app, job)
    await app[keys.RECORDINGS].mark_deleted(recording)
    assert await refusal(asyncio.create_task(resume(app, job))) == "not_found"
    stored = await app[keys.JOBS].get(job.id)
    assert stored is not None
    assert stored.status is Status.CANCELLED


@pytest.mark.parametrize("act", [stop, resume])
async def test_a_job_that_is_gone_meanwhile_is_not_found(
    app: web.Application, recording: Recording, act: Callable[..., asyncio.Future[Job]]
) -> None:
    job = await put(app, recording, a_job(recording))
    if act is resume:
        job = await stop(app, job)
    await app[keys.JOBS].delete(job.id)
    assert await refusal(asyncio.ensure_future(act(app, job))) == "not_found"


async def test_a_job_that_completes_just_before_it_is_cancelled_stays_completed(
    app: web.Application, recording: Recording
) -> None:
    known = await put(app, recording, a_render(recording))

    def complete(job: Job) -> None:
        for step in job.steps:
            step.status = Status.COMPLETED
        job.status = Status.COMPLETED

    await app[keys.JOBS].change(known.id, complete)
    assert await refusal(asyncio.create_task(stop(app, known))) == "job_ended"
    stored = await app[keys.JOBS].get(known.id)
    assert stored is not None
    assert stored.status is Status.COMPLETED


async def test_whoever_watches_here_sees_a_cancellation_and_a_retry_without_kafka(
    app: web.Application, recording: Recording, world: World
) -> None:
    world.publisher.away = True
    job = await put(app, recording, a_render(recording))
    with app[keys.PROGRESS].subscribed(job.id) as slot:
        for act, status in ((stop, "cancelled"), (resume, "queued")):
            job = await act(app, job)
            frame = await slot.take(1)
            assert frame is not None
            assert json.loads(frame.body)["status"] == status


async def test_while_kafka_is_away_work_is_accepted_and_owed(
    app: web.Application, recording: Recording, world: World
) -> None:
    world.publisher.away = True
    job = await order(app, recording, asked(recording))
    stored = await app[keys.JOBS].get(job.id)
    assert stored is not None
    assert stored.outbox == [fact["id"] for fact in stored.facts]
    assert stored.sweep_at is not None


async def test_a_recording_gets_no_more_jobs_than_it_can_be_deleted_with(
    app: web.Application, recording: Recording, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However soon each of them is cancelled, which the end of the queue does not see."""
    monkeypatch.setattr(orders, "_MOST_JOBS", 4)
    for _ in range(3):
        await stop(app, await order(app, await stored(app, recording), asked(recording, "export")))
    before = await stored(app, recording)
    assert await refusal(asyncio.create_task(order(app, before, asked(recording, "export")))) == "too_many_jobs"
    assert await stored(app, recording) == before
    last = (await jobs_of(app[keys.JOBS], recording.id))[-1]
    assert (await resume(app, last)).status is Status.QUEUED


async def stored(app: web.Application, recording: Recording) -> Recording:
    found = await app[keys.RECORDINGS].get(recording.id)
    assert found is not None
    return found


async def put(app: web.Application, recording: Recording, job: Job) -> Job:
    await app[keys.RECORDINGS].note_job(recording, job.id)
    return await app[keys.JOBS].create(job)


def a_render(recording: Recording) -> Job:
    body = asked(recording)
    return lifecycle.requested_job(recording, body.job_type, {"recording_id": recording.id}, 3, None, now())
