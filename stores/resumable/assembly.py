"""How the bytes of a resumable upload lie in the object store, and how they become one object.

A piece is an object of its own under `tail/`, a part belongs to a multipart upload of the original's key. Every piece
and part is stored first and counted afterwards (stores/resumable/arrival), and removed only when it counts no longer:
a death at any moment leaves at most what nobody names, which goes with the rest of the tail when the upload ends.

S3 lets nobody read the parts of an upload that is not complete. So what a live one has in parts lies there once more,
as objects that are named after the parts, and goes with the tail as well.
"""

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

import structlog

from stores import keys
from stores.errors import StoreUnavailable
from stores.multipart import UploadMissing
from stores.objects import ObjectMissing, Objects
from stores.resumable.arrival import Arrival, Gone, Moved, Part, Piece, Stored, begin, fold, gather, number
from stores.resumable.arrivals import Arrivals
from stores.sending import Body, nothing

log = structlog.get_logger(__name__)

_CONTENT_TYPE = "application/octet-stream"
_FOLDS = 4
_RESERVED = 1024
_SMALL_BYTES = 256 * 1024
_READ_AHEAD = 6
"""How many small pieces are read at a time; larger ones one after the other."""

Chunks = Callable[[], AsyncIterator[bytes]]


class Assembly:
    """Stores what comes and puts it together. Methods raise StoreUnavailable; Gone once the upload is deleted."""

    def __init__(self, objects: Objects, arrivals: Arrivals) -> None:
        self._objects = objects
        self.arrivals = arrivals
        self._room = asyncio.Semaphore(_FOLDS)
        self._folding: dict[str, asyncio.Task[None]] = {}
        self._numbers: OrderedDict[str, int] = OrderedDict()

    async def close(self) -> None:
        """Ends what is under way in the background; whoever goes on with the upload does it again."""
        folding = list(self._folding.values())
        for task in folding:
            task.cancel()
        if folding:
            await asyncio.wait(folding)

    async def piece(self, upload_id: str, at: int, body: bytes) -> Stored:
        """Stores the bytes that follow the offset as a piece. They do not count yet."""
        name = f"{at:015d}-{secrets.token_hex(6)}"
        await self._objects.put(keys.piece(upload_id, name), body, _CONTENT_TYPE)
        return Stored(at, Piece(name, len(body)))

    async def part(self, arrival: Arrival, numbered: int, at: int, tail: tuple[Piece, ...], body: Body) -> Stored:
        """Stores the pieces of the tail and the bytes that follow the offset as one part. They do not count yet."""
        assert arrival.upload_id is not None
        size = sum(piece.size for piece in tail) + body.size
        whole = Body(size, lambda: self._joined(arrival.id, tail, body.chunks))
        try:
            etag = await self._objects.parts.put(keys.original(arrival.id), arrival.upload_id, numbered, whole)
        except UploadMissing as error:
            raise Gone(arrival.id) from error
        return Stored(at, Part(numbered, size, etag), tail)

    async def number(self, upload_id: str) -> int:
        """A part number that nobody else has, higher than all that were given out. Raises Gone, Moved."""
        known, reserved = await self.arrivals.known(upload_id), self._numbers.pop(upload_id, None)
        if known and known.numbers == reserved:
            return reserved
        return (await self.arrivals.change(upload_id, lambda arrival: number(arrival, 1))).numbers

    def reserve(self, arrival: Arrival) -> None:
        """The highest number that was given out is for whoever asks next here, unless others are given out before."""
        self._numbers[arrival.id] = arrival.numbers
        while len(self._numbers) > _RESERVED:
            self._numbers.popitem(last=False)

    async def begun(self, arrival: Arrival) -> Arrival:
        """The upload with its multipart upload; begins it, if it was not."""
        if arrival.upload_id is not None:
            return arrival
        key = keys.original(arrival.id)
        begun = await self._objects.parts.begin(key, _CONTENT_TYPE)
        noted = await self.arrivals.change(arrival.id, lambda arrival: begin(arrival, begun))
        if noted.upload_id != begun:  # somebody was faster
            await self._objects.parts.abort(key, begun)
        return noted

    def fold_soon(self, arrival: Arrival) -> None:
        """Makes a part of the pieces in the background once it is worth it, or one piece of too many small ones."""
        if not (arrival.waiting >= arrival.fold_bytes or arrival.scattered):
            return
        if arrival.id in self._folding or arrival.whole:
            return
        task = asyncio.create_task(self._fold(arrival))
        self._folding[arrival.id] = task
        task.add_done_callback(lambda _: self._folding.pop(arrival.id, None))

    async def folded(self, upload_id: str) -> None:
        """Returns when no pieces of the upload are being put together here."""
        if task := self._folding.get(upload_id):
            await asyncio.wait([task])

    async def _fold(self, arrival: Arrival) -> None:
        try:
            async with self._room:
                if arrival.waiting >= arrival.fold_bytes:
                    await self._fold_on(await self.begun(arrival))
                else:
                    await self._gather_pieces(arrival)
        except (Gone, Moved) as error:
            log.info("pieces were not put together", upload_id=arrival.id, reason=str(error))
        except (StoreUnavailable, ObjectMissing) as error:
            log.warning("pieces are left for later", upload_id=arrival.id, reason=str(error))
        except Exception:  # the edge of a task
            log.exception("pieces could not be put together", upload_id=arrival.id)

    async def _fold_on(self, arrival: Arrival) -> None:
        if not arrival.live:
            await self._fold_pieces(arrival, arrival.tail)
            return
        while arrival.waiting >= arrival.fold_bytes:
            arrival = await self._fold_kept(arrival)

    async def _fold_kept(self, arrival: Arrival) -> Arrival:
        """Makes a part of the first pieces of a live upload; what is in it can be read all the time."""
        pieces, numbered = arrival.foldable, await self.number(arrival.id)
        body = b"".join([chunk async for chunk in self._pieces(arrival.id, pieces)])
        await self._objects.put(keys.kept_part(arrival.id, numbered), body, _CONTENT_TYPE)
        stored = await self.part(arrival, numbered, arrival.parted, (), Body(len(body), lambda: _one(body)))
        assert isinstance(stored.what, Part)
        part = stored.what
        folded = await self.arrivals.change(arrival.id, lambda arrival: fold(arrival, pieces, part))
        await self.remove(arrival.id, pieces)
        return folded

    async def _fold_pieces(self, arrival: Arrival, pieces: tuple[Piece, ...]) -> Arrival:
        numbered = await self.number(arrival.id)
        stored = await self.part(arrival, numbered, arrival.parted, pieces, Body(0, nothing))
        assert isinstance(stored.what, Part)
        part = stored.what
        folded = await self.arrivals.change(arrival.id, lambda arrival: fold(arrival, pieces, part))
        await self.remove(arrival.id, pieces)
        return folded

    async def _gather_pieces(self, arrival: Arrival) -> None:
        """Makes one piece of many that are not enough for a part."""
        pieces = arrival.tail
        body = await self._read_all(arrival)
        gathered = (await self.piece(arrival.id, arrival.parted, body)).what
        assert isinstance(gathered, Piece)
        try:
            await self.arrivals.change(arrival.id, lambda arrival: gather(arrival, pieces, gathered))
        except (Gone, Moved):
            await self.remove(arrival.id, [gathered])
            raise
        await self.remove(arrival.id, pieces)

    async def remove(self, upload_id: str, pieces: Sequence[Piece]) -> None:
        """Removes pieces that do not count. One that cannot be removed now goes with the rest of the tail."""
        if not pieces:
            return
        try:
            await self._objects.delete_many([keys.piece(upload_id, piece.name) for piece in pieces])
        except StoreUnavailable as error:
            log.info("pieces are left behind", upload_id=upload_id, reason=str(error))

    async def seal(self, arrival: Arrival) -> None:
        """Makes the object of a whole upload appear. A repeat is harmless. Raises Gone, Moved."""
        key = keys.original(arrival.id)
        if not arrival.parts:
            await self._objects.put(key, await self._read_all(arrival), _CONTENT_TYPE)
            return
        if arrival.tail:
            arrival = await self._fold_pieces(arrival, arrival.tail)
        assert arrival.upload_id is not None
        try:
            await self._objects.parts.complete(key, arrival.upload_id, [(p.number, p.etag) for p in arrival.parts])
        except UploadMissing as error:
            stat = await self._objects.stat(key)  # it may have been completed before, and its answer lost
            if stat is None or stat.size_bytes != arrival.length:
                raise Gone(arrival.id) from error

    async def end(self, arrival: Arrival) -> None:
        """Forgets how the upload came, once its object is accepted. Harmless when repeated."""
        await self.arrivals.forget(arrival.id)
        if arrival.parts or len(arrival.tail) != 1:
            await self._objects.delete_prefix(keys.tail_prefix(arrival.id))
        else:
            await self.remove(arrival.id, arrival.tail)

    async def beginning(self, arrival: Arrival) -> bytes:
        """The bytes of an upload that has no parts yet, as far as they count. Raises Moved when it has some by now."""
        return await self._read_all(arrival)

    async def _read_all(self, arrival: Arrival) -> bytes:
        """The bytes of all its pieces: few enough for the memory, as long as they are not worth a part."""
        return b"".join([chunk async for chunk in self._pieces(arrival.id, arrival.tail)])

    async def _joined(self, upload_id: str, tail: tuple[Piece, ...], chunks: Chunks) -> AsyncIterator[bytes]:
        async for chunk in self._pieces(upload_id, tail):
            yield chunk
        async for chunk in chunks():
            yield chunk

    async def _pieces(self, upload_id: str, pieces: Sequence[Piece]) -> AsyncIterator[bytes]:
        """The bytes of the pieces in their order, some read ahead. Raises Moved when one is gone: it is in a part."""
        ahead: deque[asyncio.Task[bytes]] = deque()
        try:
            for piece in pieces:
                while ahead and (len(ahead) == _READ_AHEAD or piece.size > _SMALL_BYTES):
                    yield await ahead.popleft()
                ahead.append(asyncio.create_task(self._read(upload_id, piece)))
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()
                with suppress(asyncio.CancelledError, Moved, StoreUnavailable):
                    await task

    async def _read(self, upload_id: str, piece: Piece) -> bytes:
        try:
            return await self._objects.read(keys.piece(upload_id, piece.name))
        except ObjectMissing as error:
            raise Moved(f"{upload_id} has other pieces by now") from error


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body
