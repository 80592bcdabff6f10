"""The end of live recordings whose recorder has vanished: what arrived is taken in like any other upload.

Every step is one that a recorder's own end would take, and each is harmless when repeated: the length is noted by one
compare-and-set, so a recorder that comes back in the last moment is either before it, or learns that it has ended;
then it may go on with what was closed (stores/reopening). What breaks off after that is an upload that is all there,
which the reconciler takes in.
"""

from datetime import timedelta

import structlog

from schemas.recordings import Recording
from schemas.settings import Settings
from schemas.time import now
from stores import intake
from stores.deletion import Deletion
from stores.errors import OnHold, StoreUnavailable
from stores.intake import RecordingGone, Unacceptable
from stores.resumable import Arrival, Assembly, Gone, Held, Moved
from stores.resumable.arrival import close

log = structlog.get_logger(__name__)


class Closing:
    """Closes live uploads that nothing is added to any more. Methods raise StoreUnavailable."""

    def __init__(self, deletion: Deletion, settings: Settings) -> None:
        self._stores = deletion
        self._assembly = Assembly(deletion.objects, deletion.arrivals)
        self._idle = timedelta(seconds=settings.live_idle_seconds)
        self._most, self._attempts = settings.max_upload_bytes, settings.step_attempts

    async def run(self) -> int:
        """Closes all that have been idle for LIVE_IDLE_SECONDS; how many there were."""
        closed = [await self.close(upload_id) for upload_id in await self._stores.arrivals.quiet(now() - self._idle)]
        return sum(closed)

    async def close(self, upload_id: str) -> bool:
        """Ends the upload at what has arrived, if nothing has come for so long; whether it was taken in just now."""
        try:
            at = now()
            upload = await self._stores.arrivals.change(upload_id, lambda arrival: close(arrival, at - self._idle, at))
            return await self._take_in(upload)
        except (Gone, Held, Moved, RecordingGone) as reason:
            log.info("a live recording was not closed", recording_id=upload_id, reason=str(reason))
            return False

    async def _take_in(self, upload: Arrival) -> bool:
        recording = await self._stores.recordings.get(upload.id)
        if recording is None:
            raise Gone(upload.id)
        recording = await self._stores.recordings.update_owned(recording.owner_id, upload.id, {"vanished_at": now()})
        if recording is None:
            raise Gone(upload.id)
        await self._assembly.seal(upload)
        recording = recording.model_copy(update={"size_bytes": upload.length})
        try:
            stored = await intake.examine(self._stores.objects, recording, self._most)
        except Unacceptable as refusal:
            log.info("a live recording is refused", recording_id=upload.id, reason=str(refusal))
            await self._destroy(recording)
            return False
        jobs, recordings = self._stores.jobs, self._stores.recordings
        job, new = await intake.accept(jobs, recordings, recording, self._attempts, stored=stored)
        try:
            await self._stores.outbox.settle(job, whole=True)
        except StoreUnavailable as error:
            log.warning("left to the sweeper", job_id=job.id, reason=str(error))
        await self._assembly.end(upload)
        return new

    async def _destroy(self, recording: Recording) -> None:
        try:
            await self._stores.destroy(recording)
        except OnHold as hold:
            log.info("a refused recording stays", recording_id=recording.id, reason=str(hold))
