"""The runner: claim, ack, work. One a stage; the main path of every step, top to bottom.

A Kafka message only wakes; the step in MongoDB is the truth. A free slot is taken before an event, so what is not
claimed stays on Kafka and lag is the true backlog. The claim is a compare-and-set; then the event is acknowledged and
the work runs as a task (see streams/attempt) with a lease that is renewed. Whatever happens to the worker, the lease
runs out and the sweeper wakes the step again; whatever a repeat writes, it writes over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from schemas.events import DeadLetter, Event, event_id, read_event
from schemas.time import now
from stores import lifecycle
from stores.errors import LeaseLost
from streams.attempt import Attempt
from streams.context import Intelligence
from streams.resources import Resources
from streams.stage import Stage
from streams.waiting import until_stores_answer

log = structlog.get_logger(__name__)

GIVE_BACK_SECONDS = 5.0
"""How long a runner that closes tries to give its work back."""

_BURIED_BYTES = 64 * 1024
"""How much of an unreadable message a dead letter keeps: all of it, escaped, could exceed what Kafka takes."""


class Message(Protocol):
    """An event as Faust hands it over: its raw value, and the Kafka message that it came in."""

    value: bytes
    message: Any


class Runner:
    """Runs one stage in this process with a number of slots, under one name as owner."""

    def __init__(self, stage: Stage, resources: Resources, intelligence: Intelligence, owner: str) -> None:
        self._stage = stage
        self._resources = resources
        self._intelligence = intelligence
        self._owner = owner
        self._slots = asyncio.Semaphore(resources.settings.worker_concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._log = log.bind(stage=stage.name, owner=owner)

    async def consume(self, messages: AsyncIterator[Message], ack: Callable[[Any], Awaitable[Any]]) -> None:
        """Takes messages for as long as there are any: a slot first, then a message; claim, acknowledge, work."""
        while True:
            await self._slots.acquire()
            attempt = None
            try:
                message = await anext(messages)
                attempt = await self._claim(message)
                await ack(message)
            except StopAsyncIteration:
                return
            finally:
                self._start(attempt)

    async def close(self) -> None:
        """Claims nothing more, lets work in hand finish for the grace period, then gives it back."""
        self._closing = True
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=self._resources.settings.shutdown_grace_seconds)
        for task in tasks:
            task.cancel()
        if tasks:  # a store that is away must not hold up the end: the leases run out anyway
            await asyncio.wait(tasks, timeout=GIVE_BACK_SECONDS)

    async def _claim(self, message: Message) -> Attempt | None:
        """The step that the message wakes, now ours; None when there is nothing to do for us."""
        try:
            event = read_event(message.value)
        except ValidationError as error:
            await self._bury(message, error)
            return None
        if self._closing:  # unacknowledged, the message comes again to somebody else
            await asyncio.Event().wait()
        if not self._stage.wakes_on(event):
            return None
        try:
            return await until_stores_answer(lambda: self._try_claim(event))
        except Exception:  # a job that this version cannot read must not end the stage
            log.exception("claim failed", stage=self._stage.name, job_id=event.job_id)
            return None

    async def _try_claim(self, event: Event) -> Attempt | None:
        name, lease = self._stage.name, self._resources.settings.lease_seconds
        try:
            job, step = await self._resources.jobs.change(
                event.job_id, lambda job: lifecycle.claim(job, name, event.id, self._owner, lease, now())
            )
        except (lifecycle.Refused, LeaseLost) as refusal:
            self._log.debug("claim refused", job_id=event.job_id, why=str(refusal))
            return None
        return Attempt(self._stage, self._resources, self._intelligence, job, step, event)

    def _start(self, attempt: Attempt | None) -> None:
        """Runs the attempt in the slot that was taken; without one the slot is free again."""
        if attempt is None:
            self._slots.release()
            return
        task = asyncio.create_task(attempt.run())
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()):
            self._log.error("step left without an ending; its lease will run out", exc_info=error)

    async def _bury(self, message: Message, error: ValidationError) -> None:
        """A message that is no event of ours goes to the dead letters, as it was."""
        place = message.message
        letter = DeadLetter(
            id=event_id("dead.letter", place.topic, str(place.partition), str(place.offset)),
            recording_id="unknown",
            owner_id="unknown",
            job_id="unknown",
            stage=self._stage.name,
            code="unreadable_event",
            detail=f"{error.error_count()} fields do not fit any event: {error.errors()[0]['msg']}",
            attempts=1,
            original_topic=place.topic,
            original=(message.value or b"")[:_BURIED_BYTES].decode(errors="replace"),
        )
        self._log.error("unreadable event", topic=place.topic, partition=place.partition, offset=place.offset)
        await until_stores_answer(lambda: self._resources.publisher.publish(letter))
