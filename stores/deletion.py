"""How a recording is destroyed, whoever asks for it: nobody sees it any more, its work ends, then everything goes.

Its document is marked first and goes last, so a deletion that broke off anywhere is found, and repeated from the start
until nothing is left. Whoever makes something for a recording looks afterwards whether it is still there: what was made
before the mark is found here, what came after it is taken back there.
"""

from dataclasses import dataclass

import structlog

from schemas.events import RecordingDeleted, event_id
from schemas.holds import Hold
from schemas.jobs import Job
from schemas.recordings import Recording
from schemas.time import now
from stores import keys, lifecycle
from stores.analyses import AnalysesStore
from stores.copies import Copies
from stores.errors import LeaseLost, OnHold, promptly
from stores.folders import Folders
from stores.jobs import Jobs
from stores.objects import Objects
from stores.outbox import Outbox
from stores.pages import Pages
from stores.publisher import Publisher
from stores.recordings import WITHOUT_BYTES, Recordings
from stores.resumable import Arrivals
from stores.transcripts import Transcripts

audit = structlog.get_logger("tidemark.audit")


@dataclass(frozen=True)
class Deletion:
    """Destroys recordings. What it raises is StoreUnavailable; then the deletion is to be repeated."""

    jobs: Jobs
    recordings: Recordings
    transcripts: Transcripts
    pages: Pages
    copies: Copies
    analyses: AnalysesStore
    arrivals: Arrivals
    objects: Objects
    outbox: Outbox
    publisher: Publisher
    folders: Folders

    async def destroy(self, recording: Recording) -> None:
        """Takes the recording away with all its work, and returns when nothing is left. A repeat is harmless.

        While Kafka is away nothing is destroyed but the recording is out of sight: other teams must learn of it first.
        Raises OnHold before anything is done; a deletion that has begun is brought to its end whatever is held since.
        """
        if recording.deleted_at is None:
            await self.expect_free(recording)
        await self.recordings.mark_deleted(recording)
        recording = await self.recordings.stored(recording.id) or recording
        await self._end_upload(recording)
        jobs = await self.jobs.get_many(recording.every_job_id)
        async with promptly():
            for job in jobs:
                await self._end(job)
            if jobs:
                await self.publisher.publish(_deleted(recording))
        await self.objects.delete_prefix(keys.recording_prefix(recording.id))
        await self.transcripts.delete(recording.id)
        await self.pages.delete(recording.id)
        await self.analyses.delete(recording.id)
        for job_id in recording.every_job_id:
            await self.jobs.delete(job_id)
        await self.copies.release(recording)
        await self.recordings.forget(recording)
        audit.info("recording deleted", recording_id=recording.id, owner_id=recording.owner_id)

    async def expect_free(self, recording: Recording) -> None:
        """Raises OnHold when the recording, or the course or project that it is in, is on hold.

        A lecture is in the course of each of its readers, too.
        """
        if hold := recording.hold or await self._folder_hold(recording):
            raise OnHold(f"It is on hold: {hold.reason}")

    async def _folder_hold(self, recording: Recording) -> Hold | None:
        if recording.project_id is None:
            return None
        return await self.folders.held(recording.everybody, recording.project_id)

    async def _end_upload(self, recording: Recording) -> None:
        """Whoever is still sending learns that it is gone; parts that came go now, pieces with the other objects."""
        await self.arrivals.forget(recording.id)
        if recording.status in WITHOUT_BYTES:
            for upload in await self.objects.open_uploads(recording.object_key):
                await self.objects.abort(upload)

    async def _end(self, job: Job) -> None:
        """Cancels what has not ended, and tells the watchers."""
        if job.status.ended:
            return
        try:
            job, _ = await self.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()), known=job)
        except LeaseLost:  # another deletion was faster
            return
        await self.outbox.settle(job)


def _deleted(recording: Recording) -> RecordingDeleted:
    return RecordingDeleted(
        id=event_id("recording.deleted", recording.job_id),
        recording_id=recording.id,
        owner_id=recording.owner_id,
        job_id=recording.job_id,
    )
