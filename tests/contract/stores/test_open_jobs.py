"""How many jobs have not ended, and lists of jobs: the same on every server."""

import pytest

from schemas.jobs import Status
from schemas.time import now
from stores import lifecycle
from stores.jobs import Jobs
from tests.unit.stores.jobs import a_job, a_recording


@pytest.fixture
async def jobs(database) -> Jobs:
    jobs = Jobs(database)
    await jobs.prepare()
    return jobs


async def put(jobs, owner, **fields):
    return await jobs.create(a_job(a_recording(owner_id=owner, **fields)))


async def test_jobs_that_have_not_ended_are_counted_by_owner(jobs):
    assert await jobs.open_by_owner() == {}
    ended = [await put(jobs, owner) for owner in ("ada", "bob", "ada", "ada", "eve")]
    for job in (ended[0], ended[-1]):
        await jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    assert await jobs.open_by_owner() == {"ada": 2, "bob": 1}
    await jobs.change(ended[0].id, lambda job: lifecycle.retry(job, now()))
    assert await jobs.open_by_owner() == {"ada": 3, "bob": 1}


async def test_jobs_are_listed_by_owner_project_and_any_of_some_states(jobs):
    first, second, third = [await put(jobs, "ada", project_id=project) for project in ("web", "app", "web")]
    await put(jobs, "bob", project_id="web")
    await jobs.change(first.id, lambda job: lifecycle.cancel(job, now()))

    async def listed(**filters):
        return [job.id for job in await jobs.list_owned("ada", limit=10, **filters)]

    assert await listed() == [third.id, second.id, first.id]
    assert await listed(project_id="web") == [third.id, first.id]
    assert await listed(statuses=(Status.CANCELLED, Status.FAILED)) == [first.id]
    assert await listed(statuses=(Status.CANCELLED, Status.QUEUED), before=third.id) == [second.id, first.id]
    assert [job.id for job in await jobs.list_owned("ada", limit=2)] == [third.id, second.id]
