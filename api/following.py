"""One websocket that follows many jobs: what its client asks for, and what is told it."""

import asyncio
from contextlib import ExitStack

from aiohttp import WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from api.binding import count
from api.frames import Frame, frame_of
from api.keys import PROGRESS
from api.outlets import Outlet
from api.ownership import readable_jobs
from api.problems import wrong_fields
from schemas.jobs import Job
from schemas.pipeline import JobType
from schemas.problems import Problem
from schemas.rates import RateClass
from schemas.watching import JOBS_A_SOCKET, Asked, Ping, Pong, Refused, Subscribe, Subscribed, Unsubscribed
from stores.errors import StoreUnavailable

_REFUSALS = 50
"""So many frames of a websocket are refused before it is closed: no client that is well has so many."""
_JOBS_A_READ = 10
"""To subscribe to so many jobs costs the service about as much as one request that reads."""


def state(frame: Frame) -> bytes:
    """The text frame of a job's state: schemas.watching.State."""
    return b'{"type":"state","job":' + frame.body + b"}"


class Following:
    """The jobs that one websocket follows. Use as a context manager: leaving it follows nothing any more."""

    def __init__(self, request: web.Request, outlet: Outlet) -> None:
        self._request = request
        self._outlet = outlet
        self._progress = request.app[PROGRESS]
        self._refused = 0
        self._shared: set[str] = set()
        """Those that take in lectures: whoever is not linked to one any more may not read it either."""

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop(*self._outlet.followed)

    async def listen(self, ws: web.WebSocketResponse, stall: float) -> None:
        """Does what the client asks for until it leaves; no faster than it takes the answers.

        Raises TimeoutError when it takes nothing for `stall` seconds; Problem invalid_request, which the client has
        been told, when too much of what it asked had to be refused.
        """
        async for message in ws:
            async with asyncio.timeout(stall):
                await self._request.writer.drain()
            await self._answer(message)
            await asyncio.sleep(0)  # what has come is read without a pause: others have their turn

    async def _answer(self, message: WSMessage) -> None:
        try:
            await count(self._request, RateClass.READ)
            await self._do(message)
        except ValidationError as error:
            self._refuse(wrong_fields(error))
        except Problem as problem:
            self._refuse(problem)
        except StoreUnavailable:
            self._tell(_refusal(Problem("unavailable", "The jobs cannot be read at the moment; ask again.")))

    async def _do(self, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            raise Problem("invalid_request", "Only text frames are understood here.")
        asked = Asked.model_validate_json(message.data).root
        if isinstance(asked, Ping):
            self._tell(Pong(id=asked.id))
        elif isinstance(asked, Subscribe):
            await self._subscribe({job.id: job.seen for job in asked.jobs})
        else:
            self.drop(*asked.jobs)
            self._tell(Unsubscribed(jobs=asked.jobs))

    def _refuse(self, problem: Problem) -> None:
        self._tell(_refusal(problem))
        self._refused += 1
        if self._refused >= _REFUSALS:
            last = Problem("invalid_request", f"{_REFUSALS} frames had to be refused; the websocket is closed.")
            self._tell(_refusal(last))
            raise last

    async def _subscribe(self, asked: dict[str, int]) -> None:
        """Follows those of the jobs that the caller may read; of the others nothing ever reaches the outlet."""
        await count(self._request, RateClass.READ, len(asked) // _JOBS_A_READ)
        if len(self._outlet.followed | asked.keys()) > JOBS_A_SOCKET:
            raise Problem("too_many", f"One websocket follows {JOBS_A_SOCKET} jobs at most.")
        with ExitStack() as waiting:
            slots = {job_id: waiting.enter_context(self._progress.subscribed(job_id)) for job_id in asked}
            found = await readable_jobs(self._request, tuple(asked))
            for job_id, job in found.items():
                self._follow(job, asked[job_id])
                if newest := slots[job_id].waiting:
                    self._outlet.put(newest)
        if found:
            self._tell(Subscribed(jobs=tuple(found)))
        if unknown := tuple(job_id for job_id in asked if job_id not in found):
            self._tell(_refusal(Problem("not_found", "There are no such jobs."), unknown))

    def _follow(self, job: Job, seen: int) -> None:
        self._outlet.follow(job.id, seen if seen <= job.version else 0)
        self._progress.add(job.id, self._outlet)
        self._outlet.put(frame_of(job))
        if job.job_type is JobType.LECTURE:
            self._shared.add(job.id)

    def drop(self, *job_ids: str) -> None:
        """Follows the jobs no longer. Harmless when repeated."""
        for job_id in job_ids:
            self._progress.remove(job_id, self._outlet)
            self._outlet.forget(job_id)
        self._shared.difference_update(job_ids)

    def report(self) -> bool:
        """Drops what is gone, and says so. Always false: many jobs have no end."""
        if gone := tuple(self._outlet.take_gone()):
            self.drop(*gone)
            self._tell(Unsubscribed(jobs=gone, gone=True))
        return False

    async def look(self) -> None:
        """Lets those lectures go that the caller is not linked to any more."""
        if self._shared:
            found = await readable_jobs(self._request, tuple(self._shared))
            for job_id in self._shared - found.keys():
                self._outlet.gone(job_id)

    def _tell(self, told: BaseModel) -> None:
        self._outlet.tell(told.model_dump_json().encode())


def _refusal(problem: Problem, jobs: tuple[str, ...] = ()) -> Refused:
    return Refused(jobs=jobs, problem=problem.body())
