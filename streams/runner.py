"""The runner: claim, ack, work. One a stage; the main path of every step, top to bottom.

A Kafka message only wakes; the step in MongoDB is the truth. Messages wait here in fair order until a slot is free, and
are not acknowledged before, so what is not claimed stays on Kafka and lag is the true backlog. The claim is a
compare-and-set; then the event is acknowledged and the work runs (see streams/attempt) with a lease that is renewed.
Whatever happens to the worker, the lease runs out and the sweeper wakes the step again; whatever a repeat writes, it
writes over.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from schemas.events import Event, read_event
from schemas.jobs import Job
from schemas.time import now
from stores import lifecycle
from stores.dead_letters import Place, unreadable
from stores.errors import LeaseLost
from streams.attempt import NOTHING, Attempt
from streams.breaker import Breaker
from streams.context import Intelligence
from streams.order import Acks, FairQueue
from streams.resources import Resources
from streams.stage import Stage
from streams.waiting import until_stores_answer

log = structlog.get_logger(__name__)

GIVE_BACK_SECONDS = 5.0
"""How long a runner that closes tries to give its work back."""

_MOST_WAITING = 10_000
"""Messages that a runner holds: as many as the API lets wait, so that the order is fair among all of them."""
_MOST_NAMED = 20


class Message(Protocol):
    """An event as Faust hands it over: its raw value, and the Kafka message that it came in."""

    value: bytes
    message: Any


class Runner:
    """Runs one stage in this process with a number of slots, under one name as owner."""

    def __init__(self, stage: Stage, resources: Resources, intelligence: Intelligence, owner: str) -> None:
        self.stage_name = stage.name
        self.slots = stage.slots(resources.settings)
        self.endless = stage.endless
        self.breaker = Breaker(stage.name, resources.settings)
        self._stage = stage
        self._resources = resources
        self._intelligence = intelligence
        self._owner = owner
        self._slots = asyncio.Semaphore(self.slots)
        self._waiting: FairQueue[Event] = FairQueue(_MOST_WAITING, stage.share(self.slots))
        self._lined_up: dict[str, Message | None] = {}
        self._tickets = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._log = log.bind(stage=stage.name, owner=owner)

    @property
    def running(self) -> int:
        """How many of its slots are in use."""
        return len(self._tasks)

    @property
    def waiting_since(self) -> datetime | None:
        """When the oldest event came about that waits here for a slot; None when none does."""
        return min((event.occurred_at for event in self._waiting), default=None)

    @property
    def waiting_jobs(self) -> tuple[str, ...]:
        """Jobs whose events wait here for a slot that may be long in coming, some of them; see streams/relief."""
        return tuple(event.job_id for event in islice(self._waiting, _MOST_NAMED)) if self._stage.endless else ()

    @property
    def room(self) -> int:
        """How many more it could begin at once."""
        return max(self.slots - self.running - self._waiting.ready, 0)

    def has_room_for(self, owner_id: str) -> bool:
        """Whether it could begin one more of the caller at once."""
        return bool(self.room and self._waiting.left(owner_id))

    async def offer(self, job: Job) -> None:
        """Lines up the job's step, though its message is with another worker. A repeat is harmless."""
        event = self._stage.wake_of(job)
        if event is not None and event.id not in self._lined_up:
            self._lined_up[event.id] = None
            await self._waiting.put(event.owner_id, event)

    async def joined(self) -> None:
        """The stage has its part of the topic: what work needs is made ready, if it can. Harmless when repeated."""
        if not self._stage.ready:
            return
        try:
            await self._intelligence.warm()
        except OSError as error:
            self._log.warning("no idle child could be started; the next work tries again", error=str(error))

    async def consume(self, messages: AsyncIterator[Message], ack: Callable[[Any], Awaitable[Any]]) -> None:
        """Takes messages for as long as there are any, and serves them as slots become free."""
        acks = Acks(ack)
        serving = asyncio.create_task(self._serve(acks))
        try:
            async for message in messages:
                acks.took(message)
                await self._line_up(message, acks)
        finally:
            serving.cancel()
            await asyncio.wait([serving])

    async def _line_up(self, message: Message, acks: Acks) -> None:
        """Puts the event in its caller's row. What is not for us, or none, or waits already: done at once."""
        try:
            event = read_event(message.value)
        except ValidationError as error:
            await self._bury(message, error)
        else:
            if self._stage.wakes_on(event):
                known, first = event.id in self._lined_up, self._lined_up.get(event.id)
                if first is None or not acks.holds(first):
                    self._lined_up[event.id] = message
                    if not known:
                        await self._waiting.put(event.owner_id, event)
                    return
        await acks.done(message)

    async def _serve(self, acks: Acks) -> None:
        """A free slot, then the event whose turn it is; claim, acknowledge, work in a task."""
        while not self._closing.is_set():
            event, message = await self._turn()
            if self._closing.is_set():  # unacknowledged, it comes again to somebody else
                return
            task = asyncio.create_task(self._work(event, message, acks))
            self._tasks.add(task)
            task.add_done_callback(partial(self._finished, event.owner_id))

    async def _turn(self) -> tuple[Event, Message | None]:
        """Takes a slot for the event whose turn it is, with its message, if it has one. Cancelled, it has no slot."""
        await self._slots.acquire()
        try:
            event = await self._waiting.get()
        except BaseException:
            self._slots.release()
            raise
        message = self._lined_up.pop(event.id)
        try:
            await self.breaker.admitted()
        except BaseException:
            self._let_go(event.owner_id)
            raise
        return event, message

    async def _work(self, event: Event, message: Message | None, acks: Acks) -> None:
        verdict = NOTHING
        try:
            attempt = await self._claim(event)
            if message is not None:
                await acks.done(message)
            if attempt is not None:
                verdict = await attempt.run()
        finally:
            self.breaker.ended(verdict.code) if verdict.spoken else self.breaker.unused()

    async def _claim(self, event: Event) -> Attempt | None:
        """The step that the event wakes, now ours; None when there is nothing to do for us.

        One whose answer was lost is repeated with its ticket, so it is not taken for somebody else's.
        """
        ticket = next(self._tickets)
        try:
            return await until_stores_answer(lambda: self._try_claim(event, ticket))
        except Exception:  # a job that this version cannot read must not end the stage
            log.exception("claim failed", stage=self._stage.name, job_id=event.job_id)
            return None

    async def _try_claim(self, event: Event, ticket: int) -> Attempt | None:
        name, lease = self._stage.name, self._resources.settings.lease_seconds
        try:
            job, step = await self._resources.jobs.change(
                event.job_id, lambda job: lifecycle.claim(job, name, event.id, self._owner, lease, now(), ticket)
            )
        except (lifecycle.Refused, LeaseLost) as refusal:
            self._log.debug("claim refused", job_id=event.job_id, why=str(refusal))
            return None
        return Attempt(self._stage, self._resources, self._intelligence, job, step, event)

    def _let_go(self, owner_id: str) -> None:
        self._waiting.let_go(owner_id)
        self._slots.release()

    def _finished(self, owner_id: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._let_go(owner_id)
        if not task.cancelled() and (error := task.exception()):
            self._log.error("step left without an ending; its lease will run out", exc_info=error)

    async def close(self) -> None:
        """Claims nothing more, lets work in hand finish for the grace period, then gives it back."""
        self._closing.set()
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=self._resources.settings.shutdown_grace_seconds)
        for task in tasks:
            task.cancel()
        if tasks:  # a store that is away must not hold up the end: the leases run out anyway
            await asyncio.wait(tasks, timeout=GIVE_BACK_SECONDS)

    async def _bury(self, message: Message, error: ValidationError) -> None:
        """A message that is no event of ours goes to the dead letters, as it was."""
        place = message.message
        letter = unreadable(
            self._stage.name,
            Place(place.topic, place.partition, place.offset),
            place.key,
            message.value,
            f"{error.error_count()} fields do not fit any event: {error.errors()[0]['msg']}",
        )
        self._log.error("unreadable event", topic=place.topic, partition=place.partition, offset=place.offset)
        await until_stores_answer(lambda: self._resources.publisher.publish(letter))
