"""What is done about each kind of finding. Everything is looked at once more right before.

Every write asks that nobody has written since that look; so an upload that is completed, a deletion or another
reconciler at the same moment wins, and the finding is settled.
"""

from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from schemas.ids import new_id
from schemas.jobs import Failure
from schemas.problems import CODES
from schemas.recordings import SOURCE_MISSING, Recording, RecordingStatus
from schemas.settings import Settings
from schemas.time import now
from stores.deletion import Deletion
from stores.errors import OnHold, StoreUnavailable
from stores.intake import RecordingGone, Unacceptable, accept, examine
from stores.jobs import Jobs
from stores.keys import original, tail_prefix
from stores.reconciler.findings import Finding, Kind, Outcome
from stores.reconciler.judgement import Subject, missing_keys, old_orphans
from stores.reconciler.survey import Survey
from stores.resumable import Arrival, Assembly, Gone, Moved
from stores.retention import remove_leftovers

log = structlog.get_logger(__name__)

Repair = Callable[[Subject, Recording], Awaitable[bool]]


class _QueueFull(Exception):
    """There is no place for another job of that caller: the repair waits for a later run."""


class _Queue:
    """The places in the queue that a run may take: those that are free when it first asks. Raises StoreUnavailable."""

    def __init__(self, jobs: Jobs, settings: Settings) -> None:
        self._jobs = jobs
        self._most = settings.max_queue_size
        self._most_of_one = settings.max_queue_size_per_caller
        self._open: Counter[str] | None = None

    async def take(self, owner_id: str) -> None:
        """Takes a place for a new job of the caller; raises _QueueFull where there is none."""
        if self._open is None:
            self._open = Counter(await self._jobs.open_by_owner())
        if self._open[owner_id] >= self._most_of_one or self._open.total() >= self._most:
            raise _QueueFull
        self._open[owner_id] += 1


class Repairs:
    """Repairs the findings of one run of a survey. A repeat is harmless."""

    def __init__(self, survey: Survey, deletion: Deletion, settings: Settings) -> None:
        self._survey = survey
        self._deletion = deletion
        self._attempts = settings.step_attempts
        self._queue = _Queue(deletion.jobs, settings)
        self._recordings = deletion.recordings
        self._jobs = deletion.jobs
        self._objects = deletion.objects
        self._assembly = Assembly(deletion.objects, deletion.arrivals)
        self._of_recordings: dict[Kind, Repair] = {
            Kind.UPLOAD_STORED: self._complete,
            Kind.UPLOAD_ABANDONED: self._expire,
            Kind.UPLOAD_REMAINS: self._clear,
            Kind.DELETION_UNFINISHED: self._finish,
            Kind.EXPIRY_UNFINISHED: self._expire_on,
            Kind.SOURCE_MISSING: self._fail,
            Kind.RENDITION_MISSING: self._unlist,
            Kind.JOB_MISSING: self._start_again,
        }

    async def repair(self, finding: Finding) -> Outcome:
        """Does what is to be done, if it still is. Raises StoreUnavailable."""
        if finding.kind is Kind.SOURCE_CHANGED:
            return Outcome.REPORTED
        try:
            done = await self._repaired(finding)
        except _QueueFull:
            return Outcome.PUT_OFF
        return Outcome.REPAIRED if done else Outcome.SETTLED

    async def _repaired(self, finding: Finding) -> bool:
        match finding.kind:
            case Kind.JOB_ORPHANED | Kind.TRANSCRIPT_ORPHANED | Kind.PAGES_ORPHANED | Kind.ANALYSES_ORPHANED:
                return await self._remove_leftover(finding)
            case Kind.UPLOAD_PARTS:
                return await self._abort(finding)
            case Kind.UPLOAD_REMAINS if await self._recordings.stored(finding.recording_id) is None:
                await self._deletion.arrivals.forget(finding.recording_id)
                return True
        subject, findings = await self._survey.look(finding.recording_id)
        if all(found.kind is not finding.kind for found in findings):
            return False
        if subject.recording is None:
            return await self._remove_orphans(subject)
        return await self._of_recordings[finding.kind](subject, subject.recording)

    async def _complete(self, subject: Subject, recording: Recording) -> bool:
        """What upload-complete would have done; so it takes a place in the queue, too."""
        try:
            if subject.upload and subject.upload.whole and not _sealed(subject, subject.upload):
                await self._assembly.seal(subject.upload)
            stored = await examine(self._objects, _announced(subject, recording), self._survey.most_bytes)
        except Gone:
            return await self._give_up(subject, recording)
        except Moved:
            return bool(subject.upload and subject.upload.expired(now())) and await self._give_up(subject, recording)
        except Unacceptable:
            return subject.upload is not None and await self._expire(subject, recording)
        if recording.status is not RecordingStatus.LIVE:  # whose job has its place already
            await self._queue.take(recording.owner_id)
        if not await self._recordings.amend(recording, stored.fields()):
            return False
        accepted = await self._accept(recording.model_copy(update=stored.fields()))
        if accepted and subject.upload:
            await self._assembly.end(subject.upload)
        return accepted

    async def _give_up(self, subject: Subject, recording: Recording) -> bool:
        """Expires an upload that cannot be put together any more, unless what came of it has changed meanwhile."""
        found = await self._deletion.arrivals.get(recording.id)
        if found is None or subject.upload is None or not _same_bytes(found, subject.upload):
            return False
        log.warning("an upload is whole, and what came of it is gone", recording_id=recording.id)
        return await self._expire(subject, recording)

    async def _clear(self, _: Subject, recording: Recording) -> bool:
        """Forgets how an upload came that has been taken in."""
        await self._deletion.arrivals.forget(recording.id)
        await self._objects.delete_prefix(tail_prefix(recording.id))
        return True

    async def _accept(self, recording: Recording) -> bool:
        try:
            job, _ = await accept(self._jobs, self._recordings, recording, self._attempts)
        except RecordingGone:
            return False
        try:
            await self._deletion.outbox.settle(job, whole=True)
        except StoreUnavailable as error:
            log.warning("left to the sweeper", job_id=job.id, reason=str(error))
        return True

    async def _start_again(self, _: Subject, recording: Recording) -> bool:
        """The job anew; under another id where the old one has written already, since its fences are used up."""
        job_id = new_id() if recording.fences else recording.job_id
        if not await self._recordings.amend(recording, {"job_id": job_id}):
            return False
        return await self._accept(recording.model_copy(update={"job_id": job_id}))

    async def _expire(self, _: Subject, recording: Recording) -> bool:
        try:
            await self._deletion.expect_free(recording)
            if not await self._recordings.mark_deleted(recording, unless_changed=True):
                return False
        except OnHold:
            return False
        await self._deletion.destroy(recording.model_copy(update={"deleted_at": now()}))
        return True

    async def _expire_on(self, subject: Subject, recording: Recording) -> bool:
        """Brings a rule of retention that broke off to its end, unless there is a hold now."""
        try:
            await self._deletion.expect_free(recording)
        except OnHold:
            return False
        await remove_leftovers(self._objects, recording, subject.objects)
        return True

    async def _finish(self, _: Subject, recording: Recording) -> bool:
        await self._deletion.destroy(recording)
        return True

    async def _fail(self, _: Subject, recording: Recording) -> bool:
        failure = Failure(code=SOURCE_MISSING, detail=f"{CODES[SOURCE_MISSING].title}.")
        return await self._recordings.amend(
            recording, {"status": RecordingStatus.FAILED, "error": failure.model_dump()}
        )

    async def _unlist(self, subject: Subject, recording: Recording) -> bool:
        """Takes what is not there off the lists, so that no address leads nowhere."""
        return await self._recordings.unlist(recording, missing_keys(subject, recording))

    async def _remove_orphans(self, subject: Subject) -> bool:
        for orphan in old_orphans(subject, self._survey.ages, now()):
            await self._objects.delete(orphan.key)
        return True

    async def _remove_leftover(self, finding: Finding) -> bool:
        if await self._recordings.stored(finding.recording_id) is not None:
            return False
        match finding.kind:
            case Kind.JOB_ORPHANED:
                await self._jobs.delete(finding.subject)
            case Kind.TRANSCRIPT_ORPHANED:
                await self._deletion.transcripts.delete(finding.recording_id)
            case Kind.PAGES_ORPHANED:
                await self._deletion.pages.delete(finding.recording_id)
            case _:
                await self._deletion.analyses.delete(finding.recording_id)
        return True

    async def _abort(self, finding: Finding) -> bool:
        """Throws away the parts of every upload to that key that nobody is sending any more."""
        uploads = await self._objects.open_uploads(finding.subject)
        left = [upload for upload in uploads if await self._survey.left_over(upload)]
        for upload in left:
            await self._objects.abort(upload)
        return bool(left)


def _announced(subject: Subject, recording: Recording) -> Recording:
    """The recording with the size that its upload has; its own may not be written yet."""
    length = subject.upload.length if subject.upload else None
    return recording if length is None else recording.model_copy(update={"size_bytes": length})


def _sealed(subject: Subject, upload: Arrival) -> bool:
    """Whether what lies there as one object is the upload: of a reopened one it may be what it was before."""
    stored = subject.objects.get(original(upload.id))
    return stored is not None and (upload.reopened is None or stored.size_bytes == upload.length)


def _same_bytes(one: Arrival, other: Arrival) -> bool:
    return (one.upload_id, one.parts, one.tail) == (other.upload_id, other.parts, other.tail)
