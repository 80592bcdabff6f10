"""Bytes on their way into an upload: whatever their sizes, whoever is faster, whenever it breaks off, none are lost."""

import asyncio
import random
from dataclasses import replace

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from api import reception
from api.checksums import Checksum
from api.flow import Room
from api.reception import Reception
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.time import after, now
from stores import keys
from stores.resumable import Arrival, Arrivals, Assembly, Held, Moved, arrival, assembly
from stores.resumable.arrival import close
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.stores.multipart import LEAST
from tests.unit.stores.reconciler.house import Bucket


@pytest.fixture(autouse=True, params=[2.0, 0.0005], ids=["soon", "slowly"])
def small(request, monkeypatch):
    """The real limits, a few hundred thousand times smaller. Bytes come soon, or later than they are waited for."""
    monkeypatch.setattr(reception, "_WAIT_SECONDS", request.param)
    monkeypatch.setattr(arrival, "LEAST_PART_BYTES", LEAST)
    monkeypatch.setattr(arrival, "_PART_BYTES", LEAST * 2)
    monkeypatch.setattr(arrival, "MIB", 1)
    monkeypatch.setattr(reception, "LEAST_PART_BYTES", LEAST)
    monkeypatch.setattr(reception, "_SURE_BYTES", 4)
    monkeypatch.setattr(assembly, "_SMALL_BYTES", 3)


class Desk:
    """An assembly on memory, and requests to it."""

    def __init__(self) -> None:
        self.bucket, self.database = Bucket(), MemoryDatabase()
        self.assembly = self.another()
        self.live: list[str] = []

    def another(self) -> Assembly:
        """What another process has."""
        return Assembly(self.bucket, Arrivals(self.database))

    async def begin(self, length: int | None) -> Arrival:
        made = Arrival(new_id(), "ada", length, "", after(60), now())
        await self.assembly.arrivals.create(made)
        return made

    def reception(self, upload: Arrival, size: int | None, by: Assembly | None = None, check=None) -> Reception:
        given = {"size": size, "most": 10_000, "seconds": 60, "check": check, "began": self.began}
        return Reception(by or self.assembly, Room(), upload, **given)

    async def began(self, upload: Arrival) -> None:
        self.live.append(upload.id)

    async def send(self, upload: Arrival, body: bytes, **options) -> Arrival:
        return await self.reception(upload, len(body), **options).take(stream(body))

    async def result(self, upload: Arrival) -> bytes:
        """The whole object, and that nothing else is left."""
        await self.assembly.folded(upload.id)
        for _ in range(2):
            found = await self.assembly.arrivals.get(upload.id)
            await self.assembly.seal(found)
        await self.assembly.end(found)
        assert list(self.bucket.objects) == [keys.original(upload.id)]
        assert not self.bucket.parts.uploads
        return self.bucket.objects[keys.original(upload.id)][0]


@pytest.mark.parametrize("first", [0, 40])
async def test_pieces_are_few_however_small(monkeypatch, first):
    monkeypatch.setattr(arrival, "_MANY_PIECES", 4)
    desk, body = Desk(), bytes(range(first + 30))
    upload = await desk.send(await desk.begin(len(body)), body[:first]) if first else await desk.begin(len(body))
    for at in range(first, len(body)):
        upload = await desk.send(upload, body[at : at + 1])
        await desk.assembly.folded(upload.id)
        upload = await desk.assembly.arrivals.get(upload.id)
        assert len(upload.tail) <= 4
        assert len([key for key in desk.bucket.objects if key.startswith(keys.tail_prefix(upload.id))]) <= 4
    assert await desk.result(upload) == body


def stream(*chunks: bytes, error: Exception | None = None) -> StreamReader:
    protocol = BaseProtocol(asyncio.get_running_loop())
    protocol.connection_made(asyncio.Transport())
    reader = StreamReader(protocol, 2**16)
    asyncio.get_running_loop().create_task(feed(reader, chunks, error))
    return reader


async def feed(reader: StreamReader, chunks: tuple[bytes, ...], error: Exception | None) -> None:
    for chunk in chunks:
        reader.feed_data(chunk)
        for _ in range(random.randrange(4)):
            await asyncio.sleep(random.choice((0, 0, 0.0006)))
    if error:  # what has not been read by then is lost with the connection
        while reader._size:  # noqa: ASYNC110 - the reader has no event for it
            await asyncio.sleep(0)
        reader.set_exception(error)
    else:
        reader.feed_eof()


@pytest.fixture
async def desk():
    desk = Desk()
    yield desk
    await desk.assembly.close()


@pytest.mark.parametrize("seed", range(60))
async def test_any_sizes_make_the_whole(desk, seed):
    random.seed(seed)
    body = random.randbytes(random.randrange(1, 300))
    upload, sent = await desk.begin(len(body)), 0
    while sent < len(body):
        chunk = body[sent : sent + random.choice((1, 3, 5, 20, 50, 200))]
        upload = await desk.send(upload, chunk)
        sent += len(chunk)
        assert upload.offset == sent
        assert (await desk.another().arrivals.get(upload.id)).offset == sent
    assert await desk.result(upload) == body


@pytest.mark.parametrize("seed", range(40))
async def test_of_many_writers_one_wins_each_byte(desk, seed):
    """Processes that know nothing of each other, each going on wherever it sees the upload."""
    random.seed(seed)
    body = random.randbytes(200)
    upload = await desk.begin(len(body))

    async def write(assembly: Assembly) -> None:
        while not (found := await assembly.arrivals.get(upload.id)).whole:
            chunk = body[found.offset : found.offset + random.choice((2, 6, 40, 90))]
            try:
                await desk.send(found, chunk, by=assembly)
            except (Moved, Held):
                await asyncio.sleep(0)

    assemblies = [desk.another() for _ in range(3)]
    await asyncio.gather(*map(write, assemblies))
    for one in assemblies:
        await one.folded(upload.id)
    assert await desk.result(upload) == body


@pytest.mark.parametrize("seed", range(40))
async def test_a_connection_that_breaks_keeps_what_came(desk, seed):
    random.seed(seed)
    body, sent = random.randbytes(150), 0
    upload = await desk.begin(len(body))
    while sent < len(body):
        came = body[sent : sent + random.randrange(1, 80)]
        with pytest.raises(ConnectionResetError):
            await desk.reception(upload, len(body) - sent).take(stream(came, error=ConnectionResetError()))
        upload = await desk.assembly.arrivals.get(upload.id)
        assert upload.offset == sent + len(came)
        assert upload.holder is None
        sent = upload.offset
    assert await desk.result(upload) == body


@pytest.mark.parametrize("seed", range(20))
async def test_a_death_at_any_moment_costs_nothing_that_was_told(desk, seed):
    """The process is gone in the middle; another goes on from what is stored."""
    random.seed(seed)
    body, assembly = random.randbytes(300), desk.another()
    upload = await desk.begin(len(body))
    while not upload.whole:
        told = upload.offset
        sending = asyncio.create_task(desk.send(upload, body[told : told + random.randrange(1, 120)], by=assembly))
        for _ in range(random.randrange(60)):
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await assembly.close()
        assembly = desk.another()
        upload = await assembly.arrivals.get(upload.id)
        assert upload.offset >= told
        await assembly.arrivals.change(upload.id, lambda found: replace(found, holder=None, held_until=None))
    assert await desk.result(upload) == body


async def test_with_a_wrong_checksum_nothing_counts(desk):
    upload = await desk.begin(100)
    for body in (b"x" * 3, b"x" * 90):
        with pytest.raises(Problem, match="checksum_mismatch"):
            await desk.send(upload, body, check=Checksum("crc32", b"1234"))
        assert (await desk.assembly.arrivals.get(upload.id)).offset == 0
        assert not desk.bucket.objects


async def test_more_than_there_is_room_for_is_refused_and_the_rest_kept(desk):
    upload = await desk.begin(None)
    given = {"size": None, "most": 10, "seconds": 60, "check": None, "began": desk.began}
    reception = Reception(desk.assembly, Room(), upload, **given)
    with pytest.raises(Problem, match="too_large"):
        await reception.take(stream(b"12345", b"67890", b"1"))


WEBM = b"\x1a\x45\xdf\xa3webm"


@pytest.mark.parametrize("sizes", [(200,), (9, 9, 9), (60, 3, 60)])
async def test_what_can_be_decoded_as_it_comes_is_live_and_can_be_read_all_the_time(desk, sizes):
    upload, body = await desk.begin(None), WEBM * 40
    at = 0
    for size in sizes:
        upload = await desk.send(upload, body[at : at + size])
        at += size
        await desk.assembly.folded(upload.id)
        upload = await desk.assembly.arrivals.get(upload.id)
        named = [keys.kept_part(upload.id, part.number) for part in upload.parts]
        named += [keys.piece(upload.id, piece.name) for piece in upload.tail]
        assert b"".join([desk.bucket.objects[key][0] for key in named]) == body[:at]
    assert upload.live
    assert set(desk.live) == {upload.id}


@pytest.mark.parametrize(("length", "body"), [(100, WEBM), (None, b"RIFF----WAVE")], ids=["known", "other"])
async def test_nothing_else_is_live(desk, length, body):
    upload = await desk.send(await desk.begin(length), body)
    assert not upload.live
    assert not desk.live


async def test_a_request_without_bytes_is_a_sign_of_life():
    desk = Desk()
    upload = await desk.send(await desk.begin(None), b"what came before")
    before = await desk.assembly.arrivals.change(upload.id, lambda found: replace(found, updated_at=after(-600)))
    alive = await desk.send(before, b"")
    assert alive.updated_at > after(-60)
    assert (alive.offset, alive.tail) == (before.offset, before.tail)


async def test_a_recorder_that_begins_with_a_single_byte_is_live_all_the_same():
    desk = Desk()
    upload = await desk.send(await desk.begin(None), WEBM[:1])
    assert not upload.live
    upload = await desk.send(upload, WEBM[1:])
    assert upload.live
    assert desk.live == [upload.id]
    upload = await desk.send(upload, b"and more")
    upload = await desk.assembly.arrivals.change(upload.id, lambda found: close(found, now(), now()))
    assert await desk.result(upload) == WEBM + b"and more"
