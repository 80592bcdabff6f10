"""A process that dies between any two of its lines: all that it does to the outside goes through here, and is counted.

It dies before or after the N-th of these effects; from then on it neither does nor learns anything more, whatever its
tasks still try. What lasts (documents, objects, the log) outlives it.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from schemas.events import Event
from stores.objects import ObjectStat
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.streams.fakes import etag_of

T = TypeVar("T")

_WRITES = frozenset(
    (
        *("insert_one", "update_one", "update_many", "replace_one", "bulk_write"),
        *("delete_one", "delete_many", "find_one_and_update", "find_one_and_delete"),
    )
)
_CALM = 40


class Death(BaseException):
    """The end of the process. Nothing handles it."""


class Mortal:
    """A life. It ends at the point `end`: 2N is before the N-th effect, 2N + 1 after it."""

    def __init__(self, end: float = math.inf) -> None:
        self._end = end
        self.effects: list[str] = []
        self.calls = 0
        self.dead = False

    @property
    def points(self) -> int:
        """At how many points it could have died so far."""
        return 2 * len(self.effects)

    def alive(self) -> None:
        """Before it asks for something."""
        self.calls += 1
        if self.dead:
            raise Death

    async def does(self, what: str, operation: Callable[[], Awaitable[T]]) -> T:
        """An effect on the outside."""
        self.alive()
        point = self.points
        self.effects.append(what)
        self._live_to(point)
        try:
            return await operation()
        finally:
            self._live_to(point + 1)

    def _live_to(self, point: int) -> None:
        if point == self._end:
            self.dead = True
        if self.dead:
            raise Death

    async def quiet(self) -> None:
        """Returns when it does nothing more by itself, or is dead."""
        calm = 0
        while calm < _CALM and not self.dead:
            seen = self.calls
            await asyncio.sleep(0)
            calm = 0 if self.calls != seen else calm + 1


@asynccontextmanager
async def living() -> AsyncIterator[None]:
    """What is begun inside ends with it, whatever it waits for. An error that is no death is raised."""
    before = asyncio.all_tasks()
    asyncio.get_running_loop().set_exception_handler(_tell)
    try:
        yield
    finally:
        while tasks := asyncio.all_tasks() - before:
            for task in tasks:
                task.cancel()
            for task in (await asyncio.wait(tasks, timeout=0.002))[0]:
                if not task.cancelled() and not isinstance(task.exception(), Death | None):
                    raise task.exception()


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody asks the dead what they died of."""
    if not isinstance(context.get("exception"), Death):
        loop.default_exception_handler(context)


class Documents:
    """The database as a process reaches it."""

    def __init__(self, database: MemoryDatabase, mortal: Mortal) -> None:
        self._database, self._mortal = database, mortal

    def __getitem__(self, name: str) -> "Collection":
        return Collection(self._database[name], name, self._mortal)


class Collection:
    """A collection as a process reaches it."""

    def __init__(self, collection: Any, name: str, mortal: Mortal) -> None:
        self._collection, self._name, self._mortal = collection, name, mortal

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        asked = getattr(self._collection, operation)

        def ask(*args: Any, **options: Any) -> Any:
            if operation in _WRITES:
                return self._mortal.does(f"{self._name}.{operation}", lambda: asked(*args, **options))
            self._mortal.alive()
            return asked(*args, **options)

        return ask


class Bucket:
    """The object store as a process reaches it; `stored` is what lasts."""

    def __init__(self, stored: dict[str, bytes], mortal: Mortal) -> None:
        self._stored, self._mortal = stored, mortal

    def presign_put(self, key: str, seconds: int) -> str:
        return f"http://objects/{key}"

    async def put(self, key: str, body: bytes | Path, content_type: str) -> int:
        return await self._store(key, body.read_bytes() if isinstance(body, Path) else body)

    async def _store(self, key: str, body: bytes) -> int:
        async def store() -> int:
            await asyncio.sleep(0)
            self._stored[key] = body
            return len(body)

        return await self._mortal.does("objects.put", store)

    @asynccontextmanager
    async def upload(self, key: str, content_type: str) -> AsyncIterator[Any]:
        """In parts: what lies there before the end shows nothing."""
        parts = bytearray()

        async def write(chunk: bytes) -> None:
            parts.extend(chunk)

        yield SimpleNamespace(write=write)
        await self._store(key, bytes(parts))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._mortal.alive()
        await asyncio.sleep(0)
        return self._stored[key][start:][:length]

    async def stat(self, key: str) -> ObjectStat | None:
        self._mortal.alive()
        await asyncio.sleep(0)
        body = self._stored.get(key)
        return None if body is None else ObjectStat(size_bytes=len(body), content_type="", etag=etag_of(body))

    async def beginning(self, key: str, length: int) -> tuple[ObjectStat, bytes] | None:
        stat = await self.stat(key)
        return stat and (stat, self._stored[key][:length])

    async def delete(self, key: str) -> None:
        async def delete() -> None:
            self._stored.pop(key, None)

        await self._mortal.does("objects.delete", delete)

    async def delete_prefix(self, prefix: str) -> None:
        for key in [key for key in self._stored if key.startswith(prefix)]:
            await self.delete(key)


class Log:
    """Topics of one partition each, and what each group has committed of them."""

    def __init__(self) -> None:
        self.topics: dict[str, list[Event]] = {}
        self.committed: dict[tuple[str, str], int] = {}

    @property
    def facts(self) -> list[Event]:
        """All that is there, but the news to the watchers."""
        return [event for name, events in self.topics.items() if name != "tidemark.progress" for event in events]


class Kafka:
    """The log as a process reaches it: it publishes, and reads on behind what its group has committed."""

    def __init__(self, log: Log, mortal: Mortal) -> None:
        self._log, self._mortal = log, mortal

    async def publish(self, event: Event) -> None:
        async def append() -> None:
            await asyncio.sleep(0)
            self._log.topics.setdefault(event.topic.value, []).append(event)

        await self._mortal.does(f"publish {event.type}", append)

    async def messages(self, group: str, topics: tuple[str, ...]) -> AsyncIterator[Any]:
        read = {topic: self._log.committed.get((group, topic), 0) for topic in topics}
        while True:
            for topic in topics:
                for event in self._log.topics.get(topic, [])[read[topic] :]:
                    place = SimpleNamespace(topic=topic, partition=0, offset=read[topic], key=event.key.encode())
                    read[topic] += 1
                    self._mortal.alive()
                    yield SimpleNamespace(value=event.model_dump_json().encode(), message=place)
            await asyncio.sleep(0)

    async def ack(self, group: str, message: Any) -> None:
        async def commit() -> None:
            place = group, message.message.topic
            self._log.committed[place] = max(self._log.committed.get(place, 0), message.message.offset + 1)

        await self._mortal.does(f"commit of {group}", commit)
