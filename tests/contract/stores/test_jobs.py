"""Jobs: every change is one whole state, whoever else changes the job at the same time."""

import asyncio
from datetime import UTC, datetime

import pytest

from schemas.jobs import Job, Status
from stores import lifecycle
from stores.errors import LeaseLost
from stores.jobs import Debt, Jobs
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


async def test_a_job_whose_facts_and_steps_are_documents_is_read_and_changed_as_any(jobs, database):
    """As they were before they were text."""
    job = await jobs.create(a_job())
    whole = {**job.model_dump(exclude={"id"}), "facts": job.facts}
    await database["jobs"].update_one({"_id": job.id}, {"$set": {"state": [whole]}})
    assert await jobs.get(job.id) == job
    await jobs.change(job.id, lambda job: lifecycle.cancel(job, later(1)))
    changed = await jobs.get(job.id)
    assert (changed.status, changed.facts) == (Status.CANCELLED, job.facts)


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


async def test_a_great_many_are_read_some_at_a_time(jobs, monkeypatch):
    """So that no number of them is beyond what the server answers in time."""
    stored, asked, read_all = [await jobs.create(a_job()) for _ in range(3)], [], jobs._read_all

    async def counted(job_ids):
        asked.append(len(job_ids))
        return await read_all(job_ids)

    monkeypatch.setattr(jobs, "_read_all", counted)
    wanted = [stored[0].id, *(f"none {number}" for number in range(700)), stored[1].id, stored[2].id]
    assert {job.id for job in await jobs.get_many(wanted)} == {job.id for job in stored}
    assert max(asked) <= 200
    assert sum(asked) == len(wanted)


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


async def test_a_deleted_job_is_gone(jobs):
    job = await jobs.create(a_job())
    for _ in range(2):
        await jobs.delete(job.id)
    assert await jobs.get(job.id) is None
    with pytest.raises(LeaseLost):
        await jobs.change(job.id, lambda job: lifecycle.cancel(job, START), known=job)


async def test_of_writers_in_one_group_that_know_one_state_exactly_one_wins(jobs, database):
    """They go to the server together, and of each it is known whether it was written."""
    others = [await jobs.create(a_job()) for _ in range(3)]
    job = await jobs.create(a_job())
    told = [job.model_copy(deep=True, update={"revision": 2, "version": number}) for number in range(5)]
    apart = [other.model_copy(deep=True, update={"revision": 2, "version": 7}) for other in others]
    written = await asyncio.gather(*(jobs._replace(one) for one in [*told, *apart]))
    assert written.count(True) == 1 + len(others)
    assert written[5:] == [True] * 3
    assert (await jobs.get(job.id)).version == written.index(True)
    assert not any(await asyncio.gather(*(jobs._replace(one) for one in [*told, *apart]))), "their revision is taken"


async def test_writers_of_many_processes_lose_nothing(jobs, database):
    """Each with a repository of its own: a write of the same revision by another is told from one's own."""
    shared = [await jobs.create(a_job()) for _ in range(3)]
    processes = [Jobs(database) for _ in range(5)]

    def add(name: str):
        def transition(job: Job) -> None:
            job.results[name] = True

        return transition

    await asyncio.gather(
        *(
            process.change(job.id, add(f"{number}/{turn}"), known=job)
            for number, process in enumerate(processes)
            for job in shared
            for turn in range(3)
        )
    )
    for job in shared:
        stored = await jobs.get(job.id)
        assert (len(stored.results), stored.version) == (15, 16)


async def test_two_that_create_one_job_have_one(jobs):
    job = a_job()
    made = await asyncio.gather(*(jobs.create(job.model_copy(deep=True)) for _ in range(5)), jobs.create(a_job()))
    assert [one.id for one in made[:5]] == [job.id] * 5
    assert made[:5] == [job] * 5


@pytest.fixture
async def library(jobs):
    """Jobs of two callers, oldest first: ada's in two projects, in every state, and one of bob's."""
    made = []
    for number, (owner, project, state) in enumerate(LIBRARY):
        job = a_job(a_recording(owner_id=owner, project_id=project), at=later(number))
        if state is Status.CANCELLED:
            lifecycle.cancel(job, START)
        if state is Status.RUNNING:
            lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, START)
        made.append(await jobs.create(job))
    return made


LIBRARY = (
    ("ada", "website", Status.QUEUED),
    ("ada", "website", Status.CANCELLED),
    ("bob", "website", Status.QUEUED),
    ("ada", "intro", Status.RUNNING),
    ("ada", None, Status.CANCELLED),
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [4, 3, 1, 0]),
        ({"project_id": "website"}, [1, 0]),
        ({"statuses": [Status.QUEUED, Status.RUNNING]}, [3, 0]),
        ({"statuses": [Status.CANCELLED], "project_id": "website"}, [1]),
        ({"statuses": [Status.COMPLETED]}, []),
        ({"project_id": "nowhere"}, []),
    ],
)
async def test_the_callers_own_are_listed_newest_first(jobs, library, wanted, found):
    listed = await jobs.list_owned("ada", limit=10, **wanted)
    assert listed == [library[number] for number in found]


async def test_pages_of_a_list_have_each_job_once(jobs, library):
    seen, before = [], None
    while page := await jobs.list_owned("ada", limit=3, before=before):
        assert len(page) <= 3
        seen += [job.id for job in page]
        before = page[-1].id
    assert seen == [library[number].id for number in (4, 3, 1, 0)]


async def test_what_has_not_ended_is_counted_by_owner(jobs, library):
    assert await jobs.open_by_owner() == {"ada": 2, "bob": 1}
    await jobs.change(library[2].id, lambda job: lifecycle.cancel(job, START))
    assert await jobs.open_by_owner() == {"ada": 2}
    await jobs.change(library[2].id, lambda job: lifecycle.retry(job, START))
    assert await jobs.open_by_owner() == {"ada": 2, "bob": 1}


async def moments_of(jobs, job):
    looks = (look for alarm in await jobs.alarms.due(later(10**9), 100) for look in alarm.looks)
    return [look.at for look in looks if look.job_id == job.id]


async def test_an_alarm_is_set_with_the_job_and_with_each_new_moment_of_its_next_look(jobs):
    job = await jobs.create(a_job(at=later(10**8)))
    assert await moments_of(jobs, job) == [job.sweep_at]
    held, _ = await jobs.change(
        job.id, lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, later(10**8))
    )
    await jobs.change(job.id, lambda job: lifecycle.renew(job, "audio", 1, 20, later(10**8)))
    assert await moments_of(jobs, job) == [held.sweep_at], "a look that comes too early needs no alarm of its own"
    sooner, _ = await jobs.change(job.id, lambda job: lifecycle.give_back(job, "audio", 1, 1, later(10**8)))
    assert await moments_of(jobs, job) == [sooner.sweep_at, held.sweep_at]


async def test_the_alarm_is_there_before_the_change(jobs, monkeypatch):
    job, write = await jobs.create(a_job(at=later(10**8))), jobs._replace
    seen = []

    async def noting(changed):
        seen.append((changed.sweep_at, await moments_of(jobs, job)))
        return await write(changed)

    monkeypatch.setattr(jobs, "_replace", noting)
    await jobs.change(job.id, lambda job: lifecycle.published(job, job.outbox, job.version, later(10**8)))
    ((moment, alarms),) = seen
    assert moment in alarms


async def test_when_the_sweeper_is_to_look_is_known_without_the_job(jobs, database):
    open_job, over = await jobs.create(a_job()), a_job()
    lifecycle.cancel(over, START)
    lifecycle.published(over, list(over.outbox), over.version, START)
    await jobs.create(over)
    await database["jobs"].insert_one({"_id": f"strange {over.id}", "state": [{"version": 1}]})
    await database["jobs"].insert_one({"_id": f"odd {over.id}", "state": [{"sweep_at": "soon"}]})
    looks = await jobs.next_looks([open_job.id, over.id, f"strange {over.id}", f"odd {over.id}", "none"])
    assert looks == {
        open_job.id: (await jobs.get(open_job.id)).sweep_at,
        over.id: None,
        f"strange {over.id}": datetime.min.replace(tzinfo=UTC),
        f"odd {over.id}": datetime.min.replace(tzinfo=UTC),
    }


async def test_what_a_job_owes_is_known_without_the_job(jobs, database):
    job = await jobs.create(a_job())
    paid, _ = await jobs.change((await jobs.create(a_job())).id, lambda job: lifecycle.cancel(job, START))
    paid, _ = await jobs.change(paid.id, lambda job: lifecycle.published(job, list(job.outbox), job.version, START))
    await database["jobs"].insert_one({"_id": f"strange {job.id}", "state": [{"version": 1}]})
    assert await jobs.debts([job.id, paid.id, f"strange {job.id}", "none"]) == {
        job.id: Debt(job.revision, job.version, tuple(job.outbox), False),
        paid.id: Debt(paid.revision, paid.version, (), False),
    }


async def test_what_is_paid_of_many_is_crossed_off_at_once(jobs):
    """Of those that are still as they were; what was changed meanwhile keeps its state."""
    made, soon = [await jobs.create(a_job()) for _ in range(3)], later(100)
    changed, _ = await jobs.change(made[1].id, lambda job: lifecycle.cancel(job, START))
    assert not await jobs.cross_off(made, soon)
    assert await jobs.get(changed.id) == changed
    for job in (made[0], made[2]):
        found = await jobs.get(job.id)
        paid = {"outbox": [], "announce": False, "owes_since": None, "sweep_at": soon, "revision": 2}
        assert found == job.model_copy(update=paid)
        assert await jobs.change(job.id, lambda job: lifecycle.wake(job, "audio", START), known=found)
    looks = [look for alarm in await jobs.alarms.due(soon, 10) for look in alarm.looks]
    assert {look.job_id for look in looks if look.at == soon} >= {made[0].id, made[2].id}
    assert await jobs.cross_off([await jobs.get(made[0].id)], None)
