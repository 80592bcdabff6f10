"""Whether the parts that the service stands on answer, and who works: checked at once, each within two seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from pymongo.errors import PyMongoError

from schemas.failures import Retryable
from schemas.responses import HealthPart
from schemas.settings import Settings
from schemas.time import now
from schemas.workers import StageHealth, StageView
from stores.documents import Database
from stores.objects import Objects
from stores.topics import ping
from stores.workers import Workers, by_stage

log = structlog.get_logger(__name__)

T = TypeVar("T")

ANSWER_SECONDS = 2.0
_FRESH_SECONDS = 1.0


class Shared(Generic[T]):
    """An answer that those who ask at the same time share, and those who ask a moment later if it was a good one."""

    def __init__(self, ask: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> None:
        self._ask = ask
        self._good = good
        self._asking: asyncio.Task[T] | None = None
        self._fresh_until = 0.0

    async def get(self) -> T:
        """The answer, at most a moment old."""
        if self._asking is None or (self._asking.done() and time.monotonic() >= self._fresh_until):
            self._asking = asyncio.create_task(self._ask_now())
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ends a question that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask_now(self) -> T:
        found = await self._ask()
        if self._good(found):
            self._fresh_until = time.monotonic() + _FRESH_SECONDS
        return found


class HealthCheck:
    """Asks Kafka, the document store and the object store; and, apart from those, who works."""

    def __init__(self, settings: Settings, database: Database, objects: Objects) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._workers = Workers(database)
        self._parts = Shared(self._ask_parts, lambda parts: all(part.ok for part in parts))
        self._stages = Shared(self._ask_workers, lambda part: bool(part.stages))

    async def parts(self) -> tuple[HealthPart, ...]:
        """How each part is without which nothing can be taken in. Takes about two seconds at most; never raises."""
        return await self._parts.get()

    async def workers(self) -> HealthPart:
        """Which stages have workers, and which stand still. Takes about two seconds at most; never raises.

        What was accepted waits for workers and is not lost: their absence does not make the service unready.
        """
        return await self._stages.get()

    async def close(self) -> None:
        """Ends checks that are under way."""
        await asyncio.gather(self._parts.close(), self._stages.close())

    async def _ask_parts(self) -> tuple[HealthPart, ...]:
        found = await asyncio.gather(
            _part("kafka", lambda: ping(self._settings, ANSWER_SECONDS)),
            _part("documents", lambda: self._database.command("ping")),
            _part("objects", self._objects.ping),
        )
        return tuple(found)

    async def _ask_workers(self) -> HealthPart:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                stages = by_stage(await self._workers.alive(now()))
        except (TimeoutError, Retryable):
            return HealthPart(name="workers", ok=False, detail="Not known: the document store does not answer.")
        return part_of(stages)


def part_of(stages: tuple[StageView, ...]) -> HealthPart:
    """The part that the stages make: well where each has a worker, and no worker of it is stopped."""
    told = [sentence for stage in stages if (sentence := _trouble(stage))]
    return HealthPart(name="workers", ok=not told, detail=" ".join(told) or None, stages=tuple(map(_health, stages)))


def _trouble(stage: StageView) -> str | None:
    if not stage.workers:
        return f"No live worker for «{stage.stage}»."
    if stage.stopped:
        return f"«{stage.stage}» is stopped in {stage.stopped} of {len(stage.workers)} workers."
    return None


def _health(stage: StageView) -> StageHealth:
    reasons = [worker.reason for worker in stage.workers if worker.reason]
    return StageHealth(
        stage=stage.stage, workers=len(stage.workers), stopped=stage.stopped, reason=reasons[0] if reasons else None
    )


async def _part(name: str, ask: Callable[[], Awaitable[object]]) -> HealthPart:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await ask()
    except (TimeoutError, Retryable, PyMongoError) as error:
        log.warning("a part is away", part=name, reason=str(error) or "no answer in time")
        return HealthPart(name=name, ok=False, detail=_away(error))
    return HealthPart(name=name, ok=True)


def _away(error: Exception) -> str:
    """What strangers may read: no addresses."""
    missing = isinstance(error, Retryable) and "missing" in str(error)
    return "Not prepared yet." if missing else f"No answer within {ANSWER_SECONDS:.0f} s."
