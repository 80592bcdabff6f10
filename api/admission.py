"""Who may bring new work: a place in the queue for each job that has not ended, some in all and some for one caller.

Uploads that were announced have places of their own, and so have forms that are being received: each of these takes up
memory for as long as it comes.

What waits is what the document store says, counted now and then, and what this process has let in since: within one
process the limits hold exactly; of several, each may be behind the others by the time between two counts. Counting
takes at most a twentieth of the time, however long it takes.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

import structlog

from schemas.problems import Problem
from schemas.settings import Settings
from stores.errors import StoreUnavailable

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 2.0
_PAUSES = 20
_OLD = 10
_FAILED_SECONDS = 1.0
_WAIT_SECONDS = 0.4
_OLD_WAIT_SECONDS = 0.2
"""A call may wait for two counts, and then for a store that is away: together less than three seconds."""
_AGAIN_SECONDS = 5
_JOBS = "of your jobs have not ended yet; more are taken when some have."
_UPLOADS = "of your announced uploads have not come yet; more are taken when some have, or have expired."
_FORMS, _FORMS_OF_ONE = 32, 8
"""Forms that a process receives at a time. Each takes up some 16 MB (see stores/multipart), so all of them 512 MB."""
_ARCHIVES = 8
"""Archives that a process sends at a time; of one caller, one."""

Count = Callable[[], Awaitable[Mapping[str, int]]]


class Admission:
    """The places for jobs, for announced uploads and for forms. Whoever gets none is told so by a Problem queue_full.

    `open_jobs` says how many jobs of each owner have not ended, `awaited` how many announced uploads have not come.
    """

    def __init__(self, settings: Settings, open_jobs: Count, awaited: Count) -> None:
        self._jobs = _Queue(settings.max_queue_size, settings.max_queue_size_per_caller, _JOBS, open_jobs)
        self._uploads = _Queue(math.inf, settings.max_awaited_uploads_per_caller, _UPLOADS, awaited)
        self._forms: Counter[str] = Counter()
        self._archives: Counter[str] = Counter()

    async def expect_room(self, owner_id: str) -> None:
        """Raises Problem queue_full when one more job of the caller would be too many. Takes no place."""
        await self._jobs.expect_room(owner_id)

    def place(self, owner_id: str) -> AbstractAsyncContextManager[None]:
        """A place for one new job of the caller, from before it is made. Raises as `expect_room`.

        What ends in a Problem has made no job and gives the place back; after anything else there may be one.
        """
        return self._jobs.place(owner_id)

    def upload(self, owner_id: str) -> AbstractAsyncContextManager[None]:
        """A place for one new upload that the caller announces. Raises Problem queue_full."""
        return self._uploads.place(owner_id)

    @contextmanager
    def form(self, owner_id: str) -> Iterator[None]:
        """A place for a form of the caller, for as long as it is received. Raises Problem queue_full."""
        if self._forms[owner_id] >= _FORMS_OF_ONE:
            raise _full(f"{_FORMS_OF_ONE} forms of yours are being received; more are taken when some have come.")
        if self._forms.total() >= _FORMS:
            raise _full("The service receives as many forms as it can at a time.")
        with _counted(self._forms, owner_id):
            yield

    @contextmanager
    def archive(self, owner_id: str) -> Iterator[None]:
        """A place for an archive of the caller's, for as long as it is sent. Raises Problem queue_full."""
        if self._archives[owner_id] or self._archives.total() >= _ARCHIVES:
            raise _full("An archive of yours, or as many as the service sends at a time, are on their way.")
        with _counted(self._archives, owner_id):
            yield

    async def close(self) -> None:
        """Ends counts that are under way."""
        for queue in (self._jobs, self._uploads):
            await queue.close()


@contextmanager
def _counted(held: Counter[str], owner_id: str) -> Iterator[None]:
    held[owner_id] += 1
    try:
        yield
    finally:
        held[owner_id] -= 1
        if not held[owner_id]:
            del held[owner_id]


def _full(why: str) -> Problem:
    return Problem("queue_full", why, retry_after=_AGAIN_SECONDS)


class _Queue:
    """So many places in all, and so many of one caller, whom `refusal` tells why there is no other for him.

    A count that is some seconds old is good enough to let somebody in, never to send somebody away. What ends makes
    room with the next count; what is made while a count is under way may count twice until the next.
    """

    def __init__(self, most: float, most_of_one: int, refusal: str, count: Count) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._refusal = refusal
        self._count = count
        self._counting: asyncio.Task[None] | None = None
        self._counted: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._since: Counter[str] = Counter()
        self._during: Counter[str] = Counter()
        self._next_at = self._good_until = 0.0

    async def expect_room(self, owner_id: str) -> None:
        """Raises Problem queue_full when one more of the caller's would be too many. Takes no place.

        Waits a moment for a count where that may change the answer. One that does not come in time, or fails, holds up
        nobody: whoever is let in meets the store next.
        """
        counting = self._latest()
        if self._full(owner_id):
            await asyncio.wait([counting], timeout=_WAIT_SECONDS)
        elif time.monotonic() >= self._good_until:
            await asyncio.wait([counting], timeout=_OLD_WAIT_SECONDS)
        if refusal := self._full(owner_id):
            raise _full(refusal)

    @asynccontextmanager
    async def place(self, owner_id: str) -> AsyncIterator[None]:
        """A place from before something is made. What ends in a Problem has made nothing and gives it back."""
        await self.expect_room(owner_id)
        made = 1
        try:
            with _counted(self._held, owner_id):
                yield
        except Problem:
            made = 0
            raise
        finally:
            self._since[owner_id] += made
            self._during[owner_id] += made

    async def close(self) -> None:
        """Ends a count that is under way."""
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.wait([self._counting])

    def _full(self, owner_id: str) -> str | None:
        """Why there is no place for the caller, for a person; None where there is one."""
        queues = (self._counted, self._since, self._held)
        if sum(queue[owner_id] for queue in queues) >= self._most_of_one:
            return f"{self._most_of_one} {self._refusal}"
        if sum(queue.total() for queue in queues) >= self._most:
            return "The service has as much work waiting as it takes."
        return None

    def _latest(self) -> asyncio.Task[None]:
        """The count that is under way or was made last; a new one when it is time."""
        if self._counting is None or (self._counting.done() and time.monotonic() >= self._next_at):
            self._during = Counter()
            self._counting = asyncio.create_task(self._recount())
            self._counting.add_done_callback(self._noted)
        return self._counting

    async def _recount(self) -> None:
        began = time.monotonic()
        counted = await self._count()
        self._counted, self._since, self._during = Counter(counted), self._during, Counter()
        ended = time.monotonic()
        fresh = max(_FRESH_SECONDS, _PAUSES * (ended - began))
        self._next_at, self._good_until = ended + fresh, ended + _OLD * fresh

    def _noted(self, counting: asyncio.Task[None]) -> None:
        if not counting.cancelled() and (error := counting.exception()):
            self._next_at = time.monotonic() + _FAILED_SECONDS
            unforeseen = None if isinstance(error, StoreUnavailable) else error
            log.warning("what waits could not be counted", reason=str(error), exc_info=unforeseen)
