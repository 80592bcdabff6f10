"""The runner: messages in fair order; a slot, then the claim, then the acknowledgement, then the work."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from schemas.events import read_event
from schemas.jobs import Status
from schemas.time import now
from stores import lifecycle
from stores.dead_letters import original_bytes
from stores.errors import StoreUnavailable
from streams.runner import Runner
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.streams.fakes import NO_INTELLIGENCE, Inbox, Providers, World, eventually, many_turns, outcome, stage_of


class Bench:
    """A runner at work on an inbox. Its stage waits for `go` and notes what it did."""

    def __init__(self, slots: int = 1, perform=None, **settings) -> None:
        self.world = World(worker_concurrency=slots, **settings)
        self.inbox = Inbox()
        self.go = asyncio.Event()
        self.running: list[str] = []
        self.done: list[str] = []
        self.most = 0
        self.runner = Runner(stage_of(perform or self.perform), self.world.resources, NO_INTELLIGENCE, "one")

    async def perform(self, ctx, event):
        self.running.append(ctx.job_id)
        self.most = max(self.most, len(self.running))
        try:
            await self.go.wait()
            self.done.append(ctx.job_id)
            return outcome(await ctx.job())
        finally:
            self.running.remove(ctx.job_id)

    async def job(self, **of):
        """A stored job whose message is in the inbox."""
        job = await self.world.resources.jobs.create(a_job(at=now(), **of))
        self.inbox.put(read_event(job.facts[0]))
        return job

    async def status(self, job) -> Status:
        return (await self.world.step(job)).status

    async def ended(self, job):
        await eventually(lambda: self._is(job, Status.COMPLETED))

    async def _is(self, job, status):
        return await self.status(job) is status


@contextlib.asynccontextmanager
async def working(bench: Bench):
    consuming = asyncio.create_task(bench.runner.consume(bench.inbox.messages(), bench.inbox.ack))
    try:
        yield bench
        assert not consuming.done(), "the stage has ended by itself"
    finally:
        consuming.cancel()
        await asyncio.wait([consuming])
        await bench.runner.close()


async def test_a_message_is_claimed_and_acknowledged_only_when_a_slot_is_free():
    async with working(Bench(slots=2)) as bench:
        jobs = [await bench.job() for _ in range(5)]
        await eventually(lambda: len(bench.running) == 2)
        await many_turns()
        assert (bench.inbox.taken, bench.inbox.acked) == (5, [0, 1])
        assert await bench.status(jobs[2]) is Status.QUEUED
        assert bench.runner.waiting_since == min(read_event(job.facts[0]).occurred_at for job in jobs[2:])
        bench.go.set()
        for job in jobs:
            await bench.ended(job)
        assert bench.runner.waiting_since is None
        assert bench.most == 2
        assert bench.inbox.acked == [0, 1, 2, 3, 4]


async def test_the_message_is_acknowledged_after_the_claim_and_before_the_work_ends():
    bench = Bench()
    seen = []

    async def ack(message):
        seen.append(await bench.status(job))

    bench.inbox.ack = ack
    job = await bench.job()
    async with working(bench):
        await eventually(lambda: bench.running)
        await eventually(lambda: seen)
        assert seen == [Status.RUNNING]
        assert bench.done == []
        bench.go.set()
        await bench.ended(job)


@pytest.mark.parametrize("ready", [True, False])
async def test_idle_children_wait_for_work_only_where_the_stage_is_to_be_ready(ready):
    warmed = []

    class Intelligence(Providers):
        async def warm(self) -> None:
            warmed.append(self)

    stage = replace(stage_of(None), ready=ready)
    await Runner(stage, World().resources, Intelligence(), "one").joined()
    assert len(warmed) == ready


async def test_a_completed_step_leaves_its_results_and_its_fact():
    async with working(Bench()) as bench:
        bench.go.set()
        job = await bench.job()
        await bench.ended(job)
        await eventually(lambda: "audio.extracted" in bench.world.publisher.types())
        stored = await eventually(lambda: bench.world.resources.jobs.get(job.id))
        assert stored.results == {"audio": "done"}


async def test_a_refused_claim_is_acknowledged_and_frees_its_slot():
    async with working(Bench()) as bench:
        bench.go.set()
        cancelled = await bench.world.resources.jobs.create(a_job())
        await bench.world.resources.jobs.change(cancelled.id, lambda job: lifecycle.cancel(job, now()))
        bench.inbox.put(read_event(cancelled.facts[0]))
        unknown = a_job()
        bench.inbox.put(read_event(unknown.facts[0]))
        job = await bench.job()
        bench.inbox.put(read_event(job.facts[0]))
        await eventually(lambda: bench.inbox.acked == [0, 1, 2, 3])
        await bench.ended(job)
        assert bench.done == [job.id]


async def test_a_fact_of_a_job_without_the_step_is_acknowledged_and_is_no_error():
    """Facts wake by their type: what a job transcribes wakes `analyse`, which a job of transcription does not have."""
    with capture_logs() as lines:
        async with working(Bench()) as bench:
            bench.go.set()
            other = await bench.world.resources.jobs.create(a_job())
            await bench.world.resources.jobs.change(other.id, lambda job: job.steps.remove(job.step("audio")))
            bench.inbox.put(read_event(other.facts[0]))
            await bench.ended(await bench.job())
            assert bench.inbox.acked == [0, 1]
    assert not [line for line in lines if line["log_level"] == "error"]


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"{}", b"[" * 5000, b'{"type": "recording.melted"}'])
async def test_a_message_that_nobody_can_read_goes_to_the_dead_letters(value):
    async with working(Bench()) as bench:
        bench.go.set()
        bench.inbox.put(value)
        job = await bench.job()
        await bench.ended(job)
        letter = bench.world.publisher.events[0]
        assert (letter.type, letter.code, letter.stage) == ("dead.letter", "unreadable_event", "audio")
        assert (original_bytes(letter), letter.original_key, letter.cut) == (value or b"", "key", False)
        assert (letter.original_topic, bench.inbox.acked) == ("tidemark.uploads", [0, 1])


async def test_a_dead_letter_fits_into_a_message_whatever_it_is_about():
    """A megabyte of broken bytes is three when it is written as JSON: Kafka would refuse it for ever."""
    async with working(Bench()) as bench:
        bench.inbox.put(b"\xff" * 1_000_000)
        letter = await eventually(lambda: bench.world.publisher.events and bench.world.publisher.events[0])
        assert len(letter.model_dump_json().encode()) < 500_000
        assert letter.cut, "and it says that this is not all"


async def test_nor_does_a_key_or_a_type_make_a_dead_letter_too_large():
    async with working(Bench()) as bench:
        bench.inbox.put(b'{"type": "' + b"x" * 300_000 + b'"}', key=b"\x01" * 300_000)
        letter = await eventually(lambda: bench.world.publisher.events and bench.world.publisher.events[0])
        assert len(letter.model_dump_json().encode()) < 100_000
        assert letter.cut


async def test_a_job_that_nobody_can_read_does_not_end_the_stage():
    async with working(Bench()) as bench:
        bench.go.set()
        strange = a_job()
        await bench.world.database["jobs"].insert_one({"_id": strange.id, "version": 1, "status": "melted"})
        bench.inbox.put(read_event(strange.facts[0]))
        await bench.ended(await bench.job())
        assert bench.inbox.acked == [0, 1]


async def test_a_claim_waits_for_the_store_and_nothing_is_lost():
    async with working(Bench()) as bench:
        bench.go.set()
        job = await bench.job()
        bench.world.database.away = True
        await eventually(lambda: bench.inbox.taken == 1)
        await many_turns()
        assert bench.inbox.acked == []
        bench.world.database.away = False
        await bench.ended(job)
        assert bench.inbox.acked == [0]


async def test_closing_takes_up_nothing_more():
    async with working(Bench()) as bench:
        await bench.runner.close()
        job = await bench.job()
        await eventually(lambda: bench.inbox.taken == 1)
        await many_turns()
        assert bench.inbox.acked == []
        assert await bench.status(job) is Status.QUEUED


async def test_closing_lets_work_end_within_the_grace_period():
    async with working(Bench(shutdown_grace_seconds=5)) as bench:
        job = await bench.job()
        await eventually(lambda: bench.running)
        closing = asyncio.create_task(bench.runner.close())
        bench.go.set()
        await closing
        assert await bench.status(job) is Status.COMPLETED


async def test_closing_gives_back_what_does_not_end():
    async with working(Bench()) as bench:
        job = await bench.job()
        await eventually(lambda: bench.running)
        await bench.runner.close()
        step = await bench.world.step(job)
        assert (step.status, step.attempt, step.owner) == (Status.QUEUED, 0, None)
        assert bench.world.publisher.types() == ["recording.uploaded"], "whoever hears it goes on"
        assert bench.done == []


async def test_one_callers_many_do_not_hold_up_anothers_first():
    async with working(Bench()) as bench:
        many = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(30)]
        await eventually(lambda: bench.running == [many[0].id])
        other = await bench.job(recording=a_recording(owner_id="bob"))
        await eventually(lambda: bench.inbox.taken == 31)
        bench.go.set()
        await bench.ended(many[-1])
        assert bench.done.index(other.id) == 2, "one of hers was running, and one was next"
        assert [job for job in bench.done if job != other.id] == [job.id for job in many]
        await eventually(lambda: bench.inbox.acked == list(range(31)))


async def test_one_caller_holds_no_more_than_half_of_the_slots_that_are_held_for_hours():
    bench = Bench()
    stage = replace(stage_of(bench.perform), endless=True, slots=lambda _: 4)
    bench.runner = Runner(stage, bench.world.resources, NO_INTELLIGENCE, "one")
    async with working(bench):
        ada = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(6)]
        await eventually(lambda: len(bench.running) == 2)
        await many_turns()
        assert (len(bench.running), bench.runner.room) == (2, 2)
        assert [bench.runner.has_room_for(owner) for owner in ("ada", "bob")] == [False, True]
        bob = await bench.job(recording=a_recording(owner_id="bob"))
        await eventually(lambda: bob.id in bench.running)
        assert len(bench.running) == 3
        bench.go.set()
        for job in (*ada, bob):
            await bench.ended(job)
        assert bench.most == 3


async def test_a_message_that_is_done_early_is_acknowledged_when_those_before_it_are():
    """Faust would commit past the one that still waits, and lose it with this process."""
    async with working(Bench()) as bench:
        first, second = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(2)]
        await eventually(lambda: bench.running == [first.id])
        bench.inbox.put(read_event(a_job().facts[0]).model_copy(update={"type": "recording.melted"}))
        await eventually(lambda: bench.world.publisher.types() == ["dead.letter"])
        await many_turns()
        assert bench.inbox.acked == [0]
        bench.go.set()
        await bench.ended(second)
        await eventually(lambda: bench.inbox.acked == [0, 1, 2])


async def test_what_is_told_again_while_it_waits_is_done_once_and_acknowledged_with_the_claim():
    """Read anew after a rebalance, a message would be lost with this process if it were acknowledged at once."""
    async with working(Bench()) as bench:
        first, second = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(2)]
        await eventually(lambda: bench.running == [first.id])
        bench.inbox.put(read_event(second.facts[0]))
        await eventually(lambda: bench.inbox.taken == 3)
        await many_turns()
        assert bench.inbox.acked == [0]
        bench.go.set()
        await bench.ended(second)
        await eventually(lambda: bench.inbox.acked == [0, 1, 2])
        assert bench.done == [first.id, second.id]


async def test_what_is_told_many_times_while_it_waits_is_kept_once():
    async with working(Bench()) as bench:
        first, second = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(2)]
        await eventually(lambda: bench.running == [first.id])
        for _ in range(50):
            bench.inbox.put(read_event(second.facts[0]))
        await eventually(lambda: bench.inbox.taken == 52)
        assert list(bench.runner._lined_up) == [second.facts[0]["id"]]
        bench.go.set()
        await bench.ended(second)
        await eventually(lambda: bench.inbox.acked == list(range(52)))
        assert bench.done == [first.id, second.id]


async def test_a_message_that_is_read_anew_takes_the_place_of_the_first():
    """After a rebalance the first is nobody's any more: only the later one can be acknowledged."""
    async with working(Bench()) as bench:
        first, second = [await bench.job(recording=a_recording(owner_id="ada")) for _ in range(2)]
        await eventually(lambda: bench.running == [first.id])
        bench.inbox.again(1, read_event(second.facts[0]))
        await eventually(lambda: bench.inbox.taken == 3)
        bench.go.set()
        await bench.ended(second)
        await eventually(lambda: bench.inbox.acked == [0, 1])
        assert bench.done == [first.id, second.id]


async def test_a_claim_whose_answer_is_lost_is_ours_all_the_same():
    """The write is done, its answer never comes: it must cost neither a lease's time nor the only attempt."""
    bench = Bench()
    change, lost = bench.world.resources.jobs.change, []

    async def losing(*args, **kwargs):
        changed = await change(*args, **kwargs)
        if not lost:
            lost.append(changed)
            raise StoreUnavailable("document store", "the answer is lost")
        return changed

    bench.world.resources.jobs.change = losing
    async with working(bench):
        bench.go.set()
        job = await bench.job(attempts=1)
        await bench.ended(job)
        step = await bench.world.step(job)
        assert (step.fence, step.attempt, bench.done) == (1, 1, [job.id])


async def test_a_stage_that_is_started_again_has_all_its_slots():
    bench = Bench()
    for _ in range(3):
        async with contextlib.AsyncExitStack() as stack:
            consuming = asyncio.create_task(bench.runner.consume(bench.inbox.messages(), bench.inbox.ack))
            stack.push_async_callback(asyncio.wait, [consuming])
            stack.callback(consuming.cancel)
            await many_turns()
    bench.go.set()
    async with working(bench):
        await bench.ended(await bench.job())


async def test_a_store_that_is_away_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr("streams.runner.GIVE_BACK_SECONDS", 0.05)
    async with working(Bench()) as bench:
        job = await bench.job()
        await eventually(lambda: bench.running == [job.id])

        async def away(*_, **__):
            raise StoreUnavailable("document store", "gone")

        monkeypatch.setattr(bench.world.resources.jobs, "change", away)
        async with asyncio.timeout(5):
            await bench.runner.close()
        monkeypatch.undo()
        await eventually(lambda: bench._is(job, Status.QUEUED))
