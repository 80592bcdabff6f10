"""Looking at everything: documents and bucket side by side, in the order of their ids, some hundred recordings at once.

Ids ascend in the listing of the bucket and in the index of the documents, so two streams are merged and memory stays
bounded. What the merge suspects is looked at again by itself before it counts: so what is written meanwhile, or a
server with another idea of order, costs a look and never a false finding.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import structlog

from schemas.recordings import Recording, RecordingStatus
from schemas.time import now
from stores import keys
from stores.analyses import AnalysesStore
from stores.errors import StoreUnavailable
from stores.intake import Unacceptable, examine
from stores.jobs import Jobs
from stores.multipart import OpenUpload
from stores.objects import Listed, Objects
from stores.pages import Pages
from stores.reconciler.findings import Finding, Kind
from stores.reconciler.judgement import Ages, Subject, given_up, judge
from stores.recordings import WITHOUT_BYTES, Recordings
from stores.resumable import Arrivals
from stores.retention import objects_of
from stores.transcripts import Transcripts

log = structlog.get_logger(__name__)

_TOGETHER = 200

Group = tuple[str, dict[str, Listed]]


class Look(NamedTuple):
    """A recording as it is right now, and what is wrong with it."""

    subject: Subject
    findings: list[Finding]


@dataclass
class Survey:
    """Finds what is not as it should be, and changes nothing. Raises StoreUnavailable.

    `pause` is how many seconds pass between two pages. `recordings` and `objects` count what was seen so far.
    """

    jobs: Jobs
    all_recordings: Recordings
    transcripts: Transcripts
    document_pages: Pages
    analyses: AnalysesStore
    arrivals: Arrivals
    store: Objects
    ages: Ages
    most_bytes: int
    pause: float
    recordings: int = field(default=0, init=False)
    objects: int = field(default=0, init=False)

    async def findings(self) -> AsyncIterator[Finding]:
        """Everything that is wrong, once through; in no particular order."""
        async for chunk in self._chunks():
            async for finding in self._among(chunk):
                yield finding
        async for finding in self._leftovers():
            yield finding
        for upload in await self.store.open_uploads(keys.RECORDINGS):
            if left := await self.left_over(upload):
                yield left
        async for finding in self._pages_left():
            yield finding

    async def look(self, recording_id: str) -> Look:
        """One recording, with everything read afresh."""
        recording = await self.all_recordings.stored(recording_id)
        objects = await objects_of(self.store, recording_id)
        has_job = recording is not None and bool(await self.jobs.present([recording.job_id]))
        upload = await self.arrivals.get(recording_id)
        deleted = recording is None and bool(await self.all_recordings.traces.among([recording_id]))
        subject = Subject(recording_id, recording, objects, has_job, upload, deleted)
        findings = [await self._confirmed(found, recording) for found in judge(subject, self.ages, now())]
        return Look(subject, [found for found in findings if found])

    async def left_over(self, upload: OpenUpload) -> Finding | None:
        """Whether nobody is sending the parts of that upload any more."""
        at, recording_id = now(), keys.recording_of(upload.key)
        if at - upload.begun <= self.ages.parts:
            return None
        if (coming := await self.arrivals.get(recording_id)) and coming.upload_id == upload.upload_id:
            return None
        recording = await self.all_recordings.get(recording_id)
        receiving = recording is not None and recording.status in WITHOUT_BYTES
        if recording and receiving and recording.parts and recording.parts.upload_id == upload.upload_id:
            return None  # it goes with its recording, once that is given up
        if recording and receiving and at - recording.updated_at <= self.ages.parts:
            return None
        detail = f"Parts of an upload that was begun at {upload.begun:%Y-%m-%d %H:%M} lie there."
        return Finding(kind=Kind.UPLOAD_PARTS, recording_id=recording_id, subject=upload.key, detail=detail)

    async def _confirmed(self, finding: Finding, recording: Recording | None) -> Finding | None:
        """The finding; of an upload that is no media only if no other can come in its place."""
        if finding.kind is not Kind.UPLOAD_STORED or recording is None:
            return finding
        if await self.arrivals.get(recording.id) is not None:
            return finding
        try:
            await examine(self.store, recording, self.most_bytes)
        except Unacceptable as refusal:
            over = given_up(recording, self.ages, now())
            changed = {"kind": Kind.UPLOAD_ABANDONED, "detail": refusal.detail}
            return finding.model_copy(update=changed) if over else None
        return finding

    async def _among(self, chunk: list[Group]) -> AsyncIterator[Finding]:
        """What is wrong with some recordings: suspected by what is known at once, found by a look of its own."""
        documents, unreadable = await self.all_recordings.many([recording_id for recording_id, _ in chunk])
        for recording_id in unreadable:
            log.error("a recording's document cannot be read", recording_id=recording_id)
        self.recordings += len(documents)
        uploads = await self.arrivals.many([found.id for found in documents.values() if found.resumable])
        working = await self.jobs.present([found.job_id for found in documents.values() if _may_work(found)])
        for recording_id, objects in chunk:
            self.objects += len(objects)
            recording = documents.get(recording_id)
            has_job = bool(recording and recording.job_id in working)
            subject = Subject(recording_id, recording, objects, has_job, uploads.get(recording_id))
            if recording_id not in unreadable and judge(subject, self.ages, now()):
                for finding in (await self.look(recording_id)).findings:
                    yield finding

    async def _chunks(self) -> AsyncIterator[list[Group]]:
        chunk: list[Group] = []
        async for group in self._merged():
            chunk.append(group)
            if len(chunk) == _TOGETHER:
                yield chunk
                chunk = []
                await asyncio.sleep(self.pause)
        yield chunk

    async def _merged(self) -> AsyncIterator[Group]:
        """Every id that has a document or objects, ascending, with its objects."""
        ids, groups = self._ids(), self._groups()
        recording_id, group = await anext(ids, None), await anext(groups, None)
        while recording_id is not None or group is not None:
            if group is None or (recording_id is not None and recording_id < group[0]):
                assert recording_id is not None
                yield recording_id, {}
                recording_id = await anext(ids, None)
                continue
            yield group
            if recording_id == group[0]:
                recording_id = await anext(ids, None)
            group = await anext(groups, None)

    async def _ids(self) -> AsyncIterator[str]:
        async for page in self.all_recordings.ids():
            for recording_id in page:
                yield recording_id

    async def _groups(self) -> AsyncIterator[Group]:
        """The objects of each recording. A page may end in the middle of one."""
        held: Group | None = None
        async for page in self._pages():
            for recording_id, found in groupby(page, lambda listed: keys.recording_of(listed.key)):
                objects = {listed.key: listed for listed in found}
                if held and held[0] == recording_id:
                    held[1].update(objects)
                    continue
                if held:
                    yield held
                held = recording_id, objects
        if held:
            yield held

    async def _pages(self) -> AsyncIterator[list[Listed]]:
        after = ""
        while page := await self.store.listed(keys.RECORDINGS, after):
            yield page
            after = page[-1].key
            await asyncio.sleep(self.pause)

    async def _leftovers(self) -> AsyncIterator[Finding]:
        """Jobs, transcripts, pages and analyses of recordings that are not there."""
        async for made in self.jobs.recordings():
            gone = await self._gone(recording_id for _, recording_id in made)
            for job_id, recording_id in made:
                if recording_id in gone:
                    yield _orphan(Kind.JOB_ORPHANED, recording_id, job_id)
        for kind, pages in (
            (Kind.TRANSCRIPT_ORPHANED, self.transcripts.ids()),
            (Kind.PAGES_ORPHANED, self.document_pages.ids()),
            (Kind.ANALYSES_ORPHANED, self.analyses.ids()),
            (Kind.UPLOAD_REMAINS, self.arrivals.ids()),
        ):
            async for page in pages:
                for recording_id in await self._gone(page):
                    yield _orphan(kind, recording_id)

    async def _pages_left(self) -> AsyncIterator[Finding]:
        """Pages of transcripts and documents whose head and recording are not there: their writer died beside a
        deletion.

        Pages are large, and to read through them may take longer than there is time for: that keeps no other finding
        from its turn.
        """
        for kind, headless in (
            (Kind.TRANSCRIPT_ORPHANED, self.transcripts.headless()),
            (Kind.PAGES_ORPHANED, self.document_pages.headless()),
        ):
            try:
                async for page in headless:
                    for recording_id in await self._gone(page):
                        yield _orphan(kind, recording_id)
            except StoreUnavailable as error:
                log.warning("pages were not all looked at", of=kind.value, reason=str(error))

    async def _gone(self, recording_ids: Iterable[str]) -> set[str]:
        """Those of the recordings that have no document, not even one of a deletion under way."""
        await asyncio.sleep(self.pause)
        wanted = set(recording_ids)
        return wanted - await self.all_recordings.present(wanted)


def _may_work(recording: Recording) -> bool:
    return recording.status in (*WITHOUT_BYTES, RecordingStatus.PROCESSING)


def _orphan(kind: Kind, recording_id: str, subject: str = "") -> Finding:
    return Finding(kind=kind, recording_id=recording_id, subject=subject, detail="Its recording is not there.")
