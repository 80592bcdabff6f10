"""Replaying dead letters: what goes on, what is sent again, and what is refused with a reason."""

import asyncio

import pytest

from schemas.jobs import Failure, Status
from schemas.letters import Letter
from schemas.problems import Problem
from schemas.time import now
from schemas.topics import Topic
from stores import lifecycle
from stores.errors import StoreUnavailable
from stores.jobs import Jobs
from stores.outbox import Outbox
from stores.recordings import Recordings
from stores.replay import Replay
from tests.unit.stores.jobs import a_job, wake_of
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.streams.fakes import FakePublisher

NUMBER = 4


class Publisher(FakePublisher):
    """Keeps raw values, too."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[tuple[Topic, str | None, bytes]] = []

    async def publish_raw(self, topic: Topic, key: str | None, value: bytes) -> None:
        if self.hung:
            await asyncio.Event().wait()
        if self.away:
            raise StoreUnavailable("event log", "it is away")
        self.raw.append((topic, key, value))


class Letters:
    """The one letter there is."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter

    async def get(self, number: int) -> Letter | None:
        return self.letter if number == self.letter.number else None


def a_letter(**fields) -> Letter:
    about = {"number": NUMBER, "at": now(), "code": "unreadable_event", "detail": "No event.", "original": "{]"}
    return Letter(**{**about, "original_topic": "tidemark.uploads", "original_key": "key", **fields})


class Bench:
    """A job whose audio step failed, and the letter about it."""

    def __init__(self) -> None:
        database = MemoryDatabase()
        self.jobs, self.publisher = Jobs(database), Publisher()
        self.outbox = Outbox(self.jobs, Recordings(database), self.publisher, pause=0)

    def replay(self, letter: Letter) -> Replay:
        return Replay(Letters(letter), self.jobs, self.outbox, self.publisher)

    async def failed_job(self):
        job = a_job(at=now())
        await self.jobs.create(job)
        failure = Failure(code="timeout", detail="Too slow.")

        def fail(job):
            for name in ("audio", "render"):
                step = lifecycle.claim(job, name, wake_of(job, name), "one", 30, now())
                lifecycle.fail(job, name, step.fence, failure, now())

        return (await self.jobs.change(job.id, fail))[0]


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def refused(replay: Replay, number: int = NUMBER) -> tuple[str, str]:
    with pytest.raises(Problem) as refusal:
        await replay.replay(number)
    return refusal.value.entry.code, refusal.value.detail


async def test_a_failed_job_goes_on_and_those_who_wait_are_told(bench):
    job = await bench.failed_job()
    replayed = await bench.replay(a_letter(job_id=job.id, code="timeout")).replay(NUMBER)
    assert (replayed.number, replayed.job_id, replayed.topic) == (NUMBER, job.id, None)
    assert (await bench.jobs.get(job.id)).step("audio").status is Status.QUEUED
    assert "job.requested" in bench.publisher.types()
    assert bench.publisher.raw == []


async def test_a_repeat_is_refused_with_a_reason(bench):
    job = await bench.failed_job()
    replay = bench.replay(a_letter(job_id=job.id))
    await replay.replay(NUMBER)
    before = await bench.jobs.get(job.id)
    code, detail = await refused(replay)
    assert code == "not_replayable"
    assert before.status in detail
    assert await bench.jobs.get(job.id) == before


async def test_a_job_that_is_gone_is_told(bench):
    assert (await refused(bench.replay(a_letter(job_id="gone"))))[0] == "not_replayable"


async def test_a_job_goes_on_although_kafka_is_away(bench):
    job = await bench.failed_job()
    bench.publisher.away = True
    await bench.replay(a_letter(job_id=job.id)).replay(NUMBER)
    stored = await bench.jobs.get(job.id)
    assert stored.outbox
    assert stored.sweep_at is not None, "a sweeper pays what it owes"


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"original": "{]"}, b"{]"),
        ({"original": "//4=", "encoding": "base64"}, b"\xff\xfe"),
        ({"original": "später"}, "später".encode()),
        ({"original": ""}, b""),
    ],
)
async def test_a_message_goes_to_its_topic_again_as_it_was(bench, fields, value):
    replayed = await bench.replay(a_letter(**fields)).replay(NUMBER)
    assert (replayed.number, replayed.job_id, replayed.topic) == (NUMBER, None, "tidemark.uploads")
    assert bench.publisher.raw == [(Topic.UPLOADS, "key", value)]


@pytest.mark.parametrize("topic", [None, "", "tidemark.dead-letters", "somebody-elses", "TIDEMARK.UPLOADS"])
async def test_nothing_goes_to_a_topic_that_is_not_ours_or_holds_dead_letters(bench, topic):
    assert (await refused(bench.replay(a_letter(original_topic=topic))))[0] == "not_replayable"
    assert bench.publisher.raw == []


async def test_a_message_that_was_cut_is_not_sent(bench):
    assert (await refused(bench.replay(a_letter(cut=True))))[0] == "original_cut"
    assert bench.publisher.raw == []


async def test_a_number_that_is_not_there(bench):
    assert (await refused(bench.replay(a_letter()), 5))[0] == "not_found"


@pytest.mark.parametrize("how", ["away", "hung"])
async def test_kafka_that_is_away_or_hangs_is_an_error(bench, monkeypatch, how):
    monkeypatch.setattr("stores.errors.PROMPTLY_SECONDS", 0.05)
    setattr(bench.publisher, how, True)
    with pytest.raises(StoreUnavailable):
        await bench.replay(a_letter()).replay(NUMBER)
