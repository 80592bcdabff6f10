"""Operators' commands on running stores, as they are typed."""

import asyncio
import json

import pytest

from deploy.cli import main
from schemas.events import DeadLetter, event_id
from schemas.ids import new_id
from schemas.jobs import AttemptRecord, Failure
from schemas.settings import Settings
from schemas.time import now
from schemas.topics import Topic
from schemas.workers import StageCondition, StageState, Worker
from stores import lifecycle
from stores.dead_letters import Place, unreadable
from stores.documents import connect, disconnect
from stores.jobs import Jobs
from stores.prepare import prepare
from stores.publisher import Publisher
from stores.workers import Workers
from tests.unit.stores.jobs import a_job, wake_of

WORDS = "3 attempts\x1b[2J"


@pytest.fixture
def settings(services, monkeypatch) -> Settings:
    """Those of the environment, which is that of the running stores, with a database of its own."""
    name = f"operate_{new_id().replace('-', '')}"
    for variable, value in {**services.environment(), "MONGODB_DATABASE": name, "S3_BUCKET": "operate"}.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    asyncio.run(prepare(settings))
    return settings


@pytest.fixture
def run(settings, capsys, monkeypatch):
    """Runs a command line; what it said, and in JSON where that was asked for. The log stays that of the tests."""
    monkeypatch.setattr("deploy.operate.settings.configure_logging", lambda _: None)

    def run(line: str, code: int = 0):
        capsys.readouterr()
        assert main(line.split()) == code
        said = capsys.readouterr()
        return said.err if code else json.loads(said.out) if "--json" in line else said.out

    return run


async def publish(settings: Settings, *letters: DeadLetter) -> None:
    async with Publisher(settings) as publisher:
        for letter in letters:
            await publisher.publish(letter)


async def failed_job(settings: Settings) -> str:
    database = connect(settings)
    job = await Jobs(database).create(a_job(at=now()))

    def fail(job):
        for name in ("audio", "render"):
            step = lifecycle.claim(job, name, wake_of(job, name), "one", 30, now())
            lifecycle.fail(job, name, step.fence, Failure(code="timeout", detail="Too slow."), now())

    await Jobs(database).change(job.id, fail)
    disconnect(database)
    return job.id


def about(job_id: str) -> DeadLetter:
    record = AttemptRecord(attempt=3, worker="box:7", ended_at=now(), code="timeout", detail="Too slow.")
    return DeadLetter(
        id=event_id("dead.letter", job_id),
        recording_id="r1",
        owner_id="ada",
        job_id=job_id,
        stage="audio",
        code="timeout",
        detail=WORDS,
        attempts=3,
        history=(record,),
        original_topic=Topic.UPLOADS,
        original={"type": "recording.uploaded", "source": "später"},
    )


def test_a_failed_job_is_found_looked_at_and_set_going(settings, run):
    job_id = asyncio.run(failed_job(settings))
    asyncio.run(publish(settings, about("another"), about(job_id)))
    first, second = run("dead-letters list --limit 2").splitlines()[1:3]
    number = first.split()[0]
    assert job_id in first
    assert "job another" in second
    older = run(f"dead-letters list --limit 1 --json --before {number}")
    assert older["items"][0]["job_id"] == "another"

    shown = run(f"dead-letters show {number}")
    assert all(text in shown for text in ("audio", "timeout: Too slow.", "attempt 3", "box:7", '"recording.uploaded"'))
    assert "\x1b" not in shown
    assert run(f"dead-letters show {number} --json")["detail"] == WORDS

    assert run(f"dead-letters replay {number}") == f"Job {job_id} goes on at its failed steps.\n"
    assert run(f"dead-letters replay {number}", 1).startswith("tidemark: not_replayable: ")


def test_a_message_is_sent_again(settings, run):
    asyncio.run(publish(settings, unreadable("audio", Place(Topic.EXPORTS, 0, 0), None, b"\xff{]", "No event.")))
    number = run("dead-letters list --limit 1 --json")["items"][0]["number"]
    assert "original in base64:" in run(f"dead-letters show {number}")
    assert run(f"dead-letters replay {number}") == "The message is on tidemark.exports again.\n"


def test_a_letter_that_is_not_there(run):
    for action in ("show", "replay"):
        assert run(f"dead-letters {action} 99999999", 1).startswith("tidemark: not_found: ")


def test_stages_are_listed_and_told_to_go_on(settings, run):
    async def work() -> None:
        database = connect(settings)
        states = {
            "render": StageState(slots=2, running=1),
            "transcribe": StageState(
                slots=2, running=0, state=StageCondition.STOPPED, since=now(), reason="timeout 12"
            ),
        }
        worker = Worker(id="box:7", host="box", pid=7, version="1", stages=states, started_at=now(), seen_at=now())
        await Workers(database).seen(worker)
        disconnect(database)

    asyncio.run(work())
    said = run("stages list")
    lines = {line.split()[0]: line.split() for line in said.splitlines()}
    assert lines["audio"][1:3] == ["no", "worker"]
    assert lines["render"][1] == "working"
    assert lines["render"][3:] == ["1", "of", "2", "0%", "box:7"]
    assert said.splitlines()[-1] == "transcribe: timeout 12"
    listed = {stage["stage"]: stage["stopped"] for stage in run("stages list --json")["items"]}
    assert (listed["transcribe"], listed["render"]) == (1, 0)
    assert run("stages resume transcribe --json")["stage"] == "transcribe"


def test_stores_that_are_away_are_a_sentence(run, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("MONGODB_URL", "mongodb://127.0.0.1:1")
    for command in ("dead-letters list", "stages list", "stages resume render"):
        assert run(command, 1).startswith("tidemark: store_unavailable: ")
