"""The jobs of a recording, as tests want to see them: whatever there is, whoever has made it."""

from schemas.jobs import Job
from stores.jobs import Jobs


async def jobs_of(jobs: Jobs, recording_id: str) -> list[Job]:
    """Every job of the recording, oldest first. Reads through all jobs."""
    found = [job_id async for page in jobs.recordings() for job_id, about in page if about == recording_id]
    return sorted(await jobs.get_many(found), key=lambda job: job.id)
