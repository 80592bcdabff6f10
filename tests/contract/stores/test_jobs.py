"""Jobs: every change is one whole state, whoever else changes the job at the same time."""

import asyncio

import pytest

from schemas.jobs import Job, Status
from stores import lifecycle
from stores.errors import LeaseLost
from stores.jobs import Jobs
from tests.unit.stores.jobs import START, a_job, a_recording, later, wake_of

WRITERS = 25


@pytest.fixture
async def jobs(database) -> Jobs:
    jobs = Jobs(database)
    for _ in range(2):
        await jobs.prepare()
    return jobs


async def test_a_job_comes_back_as_it_was_stored(jobs):
    job = a_job()
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, START)
    job.results["transcript"] = {"segments": [{"text": "Grüße"}], "language": None}
    assert await jobs.create(job) == job
    assert await jobs.get(job.id) == job


async def test_creating_again_changes_nothing(jobs):
    job = await jobs.create(a_job())
    changed, _ = await jobs.change(job.id, lambda job: lifecycle.cancel(job, later(1)))
    again = job.model_copy(deep=True)
    assert await jobs.create(again) == changed


async def test_what_is_not_there(jobs):
    assert await jobs.get("nothing") is None
    assert await jobs.get_many([]) == []
    with pytest.raises(LeaseLost):
        await jobs.change("nothing", lambda job: lifecycle.cancel(job, START))
    await jobs.delete("nothing")


async def test_only_the_owner_sees_a_job(jobs):
    job = await jobs.create(a_job(a_recording(owner_id="ada")))
    assert await jobs.get_owned("ada", job.id) == job
    assert await jobs.get_owned("bob", job.id) is None


async def test_many_at_once(jobs):
    stored = [await jobs.create(a_job()) for _ in range(3)]
    found = await jobs.get_many([stored[0].id, stored[2].id, "nothing"])
    assert {job.id for job in found} == {stored[0].id, stored[2].id}


async def test_no_change_is_lost_among_many_writers(jobs):
    job = await jobs.create(a_job())

    def add(number: int):
        def transition(job: Job) -> None:
            job.results[str(number)] = number

        return transition

    changed = await asyncio.gather(*(jobs.change(job.id, add(number), known=job) for number in range(WRITERS)))
    stored = await jobs.get(job.id)
    assert len(stored.results) == WRITERS
    assert sorted(job.version for job, _ in changed) == list(range(2, WRITERS + 2))
    assert stored.version == WRITERS + 1


async def test_the_version_grows_only_with_what_watchers_see(jobs):
    job = await jobs.create(a_job())
    unseen, _ = await jobs.change(job.id, lambda job: lifecycle.published(job, job.outbox, job.version, START))
    assert (unseen.version, unseen.revision) == (1, 2)
    seen, _ = await jobs.change(job.id, lambda job: lifecycle.cancel(job, START))
    assert (seen.version, seen.revision) == (2, 3)


async def test_one_of_many_gets_the_claim(jobs):
    job = await jobs.create(a_job())
    wake = wake_of(job, "audio")

    async def claim(owner: str) -> bool:
        try:
            await jobs.change(job.id, lambda job: lifecycle.claim(job, "audio", wake, owner, 10, START))
        except lifecycle.Refused:
            return False
        return True

    granted = await asyncio.gather(*(claim(f"owner {number}") for number in range(WRITERS)))
    step = (await jobs.get(job.id)).step("audio")
    assert granted.count(True) == 1
    assert (step.owner, step.fence) == (f"owner {granted.index(True)}", 1)


async def test_a_transition_that_raises_writes_nothing(jobs):
    job = await jobs.create(a_job())

    def half(job: Job) -> None:
        job.results["half"] = True
        raise lifecycle.Refused(job.id)

    with pytest.raises(lifecycle.Refused):
        await jobs.change(job.id, half)
    assert await jobs.get(job.id) == job


async def test_a_known_state_is_not_changed_in_place(jobs):
    job = await jobs.create(a_job())
    changed, _ = await jobs.change(job.id, lambda job: lifecycle.cancel(job, START), known=job)
    assert (job.status, job.version) == (Status.QUEUED, 1)
    assert (changed.status, changed.version) == (Status.CANCELLED, 2)


async def test_due_jobs_come_longest_due_first_and_idle_ones_never(jobs):
    first, second, future, idle = a_job(at=later(-10)), a_job(at=later(-20)), a_job(at=later(1000)), a_job()
    lifecycle.cancel(idle, START)
    lifecycle.published(idle, idle.outbox, idle.version, START)
    for job in (first, second, future, idle):
        await jobs.create(job)
    assert await jobs.due(START, 10) == [second.id, first.id]
    assert await jobs.due(START, 1) == [second.id]


async def test_a_deleted_job_is_gone(jobs):
    job = await jobs.create(a_job())
    for _ in range(2):
        await jobs.delete(job.id)
    assert await jobs.get(job.id) is None
    with pytest.raises(LeaseLost):
        await jobs.change(job.id, lambda job: lifecycle.cancel(job, START), known=job)
