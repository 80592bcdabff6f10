"""What must follow a change of a job: its facts on Kafka, its recording's status, and the news to its watchers.

The change itself is already durable and says what is owed (`outbox`, `announce`). Whoever made it calls `settle`; if
that process dies in between, the sweeper does. Everything here may happen twice and then is the same. What is paid is
crossed off a moment later, many jobs at a time; by then the claim of the next step has often done it.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

import structlog

from schemas.events import JobProgressed, read_event
from schemas.failures import Retryable
from schemas.jobs import Job, view
from schemas.pipeline import TAKES_IN
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost, StoreUnavailable
from stores.jobs import Debt, Jobs
from stores.publisher import Publisher
from stores.recordings import Recordings

log = structlog.get_logger(__name__)

_TELL_SECONDS = 0.03
_CROSS_OFF_SECONDS = 3.0
_TOGETHER = 200


@dataclass(frozen=True)
class _Paid:
    """What was paid of a job: the facts, and the news of its version. `job` is the newest state that is known of it."""

    job: Job
    facts: frozenset[str]


class Outbox:
    """Pays what a job's document owes. Methods raise StoreUnavailable; what was not paid stays owed.

    Use as an async context manager: leaving it crosses off what was paid. `pause` is how many seconds pass before;
    with 0 nothing is put off, neither that nor the news.
    """

    def __init__(
        self, jobs: Jobs, recordings: Recordings, publisher: Publisher, pause: float = _CROSS_OFF_SECONDS
    ) -> None:
        self._jobs = jobs
        self._recordings = recordings
        self._publisher = publisher
        self._pause = pause
        self._news: dict[str, Job] = {}
        self._paid: dict[str, _Paid] = {}
        self._one_at_a_time = asyncio.Lock()
        self._telling: asyncio.Task[None] | None = None
        self._crossing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Outbox":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._telling, self._crossing) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._cross_off()

    async def settle(self, job: Job, *, whole: bool = False) -> None:
        """Publishes the facts that are owed, brings the recording in line, tells the watchers, and crosses it off.

        The recording follows when its job has come to its end; with `whole` always, for a job that somebody may have
        left half settled. Returns when the facts are on Kafka.
        """
        facts = [read_event(fact) for fact in job.facts if fact["id"] in job.outbox]
        if whole and job.job_type in TAKES_IN:
            await self._recordings.follow(job)  # before the fact wakes a worker, which needs what was accepted
        for fact in facts:  # mostly one
            await self._publisher.publish(fact)
        if not whole and job.job_type in TAKES_IN and (job.requests or job.status.ended):
            await self._recordings.follow(job)
        self._remember(job)
        if job.announce:
            await self.announce(job)
        if self._pause == 0:
            await self._cross_off()
        elif self._crossing is None or self._crossing.done():
            self._crossing = asyncio.create_task(self._cross_off_later())

    async def announce(self, job: Job) -> None:
        """Tells the watchers the job's state, in a moment: of several the newest. Not durable by itself."""
        known = self._news.get(job.id)
        if known is None or known.version <= job.version:
            self._news[job.id] = job
        if self._pause == 0:
            await self._tell()
        elif self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_later())

    async def _tell_later(self) -> None:
        while self._news:
            await asyncio.sleep(_TELL_SECONDS)
            await self._tell()

    async def _tell(self) -> None:
        """Publishes the news. What Kafka does not take is still owed by the job: the sweeper tells it."""
        async with self._one_at_a_time:
            news, self._news = self._news, {}
            told = await asyncio.gather(
                *(self._publisher.publish(progressed(job)) for job in news.values()), return_exceptions=True
            )
        for job, error in zip(news.values(), told, strict=True):
            if isinstance(error, StoreUnavailable):
                self._paid.pop(job.id, None)
                log.warning("news not told", job_id=job.id, reason=str(error))
            elif isinstance(error, BaseException):
                raise error

    def _remember(self, job: Job) -> None:
        """Notes the facts as paid, and the news, which are told before they are crossed off."""
        before = self._paid.get(job.id)
        known = before.job if before and before.job.revision > job.revision else job
        ids = before.facts | set(job.outbox) if before else frozenset(job.outbox)
        self._paid[job.id] = _Paid(known, ids)

    async def _cross_off_later(self) -> None:
        while self._paid:
            await asyncio.sleep(self._pause)
            await self._cross_off()

    async def _cross_off(self) -> None:
        """Crosses off what was paid. Where that fails it stays owed: the sweeper pays it once more."""
        due = list(self._paid.items())  # what is paid from now on is told, and crossed off, the next time
        await self._tell()
        for first in range(0, len(due), _TOGETHER):
            paid = {job_id: one for job_id, one in due[first : first + _TOGETHER] if self._paid.get(job_id) is one}
            for job_id in paid:
                del self._paid[job_id]
            try:
                await self._cross_off_all(paid)
            except Retryable as error:
                log.warning("what was paid is not crossed off", jobs=len(paid), reason=str(error))
                return

    async def _cross_off_all(self, paid: Mapping[str, "_Paid"]) -> None:
        """Those that are alike at one go; of the others, each that still owes what was paid."""
        owed = await self._jobs.debts(tuple(paid))
        same = [paid[job_id].job for job_id, debt in owed.items() if _unchanged(paid[job_id], debt)]
        others = {job_id: owed[job_id] for job_id in owed.keys() - {job.id for job in same}}
        for look_at, jobs in _alike(same):
            if not await self._jobs.cross_off(jobs, look_at):
                others |= await self._jobs.debts([job.id for job in jobs])
        await asyncio.gather(*(self._cross_off_one(paid[job_id], debt) for job_id, debt in others.items()))

    async def _cross_off_one(self, paid: "_Paid", debt: Debt) -> None:
        job, version = paid.job, paid.job.version
        if paid.facts.isdisjoint(debt.outbox) and not (debt.announce and debt.version == version):
            return
        known = job if job.revision == debt.revision else None
        try:
            await self._jobs.change(job.id, lambda job: lifecycle.published(job, paid.facts, version, now()), known)
        except LeaseLost:  # the job was deleted meanwhile: nothing is owed any more
            return


def _unchanged(paid: _Paid, debt: Debt) -> bool:
    """Whether the job is as it was when it was paid, and will owe nothing when that is crossed off."""
    job, owing = paid.job, debt.outbox or debt.announce
    return bool(owing) and job.revision == debt.revision and lifecycle.owes_only(job, paid.facts, job.version)


def _alike(jobs: list[Job]) -> Iterator[tuple[datetime | None, list[Job]]]:
    """Jobs of one revision whose next looks are within a second, with the last of these: alarms are no more exact."""
    groups: dict[tuple[int, datetime | None], list[tuple[datetime | None, Job]]] = {}
    for job in jobs:
        look_at = lifecycle.next_look(job)
        groups.setdefault((job.revision, look_at and look_at.replace(microsecond=0)), []).append((look_at, job))
    for group in groups.values():
        yield max((look_at for look_at, _ in group if look_at), default=None), [job for _, job in group]


def progressed(job: Job) -> JobProgressed:
    """The event that tells the job's present state."""
    return JobProgressed(
        id=f"{job.id}/{job.version}",
        recording_id=job.recording_id,
        owner_id=job.owner_id,
        job_id=job.id,
        version=job.version,
        status=job.status,
        job=view(job),
    )
