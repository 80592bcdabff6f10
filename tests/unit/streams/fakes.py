"""What a stage works with, without a server: real repositories on the database in memory, and fakes of the rest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from schemas.events import Event, RecordingUploaded
from schemas.settings import Settings
from schemas.topics import Topic
from stores.activity import Activity
from stores.analyses import AnalysesStore
from stores.copies import Copies
from stores.duties import Duties
from stores.errors import StoreUnavailable
from stores.folders import Folders
from stores.jobs import Jobs
from stores.objects import ObjectMissing, ObjectStat
from stores.outbox import Outbox
from stores.pages import Pages
from stores.recordings import Recordings
from stores.resumable import Arrivals
from stores.retention import Rules
from stores.transcripts import Transcripts
from stores.workers import Workers
from streams.context import Intelligence
from streams.leases import Leases
from streams.resources import Resources
from streams.stage import Outcome, Stage
from tests.unit.stores.jobs import result_of
from tests.unit.stores.memory import MemoryDatabase

_PIECE = 1000


class FakePublisher:
    """Keeps what is published, in order. `away` refuses; `hung` never answers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.away = self.hung = False

    async def publish(self, event: Event) -> None:
        await asyncio.sleep(0)
        if self.hung:
            await asyncio.Event().wait()
        if self.away:
            raise StoreUnavailable("event log", "it is away")
        self.events.append(event)

    def types(self) -> list[str]:
        """The types of the published facts; the news to the watchers left out."""
        return [event.type for event in self.events if event.type != "job.progressed"]


def etag_of(body: bytes) -> str:
    """The mark that a store gives an object."""
    return md5(body, usedforsecurity=False).hexdigest()


class FakeUpload:
    """An upload that is written to. What it has appears at its end alone."""

    def __init__(self) -> None:
        self.body = bytearray()

    async def write(self, chunk: bytes) -> None:
        self.body += chunk

    @property
    def size_bytes(self) -> int:
        return len(self.body)


class FakeObjects:
    """Objects by key. `away`: nothing is known of any."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.away = False

    async def put(self, key: str, body: bytes | Path, content_type: str) -> int:
        self.stored[key] = body.read_bytes() if isinstance(body, Path) else body
        return len(self.stored[key])

    @asynccontextmanager
    async def upload(self, key: str, content_type: str) -> AsyncIterator["FakeUpload"]:
        upload = FakeUpload()
        yield upload
        self.stored[key] = bytes(upload.body)

    async def read(self, key: str) -> bytes:
        return self.stored[key]

    @asynccontextmanager
    async def open(self, key: str, begin: int = 0, length: int | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        if key not in self.stored:
            raise ObjectMissing(key)
        body = self.stored[key][begin : None if length is None else begin + length]

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), _PIECE):
                yield body[start : start + _PIECE]

        yield pieces()

    async def stat(self, key: str) -> ObjectStat | None:
        if self.away:
            raise StoreUnavailable("object store", "it is away")
        body = self.stored.get(key)
        return None if body is None else ObjectStat(size_bytes=len(body), content_type="", etag=etag_of(body))

    async def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.stored if key.startswith(prefix))

    async def delete_prefix(self, prefix: str) -> None:
        for key in await self.keys(prefix):
            del self.stored[key]

    def internal_url(self, key: str) -> str:
        return f"http://objects/{key}"


class World:
    """The resources of one process, and a hand on each of the fakes behind them."""

    def __init__(self, **changes: Any) -> None:
        quick = {"lease_seconds": 30, "retry_delay_seconds": 0.01, "shutdown_grace_seconds": 0.0, **changes}
        self.settings = Settings().model_copy(update=quick)
        self.database = MemoryDatabase()
        self.publisher = FakePublisher()
        self.objects = FakeObjects()
        jobs, recordings = Jobs(self.database), Recordings(self.database)
        self.resources = Resources(
            settings=self.settings,
            jobs=jobs,
            recordings=recordings,
            transcripts=Transcripts(self.database),
            pages=Pages(self.database),
            copies=Copies(self.database),
            analyses=AnalysesStore(self.database),
            arrivals=Arrivals(self.database),
            objects=self.objects,
            publisher=self.publisher,
            outbox=Outbox(jobs, recordings, self.publisher, pause=0),
            leases=Leases(jobs, self.settings.lease_seconds),
            workers=Workers(self.database),
            duties=Duties(self.database),
            activity=Activity(self.database),
            database=self.database,
            folders=Folders(self.database),
            rules=Rules(self.database),
        )

    async def step(self, job, name: str = "audio"):
        return (await self.resources.jobs.get(job.id)).step(name)


class Providers(Intelligence):
    """Children and providers that the test brings; asking for another is an error."""

    def __init__(
        self,
        children: Any = None,
        speech: Any = None,
        analyst: Any = None,
        fallback: Any = None,
        downloads: Any = None,
        live: Any = None,
        decoder: Any = None,
    ) -> None:
        self.children, self.speech, self.analyst = children, speech, analyst
        self.downloads = downloads
        self.live_speech, self.growing = live, decoder
        self.speech_fallback = self.analyst_fallback = fallback


NO_INTELLIGENCE = Providers()


def stage_of(perform: Callable[..., Any], limit: float = 60) -> Stage:
    """A stage in the place of `audio` that does what it is told."""
    return Stage(
        name="audio", consumes=Topic.UPLOADS, accepts=(RecordingUploaded,), perform=perform, limit=lambda _: limit
    )


def outcome(job) -> Outcome:
    return Outcome({"audio": "done"}, result_of(job, "audio"))


class Inbox:
    """The messages of a topic: how many were taken, and which acknowledged."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Any] = asyncio.Queue()
        self.taken = 0
        self.acked: list[int] = []

    def put(self, value: Event | bytes | None, key: bytes = b"key") -> None:
        self.again(self.taken + self._waiting.qsize(), value, key)

    def again(self, offset: int, value: Event | bytes | None, key: bytes = b"key") -> None:
        """A message of that offset, whether there was one already or not."""
        value = value.model_dump_json().encode() if isinstance(value, Event) else value
        place = SimpleNamespace(topic="tidemark.uploads", partition=0, offset=offset, key=key)
        self._waiting.put_nowait(SimpleNamespace(value=value, message=place))

    async def messages(self) -> AsyncIterator[Any]:
        while True:
            message = await self._waiting.get()
            self.taken += 1
            yield message

    async def ack(self, message: Any) -> None:
        self.acked.append(message.message.offset)


async def eventually(condition: Callable[[], Any], seconds: float = 5) -> Any:
    """The first true answer of a condition, which may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.002)


async def many_turns() -> None:
    """Lets every task that can go on without a timer do so."""
    for _ in range(200):
        await asyncio.sleep(0)
