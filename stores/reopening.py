"""A recording that was closed since its recorder had vanished, and whose recorder is back: it goes on where it was.

What came of it becomes the beginning of a new upload under the same id, with a job of its own; the object that was made
of it stays where it is, and whoever follows the upload reads the beginning there, until the longer one takes its place.
The bytes are copied first, and then the recording is handed over by one compare-and-set: of two who do so at the same
moment one is refused, and a death before it leaves at most parts that nobody names.
"""

from collections.abc import AsyncIterator
from datetime import datetime

from schemas.ids import new_id
from schemas.recordings import Recording
from schemas.time import now
from stores.deletion import Deletion
from stores.resumable import Arrival, Assembly, Gone, Moved, Part, Piece
from stores.resumable.arrival import LEAST_PART_BYTES, MIB
from stores.sending import Body

_COPIED_BYTES = 64 * MIB
"""So much of the object becomes one part of the new upload."""
_CONTENT_TYPE = "application/octet-stream"


class Unfinished(Exception):
    """Work on what came before is still under way."""


class Reopening:
    """Reopens recordings. Methods raise StoreUnavailable."""

    def __init__(self, stores: Deletion, assembly: Assembly) -> None:
        self._stores, self._assembly = stores, assembly

    async def reopen(self, recording: Recording, expires_at: datetime) -> tuple[Recording, Arrival]:
        """The recording under its new job's id, and its upload, which is where the recording had ended.

        Raises Unfinished; Gone when its object is not there any more, Moved when somebody else has changed it.
        """
        jobs = await self._stores.jobs.get_many(recording.every_job_id)
        if any(not job.status.ended for job in jobs):
            raise Unfinished(recording.id)
        stat = await self._stores.objects.stat(recording.object_key)
        if stat is None or stat.size_bytes != recording.size_bytes:
            raise Gone(recording.id)
        upload = Arrival(
            id=recording.id,
            owner_id=recording.owner_id,
            length=None,
            metadata="",
            expires_at=expires_at,
            updated_at=now(),
            live=True,
            reopened=0,
        )
        upload = await self._with_beginning(upload, recording)
        return await self._handed_over(recording, upload), upload

    async def _with_beginning(self, upload: Arrival, recording: Recording) -> Arrival:
        if recording.size_bytes < LEAST_PART_BYTES:
            body = await self._stores.objects.read(recording.object_key)
            stored = await self._assembly.piece(upload.id, 0, body)
            assert isinstance(stored.what, Piece)
            return upload.beginning_with(tail=(stored.what,))
        key = recording.object_key
        begun = await self._stores.objects.parts.begin(key, _CONTENT_TYPE)
        ranges = enumerate(_ranges(recording.size_bytes), start=1)
        parts = [await self._copied(key, begun, number, start, size) for number, (start, size) in ranges]
        return upload.beginning_with(upload_id=begun, parts=tuple(parts))

    async def _copied(self, key: str, upload_id: str, number: int, start: int, size: int) -> Part:
        async def chunks() -> AsyncIterator[bytes]:
            async with self._stores.objects.open(key, start, size) as body:
                async for chunk in body:
                    yield chunk

        etag = await self._stores.objects.parts.put(key, upload_id, number, Body(size, chunks))
        return Part(number, size, etag)

    async def _handed_over(self, recording: Recording, upload: Arrival) -> Recording:
        reopened = await self._stores.recordings.reopen(recording, new_id())
        if reopened is None:
            if upload.upload_id:
                await self._stores.objects.parts.abort(recording.object_key, upload.upload_id)
            raise Moved(f"{recording.id} has changed")
        await self._stores.arrivals.create(upload)
        return reopened


def _ranges(size: int) -> list[tuple[int, int]]:
    """Where each part begins and how long it is; the last takes what is left over, so that none is too small."""
    count = max(size // _COPIED_BYTES, 1)
    starts = [number * _COPIED_BYTES for number in range(count)]
    return [(start, _COPIED_BYTES) for start in starts[:-1]] + [(starts[-1], size - starts[-1])]
