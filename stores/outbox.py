"""What must follow a change of a job: its facts on Kafka, its recording's status, and the news to its watchers.

The change itself is already durable and says what is owed (`outbox`, `announce`). Whoever made it calls `settle`; if
that process dies in between, the sweeper does. Everything here may happen twice and then is the same.
"""

from schemas.events import JobProgressed, event_id, read_event
from schemas.jobs import Job, view
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from stores.jobs import Jobs
from stores.publisher import Publisher
from stores.recordings import Recordings


class Outbox:
    """Pays what a job's document owes. Methods raise StoreUnavailable; what was not paid stays owed."""

    def __init__(self, jobs: Jobs, recordings: Recordings, publisher: Publisher) -> None:
        self._jobs = jobs
        self._recordings = recordings
        self._publisher = publisher

    async def settle(self, job: Job) -> None:
        """Publishes what the outbox holds, brings the recording in line, tells the watchers, and crosses it off."""
        for fact in job.facts:
            if fact["id"] in job.outbox:
                await self._publisher.publish(read_event(fact))
        await self._recordings.follow(job)
        await self.announce(job)
        await self._cross_off(job)

    async def announce(self, job: Job) -> None:
        """Tells the watchers the job's state. Not durable by itself: a newer state replaces it."""
        await self._publisher.publish(progressed(job))

    async def _cross_off(self, job: Job) -> None:
        paid, version = tuple(job.outbox), job.version
        try:
            await self._jobs.change(job.id, lambda job: lifecycle.published(job, paid, version, now()), known=job)
        except LeaseLost:  # the job was deleted meanwhile: nothing is owed any more
            return


def progressed(job: Job) -> JobProgressed:
    """The event that tells the job's present state."""
    return JobProgressed(
        id=event_id("job.progressed", job.id, str(job.version)),
        recording_id=job.recording_id,
        owner_id=job.owner_id,
        job_id=job.id,
        job=view(job),
    )
