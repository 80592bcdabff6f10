"""The fan-out of progress: every node reads the whole topic, without a group, and drops what nobody here watches.

A watcher subscribes first, then reads the job from the document store, then gets only what is newer. What Kafka loses
or delays is made good: watched jobs are read from the document store again every few seconds, and after a reconnect.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from api.awake import within
from api.frames import Frame, Watcher, frame_in, frame_of
from api.metrics import Metrics
from api.slots import Slot
from schemas.failures import Retryable
from schemas.jobs import Job
from schemas.settings import Settings
from schemas.topics import Topic
from stores.errors import StoreUnavailable
from stores.jobs import Jobs
from stores.topics import ping

log = structlog.get_logger(__name__)

_REREAD_SECONDS, _REREAD_BLIND_SECONDS = 10.0, 2.0
_START_SECONDS = 20.0
_SILENCE_MS = 2000
_ANSWER_SECONDS = 3.0
_BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0)
_RECORDS = 2000
"""Handed out without a pause: so many take some 20 ms. The more come at once, the more go to a client in one write."""
_FEW, _TOGETHER_SECONDS = 100, 0.005
"""After fewer events than that a moment passes before more are asked for: asking for each as it comes costs a third of
what a node can deliver. While there are none Kafka holds the question: to ask every five milliseconds took 11 % of a
processor of Kafka's, and 4 % of the node's, for nothing."""
_JOBS_A_READ = 200


class Progress:
    """Hands the states of jobs to those who watch them. Use as an async context manager inside a running loop."""

    def __init__(self, settings: Settings, jobs: Jobs, metrics: Metrics) -> None:
        self._settings = settings
        self._jobs = jobs
        self._watched = metrics.progress_events.labels("watched")
        self._unwatched = metrics.progress_events.labels("other")
        self._watchers: dict[str, set[Watcher]] = {}
        self._guests: set[Watcher] = set()
        self._offered: dict[str, int] = {}
        """The newest version that all who watch a job were offered; whoever comes later reads at least that."""
        self._following = False
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Progress":
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._reread())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def close(self) -> None:
        """Sends every watcher away, and those who come later. For the shutdown."""
        self._closed = True
        for watcher in self._guests.union(*self._watchers.values()):
            watcher.close()

    @contextmanager
    def subscribed(self, job_id: str) -> Iterator[Slot]:
        """A slot that gets every newer state of the job, until the block ends."""
        slot = Slot()
        self.add(job_id, slot)
        try:
            yield slot
        finally:
            self.remove(job_id, slot)

    @contextmanager
    def hosted(self, watcher: Watcher) -> Iterator[None]:
        """Has the watcher closed with the others at the shutdown, whatever it watches, until the block ends."""
        self._guests.add(watcher)
        if self._closed:
            watcher.close()
        try:
            yield
        finally:
            self._guests.discard(watcher)

    def add(self, job_id: str, watcher: Watcher) -> None:
        """Gives the watcher every newer state of the job from now on. Harmless when repeated."""
        self._watchers.setdefault(job_id, set()).add(watcher)
        if self._closed:
            watcher.close()

    def remove(self, job_id: str, watcher: Watcher) -> None:
        """Gives the watcher nothing more of the job. Harmless when repeated."""
        watchers = self._watchers.get(job_id, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(job_id, None)
            self._offered.pop(job_id, None)

    def tell(self, job: Job) -> None:
        """Hands a state that this node has made to those who watch the job here. Kafka takes it to the other nodes."""
        if job.id in self._watchers:
            self._offer(frame_of(job))

    async def _follow(self) -> None:
        """Reads the topic for ever; when Kafka is away, again and again."""
        failures = 0
        while True:
            try:
                await self._read_topic()
            except (KafkaError, Retryable, OSError, TimeoutError) as error:
                log.warning("progress cannot be followed", reason=str(error) or type(error).__name__)
            except Exception:  # the task's edge: watchers must not go blind for a reason that nobody foresaw
                log.exception("progress cannot be followed")
            failures = 0 if self._following else min(failures + 1, len(_BACKOFF_SECONDS) - 1)
            self._following = False
            await asyncio.sleep(_BACKOFF_SECONDS[failures])

    async def _read_topic(self) -> None:
        await ping(self._settings, 5)  # a consumer of a topic that does not exist yet would stay silent
        consumer = AIOKafkaConsumer(
            Topic.PROGRESS.value,
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            request_timeout_ms=10_000,
            metadata_max_age_ms=60_000,
            retry_backoff_ms=500,
        )
        try:
            await within(_START_SECONDS, _start(consumer))
            self._following = True
            await self._refresh()
            while True:
                batches = await consumer.getmany(timeout_ms=_SILENCE_MS, max_records=_RECORDS)
                if not batches:
                    await _expect_answer(consumer)
                elif sum(map(len, batches.values())) < _FEW:
                    await self._deliver_slowly(consumer, batches)
                else:
                    self._deliver(batches)
        finally:
            await consumer.stop()

    async def _deliver_slowly(self, consumer: AIOKafkaConsumer, batches: dict[Any, list[Any]]) -> None:
        """Hands them out, and lets a few more gather before they are asked for.

        No partition is asked about meanwhile: a broker answers one question at a time, and might hold that one.
        """
        partitions = consumer.assignment()
        consumer.pause(*partitions)
        self._deliver(batches)
        await asyncio.sleep(_TOGETHER_SECONDS)
        consumer.resume(*partitions)

    def _deliver(self, batches: dict[Any, list[Any]]) -> None:
        records = [record for batch in batches.values() for record in batch]
        watched = [record.value for record in records if (record.key or b"").decode(errors="replace") in self._watchers]
        self._watched.inc(len(watched))
        self._unwatched.inc(len(records) - len(watched))
        for value in filter(None, watched):
            self._hand_out(value)

    def _hand_out(self, value: bytes) -> None:
        try:
            self._offer(frame_in(value))
        except ValueError as error:
            log.warning("a progress event could not be read", reason=str(error)[:300])

    def _offer(self, frame: Frame) -> None:
        self._offered[frame.job_id] = max(frame.version, self._offered.get(frame.job_id, 0))
        for watcher in tuple(self._watchers.get(frame.job_id, ())):
            watcher.put(frame)

    async def _reread(self) -> None:
        waited = 0.0
        while True:
            await asyncio.sleep(_REREAD_BLIND_SECONDS)
            waited += _REREAD_BLIND_SECONDS
            if self._following and waited < _REREAD_SECONDS:
                continue
            waited = 0.0
            try:
                await self._refresh()
            except StoreUnavailable as error:
                log.warning("watched jobs cannot be read", reason=str(error))
            except Exception:  # the task's edge, as above
                log.exception("watched jobs cannot be read")

    async def _refresh(self) -> None:
        """Offers every watcher its job's state as the document store has it, and says which jobs are gone."""
        watched = list(self._watchers)
        for first in range(0, len(watched), _JOBS_A_READ):
            asked = watched[first : first + _JOBS_A_READ]
            versions = await self._jobs.versions(asked)
            newer = [job_id for job_id, version in versions.items() if version > self._offered.get(job_id, 0)]
            for job in await self._jobs.get_many(newer):
                self.tell(job)
            for job_id in set(asked) - versions.keys():
                for watcher in tuple(self._watchers.get(job_id, ())):
                    watcher.gone(job_id)


async def _start(consumer: AIOKafkaConsumer) -> None:
    await consumer.start()
    await consumer.seek_to_end()


async def _expect_answer(consumer: AIOKafkaConsumer) -> None:
    """Raises unless Kafka answers: to the consumer itself a Kafka that is away is only silent.

    While this process is held up the consumer keeps its place, and goes on there.
    """
    await within(_ANSWER_SECONDS, consumer.end_offsets(consumer.assignment()))
