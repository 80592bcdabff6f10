"""A step that is claimed and has its context: what the test of a stage starts from."""

from pathlib import Path
from typing import Any

from schemas.jobs import Job
from schemas.pipeline import JobType
from schemas.recordings import Recording
from schemas.time import now
from stores import lifecycle
from streams.context import Context, Intelligence
from tests.unit.stores.jobs import wake_of
from tests.unit.streams.fakes import NO_INTELLIGENCE, World


async def context_of(
    world: World, job: Job, stage: str, folder: Path, intelligence: Intelligence = NO_INTELLIGENCE
) -> Context:
    """The context of the next attempt at the job's step."""
    found = await world.resources.jobs.get(job.id)
    assert found is not None
    asked = (fact["id"] for fact in found.facts if stage in fact.get("steps", ()))
    wake = next(asked, None) or wake_of(found, stage)
    assert wake is not None
    job, step = await world.resources.jobs.change(
        job.id, lambda job: lifecycle.claim(job, stage, wake, "one", 600, now())
    )
    return Context(world.resources, intelligence, job, step, lambda: folder)


async def asked_for(
    world: World,
    recording: Recording,
    job_type: JobType,
    folder: Path,
    intelligence: Intelligence = NO_INTELLIGENCE,
    **payload: Any,
) -> Context:
    """The context of the one step of a job that was asked for with that payload."""
    job = lifecycle.requested_job(recording, job_type, payload, 3, None, now())
    await world.resources.jobs.create(job)
    return await context_of(world, job, job.steps[0].name, folder, intelligence)
