"""All stores of one installation without a server, each thing in them as old as the test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from schemas.ids import new_id
from schemas.media import Rendition, RenditionKind, Thumbnail
from schemas.recordings import Recording, RecordingStatus, Source
from schemas.settings import Settings
from schemas.time import now
from stores import keys
from stores.analyses import AnalysesStore
from stores.copies import Copies
from stores.deletion import Deletion
from stores.errors import StoreUnavailable
from stores.folders import Folders
from stores.jobs import Jobs
from stores.multipart import OpenUpload
from stores.objects import Listed, ObjectMissing, ObjectStat
from stores.outbox import Outbox
from stores.pages import Pages
from stores.reconciler import Reconciler
from stores.recordings import Recordings
from stores.resumable import Arrivals
from stores.transcripts import Transcripts
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.stores.multipart import MemoryParts, chunks_of
from tests.unit.streams.fakes import FakePublisher, etag_of

WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(100)
OLD = 24 * 60
"""Minutes: older than anything is waited for."""
PAGE = 7


class Bucket:
    """Objects and uploads in parts, with their ages; a listing has PAGE keys. `away` refuses."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, Any]] = {}
        self.uploads: list[OpenUpload] = []
        self.away = False
        self.parts = MemoryParts(self.store)

    def store(self, key: str, body: bytes = b"x", minutes: float = OLD) -> None:
        self.objects[key] = body, now() - timedelta(minutes=minutes)

    def begin(self, key: str, minutes: float = OLD) -> None:
        self.uploads.append(OpenUpload(key=key, upload_id=new_id(), begun=now() - timedelta(minutes=minutes)))

    async def stat(self, key: str) -> ObjectStat | None:
        self._answer()
        if key not in self.objects:
            return None
        body = self.objects[key][0]
        return ObjectStat(size_bytes=len(body), content_type="", etag=etag_of(body))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._answer()
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key][0][start:][:length]

    @asynccontextmanager
    async def open(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        yield chunks_of(await self.read(key, start, length))

    async def beginning(self, key: str, length: int) -> tuple[ObjectStat, bytes] | None:
        stat = await self.stat(key)
        return stat and (stat, self.objects[key][0][:length])

    async def listed(self, prefix: str, after: str = "") -> list[Listed]:
        self._answer()
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > after)[:PAGE]
        return [
            Listed(key=key, size_bytes=len(body), etag=etag_of(body), modified=modified)
            for key in found
            for body, modified in [self.objects[key]]
        ]

    async def open_uploads(self, prefix: str) -> list[OpenUpload]:
        self._answer()
        return [upload for upload in self.uploads if upload.key.startswith(prefix)]

    async def abort(self, upload: OpenUpload) -> None:
        self._answer()
        self.uploads = [other for other in self.uploads if other != upload]

    async def put(self, key: str, body: bytes, content_type: str) -> int:
        self._answer()
        self.store(key, body, 0)
        return len(body)

    async def delete(self, key: str) -> None:
        self._answer()
        self.objects.pop(key, None)

    async def delete_many(self, found: list[str]) -> None:
        for key in found:
            await self.delete(key)

    async def delete_prefix(self, prefix: str) -> None:
        self._answer()
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("object store", "it is away")


class House:
    """The stores, the reconciler over them, and a hand on each of the fakes."""

    def __init__(self, **changes: Any) -> None:
        self.settings = Settings().model_copy(update=changes)
        self.database = MemoryDatabase()
        self.bucket = Bucket()
        self.publisher = FakePublisher()
        self.jobs, self.recordings = Jobs(self.database), Recordings(self.database)
        self.transcripts, self.analyses = Transcripts(self.database), AnalysesStore(self.database)
        self.folders = Folders(self.database)
        self.arrivals = Arrivals(self.database)
        self.outbox = Outbox(self.jobs, self.recordings, self.publisher, pause=0)
        self.deletion = Deletion(
            jobs=self.jobs,
            recordings=self.recordings,
            transcripts=self.transcripts,
            pages=Pages(self.database),
            copies=Copies(self.database),
            analyses=self.analyses,
            arrivals=self.arrivals,
            objects=self.bucket,
            outbox=self.outbox,
            publisher=self.publisher,
            folders=self.folders,
        )
        self.reconciler = Reconciler(self.deletion, self.settings, pause=0)

    async def recording(self, minutes: float = OLD, **fields: Any) -> Recording:
        """A recording that was made so long ago, and is untouched since."""
        made = now() - timedelta(minutes=minutes)
        recording = a_recording(**{"created_at": made, "updated_at": made, "size_bytes": len(WEBM), **fields})
        await self.recordings.create(recording)
        return recording

    async def awaiting(self, minutes: float = OLD, **fields: Any) -> Recording:
        """A recording whose upload was announced so long ago."""
        return await self.recording(
            minutes, **{"status": RecordingStatus.AWAITING_UPLOAD, "content_type": None, **fields}
        )

    async def form(self, minutes: float = OLD, **fields: Any) -> Recording:
        """A recording that is received as a form, and gave its last sign of life so long ago."""
        form = {"source": Source.MULTIPART, "size_bytes": 0, "content_type": "video/webm"}
        return await self.awaiting(minutes, **{**form, **fields})

    async def completed(self, minutes: float = OLD, **fields: Any) -> Recording:
        """A recording of which everything is there, its job too."""
        recording_id = new_id()
        video, picture = keys.rendition(recording_id, "video.mp4"), keys.thumbnail(recording_id, 0)
        recording = await self.recording(
            minutes,
            id=recording_id,
            object_key=keys.original(recording_id),
            status=RecordingStatus.COMPLETED,
            etag=etag_of(WEBM),
            renditions=[Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=1, key=video)],
            thumbnails=[Thumbnail(at=0, key=picture, width=1, height=1)],
            fences={"audio": "x"},
            **fields,
        )
        await self.jobs.create(a_job(recording).model_copy(update={"outbox": []}))
        for key in (video, picture):
            self.bucket.store(key)
        self.bucket.store(recording.object_key, WEBM)
        return recording

    def touch(self, recording: Recording, minutes: float) -> None:
        """Somebody wrote to the recording so long ago, and nobody since."""
        self.database["recordings"]._documents[recording.id]["updated_at"] = now() - timedelta(minutes=minutes)

    def keys_of(self, recording: Recording) -> list[str]:
        """What the bucket holds of a recording."""
        return sorted(key for key in self.bucket.objects if key.startswith(keys.recording_prefix(recording.id)))

    async def found(self) -> list[tuple[str, str]]:
        """The kinds that a look finds now, with their recordings; looking changes nothing."""
        before = self.state()
        report = await self.reconciler.find()
        assert self.state() == before
        return [(finding.kind.value, finding.recording_id) for finding in report.findings]

    async def reconciled(self, *, hold: bool = True) -> list[tuple[str, str]]:
        """The kinds that a run found, with what came of each."""
        report = await self.reconciler.run(hold=hold)
        return [(finding.kind.value, finding.outcome.value) for finding in report.findings]

    def state(self) -> object:
        """Everything in every store, but how many recordings an account has had (stores/places), and stores/traces."""
        documents = {name: dict(found._documents) for name, found in self.database._collections.items()}
        for name in ("places", "deleted_recordings"):
            documents.pop(name, None)
        return {name: found for name, found in documents.items() if found}, dict(self.bucket.objects)
