"""Whether the parts that the service stands on answer: checked at once, each within two seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from pymongo.errors import PyMongoError

from schemas.failures import Retryable
from schemas.responses import Part
from schemas.settings import Settings
from stores.documents import Database
from stores.objects import Objects
from stores.topics import ping

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 2.0
_FRESH_SECONDS = 1.0


class HealthCheck:
    """Asks Kafka, the document store and the object store. Who asks at once shares an answer."""

    def __init__(self, settings: Settings, database: Database, objects: Objects) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._asking: asyncio.Task[tuple[Part, ...]] | None = None
        self._fresh_until = 0.0

    async def parts(self) -> tuple[Part, ...]:
        """How each part is. Takes at most about two seconds; never raises for a part that is away."""
        if self._asking is None or (self._asking.done() and time.monotonic() >= self._fresh_until):
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Ends a check that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> tuple[Part, ...]:
        found = await asyncio.gather(
            _part("kafka", lambda: ping(self._settings, ANSWER_SECONDS)),
            _part("documents", lambda: self._database.command("ping")),
            _part("objects", self._objects.ping),
        )
        if all(part.ok for part in found):
            self._fresh_until = time.monotonic() + _FRESH_SECONDS
        return tuple(found)


async def _part(name: str, ask: Callable[[], Awaitable[object]]) -> Part:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await ask()
    except (TimeoutError, Retryable, PyMongoError) as error:
        log.warning("a part is away", part=name, reason=str(error) or "no answer in time")
        return Part(name=name, ok=False, detail=_away(error))
    return Part(name=name, ok=True)


def _away(error: Exception) -> str:
    """What strangers may read: no addresses."""
    missing = isinstance(error, Retryable) and "missing" in str(error)
    return "Not prepared yet." if missing else f"No answer within {ANSWER_SECONDS:.0f} s."
