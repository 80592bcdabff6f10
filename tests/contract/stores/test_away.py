"""A store that is away is an error within three seconds, never a wait: dead (nothing listens) and hanging (stopped)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from bench.servers import Away, Servers, running_servers
from schemas.settings import Settings
from stores.analyses import AnalysesStore
from stores.documents import Database, connect, disconnect
from stores.errors import StoreUnavailable, answering
from stores.jobs import Jobs
from stores.objects import Objects
from stores.people import People
from stores.recordings import Recordings
from stores.transcripts import Transcripts
from tests.unit.stores.jobs import START, a_job, a_recording

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = Settings(
    mongodb_url="mongodb://127.0.0.1:1", s3_endpoint="http://127.0.0.1:1", kafka_bootstrap_servers="127.0.0.1:1"
)
MOST_SECONDS = 3.0
DEAD_SECONDS = 3.0
CALLS = 64
PART = bytes(9 * 1024 * 1024)
DOCUMENTS: dict[str, Callable[[Database], Awaitable[Any]]] = {
    "a job": lambda db: Jobs(db).create(a_job()),
    "due jobs": lambda db: Jobs(db).alarms.due(START, 1),
    "a change": lambda db: Jobs(db).change("job", lambda _: None),
    "a recording": lambda db: Recordings(db).lists.owned("ada", limit=1),
    "what a stage found": lambda db: Recordings(db).write("talk", "audio", "1", {}),
    "the status": lambda db: Recordings(db).follow(a_job(a_recording())),
    "a transcript": lambda db: Transcripts(db).get("talk"),
    "analyses": lambda db: AnalysesStore(db).get("talk"),
    "a ticket": lambda db: People(db).take_ticket("t", START),
}
OBJECTS: dict[str, Callable[[Objects], Awaitable[Any]]] = {
    "stat": lambda objects: objects.stat("a"),
    "read": lambda objects: objects.read("a"),
    "put": lambda objects: objects.put("a", Path(__file__), "text/plain"),
    "keys": lambda objects: objects.keys("a"),
    "delete": lambda objects: objects.delete("a"),
    "delete all": lambda objects: objects.delete_prefix("a"),
    "ping": lambda objects: objects.ping(),
}


async def fails_in_time(operation: Awaitable[Any], seconds: float = MOST_SECONDS) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await operation
    assert time.monotonic() - started < seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    async with running_servers(tmp_path_factory.mktemp("servers"), "documents", "objects") as servers:
        yield servers


@pytest.fixture
def settings(servers: Servers) -> Settings:
    return Settings.model_validate({name.lower(): value for name, value in servers.services.environment().items()})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of a body has a second, so that a test need not wait longer."""
    for place in ("stores.objects", "stores.sending"):
        monkeypatch.setattr(f"{place}.IDLE_SECONDS", 1.0)


@pytest.fixture
def database(settings: Settings):
    database = connect(settings)
    yield database
    disconnect(database)


async def test_dead_documents() -> None:
    """All at once: each waits out the same few seconds."""
    database = connect(NOWHERE)
    try:
        await asyncio.gather(*(fails_in_time(operation(database)) for operation in DOCUMENTS.values()))
    finally:
        disconnect(database)


async def test_dead_objects() -> None:
    async with Objects(NOWHERE) as objects:
        await asyncio.gather(*(fails_in_time(operation(objects)) for operation in OBJECTS.values()))


async def test_hanging_documents(servers: Servers, database: Database) -> None:
    await People(database).prepare()
    async with servers.away("documents", Away.HANGING):
        await asyncio.gather(*(fails_in_time(operation(database)) for operation in DOCUMENTS.values()))


async def test_hanging_objects(servers: Servers, settings: Settings) -> None:
    async with Objects(settings) as objects:
        await objects.prepare()
        async with servers.away("objects", Away.HANGING):
            await asyncio.gather(*(fails_in_time(operation(objects)) for operation in OBJECTS.values()))


async def test_many_callers_of_documents_behind_a_dead_network_leave_nothing_stuck(servers: Servers) -> None:
    """They ask again and again, far more of them than the driver has threads; old connections never come back."""
    failed, over = 0, asyncio.Event()

    async def call(number: int) -> None:
        nonlocal failed
        while not over.is_set():
            started = time.monotonic()
            try:
                async with answering():
                    await (things.find_one({"_id": number}) if number % 2 else _set(things, number))
            except StoreUnavailable:
                failed += 1
            assert time.monotonic() - started < MOST_SECONDS

    async with Cable(servers.services.mongodb_url) as cable:
        database = connect(Settings(mongodb_url=cable.url))
        things = database["things"]
        await things.insert_many([{"_id": number} for number in range(CALLS)])
        await asyncio.gather(*(things.find_one({"_id": number}) for number in range(CALLS)))
        cable.cut()
        async with asyncio.TaskGroup() as callers:
            for number in range(CALLS):
                callers.create_task(call(number))
            await asyncio.sleep(DEAD_SECONDS)
            cable.mend()
            over.set()
        assert failed >= CALLS
        async with asyncio.timeout(4):
            assert await _until_answered(things) == 0
        disconnect(database)


async def _until_answered(things: Any) -> int:
    """Asks until the store is back, then all at once; how many of those failed."""
    while True:
        try:
            async with answering(1):
                await things.find_one({})
            break
        except StoreUnavailable:
            continue
    results = await asyncio.gather(*(things.find_one({"_id": n}) for n in range(CALLS)), return_exceptions=True)
    return sum(isinstance(result, BaseException) for result in results)


class Cable:
    """A way to a server that can be cut: what is sent is swallowed then, and connections of before stay dead."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url).port
        self._cut = False
        self._dead: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.url = f"mongodb://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()

    def cut(self) -> None:
        self._cut = True
        self._dead |= self._open

    def mend(self) -> None:
        self._cut = False

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, back}
        if self._cut:
            self._dead |= {writer, back}
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(64 * 1024):
                if writer not in self._dead:
                    writer.write(data)
        writer.close()


async def _set(things: Any, number: int) -> None:
    await things.update_one({"_id": number}, {"$set": {"seen": True}})


async def test_many_callers_of_hanging_objects_hold_no_thread_of_others(servers: Servers, settings: Settings) -> None:
    async with Objects(settings) as objects:
        await objects.prepare()
        async with servers.away("objects", Away.HANGING):
            calls = [asyncio.create_task(fails_in_time(objects.keys(""))) for _ in range(CALLS)]
            await asyncio.sleep(0)
            async with asyncio.timeout(1):
                await asyncio.to_thread(time.monotonic)
            await asyncio.gather(*calls)
        assert await objects.keys("") == []


async def test_documents_that_come_back_are_used_at_once(servers: Servers, database: Database) -> None:
    people = People(database)
    async with servers.away("documents", Away.DEAD):
        await fails_in_time(people.get("ada"))
    async with asyncio.timeout(2):
        assert await people.get("ada") is None


async def test_an_upload_that_hangs_midway_ends_and_leaves_no_object(
    servers: Servers, settings: Settings, impatient: None
) -> None:
    async def send(objects: Objects) -> None:
        async with objects.upload("half", "video/webm") as upload:
            await upload.write(PART)
            await servers.take_away("objects", Away.HANGING)
            await upload.write(PART)

    async with Objects(settings) as objects:
        await objects.prepare()
        await fails_in_time(send(objects), 5)
        await servers.bring_back("objects")
        assert await objects.stat("half") is None


async def test_a_download_that_hangs_midway_ends(servers: Servers, settings: Settings, impatient: None) -> None:
    async def receive(objects: Objects) -> None:
        async with objects.open("whole") as body:
            await anext(body)
            await servers.take_away("objects", Away.HANGING)
            async for _ in body:
                pass

    async with Objects(settings) as objects:
        await objects.prepare()
        await objects.put("whole", 4 * PART, "video/webm")
        await fails_in_time(receive(objects))
        await servers.bring_back("objects")
        assert len(await objects.read("whole")) == 4 * len(PART)


async def test_a_slow_store_is_not_away_while_it_takes_piece_after_piece(impatient: None) -> None:
    """A part takes longer than any piece may: the clock starts again with each piece."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        left = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))[15:])
        while left > 0:
            left -= len(await reader.read(256 * 1024))
            await asyncio.sleep(0.03)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0, limit=64 * 1024) as server:
        port = server.sockets[0].getsockname()[1]
        async with Objects(NOWHERE.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{port}"})) as objects:
            started = time.monotonic()
            assert await objects.put("a", 2 * PART, "text/plain") == 2 * len(PART)
            assert time.monotonic() - started > 1.0
