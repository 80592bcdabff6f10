"""What administrators can do: dead letters and stopped stages; and that others learn nothing of it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from api.routes import ROUTES
from schemas.events import UNKNOWN, DeadLetter, event_id
from schemas.jobs import Failure
from schemas.pipeline import STAGE_NAMES
from schemas.settings import Settings
from schemas.time import now
from schemas.topics import Topic
from schemas.workers import StageCondition, StageState, Worker
from stores import lifecycle
from stores.dead_letters import Place, unreadable
from stores.publisher import Publisher
from tests.integration.api.people import Person, advance, expect_problem, until_ready
from tests.unit.stores.jobs import wake_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

LETTERS, STAGES = "/api/v1/admin/dead-letters", "/api/v1/admin/stages"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def root(settings: Settings, ada: Person) -> AsyncIterator[Person]:
    """Ada, as an application sees her that has her among its administrators."""
    own = settings.model_copy(update={"admin_user_ids": f"somebody, {ada.user['id']}"})
    async with TestClient(TestServer(make_app(own))) as client:
        await until_ready(client)
        yield Person(client, ada.user, ada.tokens)


@pytest.fixture
def publisher(root: Person) -> Publisher:
    return root.client.app[keys.PUBLISHER]


def about(job_id: str, detail: str = "It did not answer.") -> DeadLetter:
    return DeadLetter(
        id=event_id("dead.letter", job_id),
        recording_id="r1",
        owner_id="ada",
        job_id=job_id,
        stage="audio",
        code="provider_unavailable",
        detail=detail,
        attempts=3,
        original_topic=Topic.UPLOADS,
        original={"type": "recording.uploaded"},
    )


def _addresses() -> list[tuple[str, str]]:
    paths = [(route.method, route.path) for route in ROUTES if "/admin" in route.path]
    named = {"number": 0, "stage": "render", "id": "1", "owner_id": "1", "course_id": "1", "project_id": "1"}
    return [(method, path.format(**named)) for method, path in paths]


@pytest.mark.parametrize(("method", "path"), _addresses())
async def test_others_learn_nothing(root: Person, bob: Person, method: str, path: str) -> None:
    await expect_problem(await root.client.request(method, path), "not_signed_in")
    other = Person(root.client, bob.user, bob.tokens)
    await expect_problem(await other.call(method, path), "forbidden")
    cookie = {"Cookie": f"__session={root.tokens['access']}", "Origin": "https://evil.example"}
    if method != "GET":
        await expect_problem(await root.client.request(method, path, headers=cookie), "origin_refused")


async def test_without_administrators_nobody_is_one(ada: Person) -> None:
    await expect_problem(await ada.call("GET", LETTERS), "forbidden")


async def test_letters_come_newest_first_in_pages(root: Person, publisher: Publisher) -> None:
    for number in range(5):
        await publisher.publish(about(f"job-{number}"))
    first = await root.get(LETTERS, params={"limit": 2})
    second = await root.get(LETTERS, params={"limit": 2, "cursor": first["next_cursor"]})
    assert [letter["job_id"] for letter in first["items"] + second["items"]] == ["job-4", "job-3", "job-2", "job-1"]
    assert first["next_cursor"] == str(first["items"][-1]["number"])
    last = await root.get(LETTERS, params={"cursor": "1"})
    assert ([letter["number"] for letter in last["items"]], last["next_cursor"]) == ([0], None)


async def test_a_letter_is_shown_whole(root: Person, publisher: Publisher) -> None:
    letter = about("job-whole")
    await publisher.publish(letter)
    number = (await root.get(LETTERS, params={"limit": 1}))["items"][0]["number"]
    shown = await root.get(f"{LETTERS}/{number}/")
    assert (shown["job_id"], shown["original"], shown["detail"]) == ("job-whole", letter.original, letter.detail)
    assert UNKNOWN not in str(shown)


@pytest.mark.parametrize("number", ["999999999999", "x", "-1", "1" * 30, "²"])
async def test_a_number_that_is_none(root: Person, number: str) -> None:
    await expect_problem(await root.call("GET", f"{LETTERS}/{number}"), "not_found")
    await expect_problem(await root.call("POST", f"{LETTERS}/{number}/replay"), "not_found")


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 30, "1.5"])
async def test_a_cursor_that_is_none(root: Person, cursor: str) -> None:
    await expect_problem(await root.call("GET", LETTERS, params={"cursor": cursor}), "invalid_field", "cursor")


async def test_a_failed_job_is_set_going_once(root: Person, publisher: Publisher, webm: bytes) -> None:
    job_id = (await root.upload(webm))["job_id"]

    def fail(job):
        for name in ("audio", "render"):
            step = lifecycle.claim(job, name, wake_of(job, name), "one", 30, now())
            lifecycle.fail(job, name, step.fence, Failure(code="timeout", detail="Too slow."), now())

    await advance(root.client.app, job_id, fail)
    await publisher.publish(about(job_id))
    number = (await root.get(LETTERS, params={"limit": 1}))["items"][0]["number"]
    replayed = await root.call("POST", f"{LETTERS}/{number}/replay")
    assert replayed.status == 202
    assert await replayed.json() == {"number": number, "job_id": job_id, "topic": None}
    again = await expect_problem(await root.call("POST", f"{LETTERS}/{number}/replay"), "not_replayable")
    assert "running" in again["detail"]
    assert (await root.get(f"/api/v1/jobs/{job_id}"))["status"] == "running"


async def test_a_message_goes_to_its_topic_again(root: Person, publisher: Publisher) -> None:
    await publisher.publish(unreadable("audio", Place(Topic.EXPORTS, 0, 0), b"k", b"\xff{]", "Nobody can read it."))
    await publisher.publish(unreadable("audio", Place(Topic.EXPORTS, 0, 1), b"k", b"x" * 70_000, "Nobody can."))
    cut, whole = (await root.get(LETTERS, params={"limit": 2}))["items"]
    replayed = await root.call("POST", f"{LETTERS}/{whole['number']}/replay")
    assert await replayed.json() == {"number": whole["number"], "job_id": None, "topic": "tidemark.exports"}
    assert cut["cut"]
    await expect_problem(await root.call("POST", f"{LETTERS}/{cut['number']}/replay"), "original_cut")


async def beat(root: Person, name: str, **stages: StageState) -> Worker:
    """A worker says how it is."""
    worker = Worker(id=name, host="box", pid=1, version="1", stages=stages, started_at=now(), seen_at=now())
    await root.client.app[keys.WORKERS].seen(worker)
    return worker


async def test_stages_and_health_say_who_works_and_what_is_stopped(root: Person) -> None:
    stopped = StageState(slots=2, running=0, state=StageCondition.STOPPED, since=now(), reason="timeout 12.")
    working = StageState(slots=2, running=1)
    await beat(root, "one", **dict.fromkeys(STAGE_NAMES, working))
    await beat(root, "two", render=stopped)
    listed = {stage["stage"]: stage for stage in (await root.get(STAGES))["items"]}
    assert [worker["worker"] for worker in listed["render"]["workers"]] == ["one", "two"]
    assert (listed["render"]["stopped"], listed["audio"]["stopped"]) == (1, 0)
    health = await root.get("/health")
    part = next(part for part in health["parts"] if part["name"] == "workers")
    assert (health["status"], part["ok"]) == ("degraded", False)
    assert part["detail"] == "«render» is stopped in 1 of 2 workers."
    told = {stage["stage"]: stage for stage in part["stages"]}
    assert told["render"] == {"stage": "render", "workers": 2, "stopped": 1, "reason": "timeout 12."}
    assert "box" not in str(part)
    assert (await root.client.get("/health/ready")).status == 200


async def test_a_stage_is_told_to_go_on(root: Person) -> None:
    answer = await root.call("POST", f"{STAGES}/render/resume/")
    assert answer.status == 202
    told = await root.client.app[keys.WORKERS].resumed()
    assert timedelta(0) <= now() - told["render"] < timedelta(seconds=30)
    assert (await answer.json())["stage"] == "render"
    await expect_problem(await root.call("POST", f"{STAGES}/fly/resume"), "not_found")
