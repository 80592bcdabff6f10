"""A recorder that comes back to a recording which was closed without it: whether it may go on, and once at a time.

What was closed is a normal recording by then. So what is being made of it is made first, and the recorder is asked to
wait; then the upload begins again where the recording had ended, with a new job, and takes the usual way.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from schemas.problems import Problem
from schemas.recordings import Recording
from schemas.time import after, now
from stores.deletion import Deletion
from stores.errors import OnHold
from stores.recordings import WITHOUT_BYTES
from stores.reopening import Reopening, Unfinished
from stores.resumable import Arrival, Assembly

log = structlog.get_logger(__name__)

_WORK_SECONDS = 5
_COPY_SECONDS = 2


class Reopenings:
    """Reopens recordings. What is under way here goes on when whoever asked for it has gone.

    A recorder may be away for `seconds`, and `began` is told of what was reopened, which has no job yet.
    """

    def __init__(
        self, stores: Deletion, assembly: Assembly, seconds: float, began: Callable[[Recording], Awaitable[None]]
    ) -> None:
        self._stores, self._began, self._seconds = stores, began, seconds
        self._reopening = Reopening(stores, assembly)
        self._under_way: dict[str, asyncio.Task[Arrival]] = {}

    def may_go_on(self, recording: Recording) -> bool:
        """Whether it was closed without its recorder, not too long ago, and its bytes are still there."""
        if recording.vanished_at is None or not recording.resumable:
            return False
        late = recording.vanished_at + timedelta(seconds=self._seconds) <= now()
        return not late and (recording.status in WITHOUT_BYTES or recording.original_there)

    async def close(self) -> None:
        """Ends what is under way; a recorder that asks again begins it anew."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def reopen(self, recording: Recording) -> Arrival:
        """The recording's upload, with all that had come. Raises Problem upload_locked, upload_gone; Gone, Moved."""
        if recording.id in self._under_way or recording.status in WITHOUT_BYTES:
            raise Problem("upload_locked", "The recording is being reopened.", retry_after=_COPY_SECONDS)
        task = asyncio.create_task(self._reopen(recording))
        self._under_way[recording.id] = task
        task.add_done_callback(lambda done: self._done(recording.id, done))
        return await asyncio.shield(task)

    def _done(self, recording_id: str, task: asyncio.Task[Arrival]) -> None:
        del self._under_way[recording_id]
        if not task.cancelled() and (error := task.exception()):
            log.info("a recording was not reopened", recording_id=recording_id, reason=str(error))

    async def _reopen(self, recording: Recording) -> Arrival:
        try:
            await self._stores.expect_free(recording)
            reopened, upload = await self._reopening.reopen(recording, after(self._seconds))
        except OnHold as hold:
            raise Problem("upload_gone", "The recording has ended and is on hold; nothing can be added.") from hold
        except Unfinished as unfinished:
            detail = "What came before is still being worked on; the recording goes on after that."
            raise Problem("upload_locked", detail, retry_after=_WORK_SECONDS) from unfinished
        log.info("a recording goes on", recording_id=recording.id, job_id=reopened.job_id, offset=upload.offset)
        await self._began(reopened)
        return upload
