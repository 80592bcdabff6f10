"""The bytes of a request on their way into a resumable upload.

They are stored as parts where enough of them come soon, and as pieces where not; so they wait in memory for two seconds
at most, or until a part is full. What a part is made of is sent on while it still comes. Each part and piece counts as
soon as it is stored, in order, so a connection that breaks keeps what came; with a checksum all count at the end, or
none.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import structlog

from api.checksums import Checksum
from api.flow import Flow, Room
from schemas.ids import new_id
from schemas.problems import Problem
from schemas.time import after, now
from stores.errors import StoreUnavailable
from stores.resumable import Arrival, Assembly, Gone, Held, Moved, Part, Piece, Stored
from stores.resumable.arrival import LEAST_PART_BYTES, grow, hold, number, release
from stores.sending import Body
from stores.signatures import HEAD_BYTES, growing

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024
_WAIT_SECONDS = 2.0
"""How long bytes wait for more before they are stored as what they are."""
_HOLD_SECONDS = 6.0
_STALE_SECONDS = 3.0
_SURE_BYTES = _MIB
"""So much of a part must be there before it is sent on, and the rest be expected in time."""
_AT_ONCE = 2
"""Parts that are being stored while the next one comes."""
_END_SECONDS = 15.0
_PACE_BYTES, _PACE_SECONDS = 64 * 1024, 60.0
"""What has to come, at least, in so many seconds of waiting."""


class Content(Protocol):
    """What bytes come from: aiohttp's StreamReader, or one message of a websocket."""

    async def readany(self) -> bytes:
        """What has come; empty at the end."""


class Reception:
    """One request's bytes. `size` is how many will come, None where that is not known; `most` how many may.

    Everything that it stores is counted as of one writer. An upload of unknown length whose first bytes are such that
    they can be decoded as they come is live: all of it is stored in pieces, and `began` is told of it.
    """

    def __init__(
        self,
        assembly: Assembly,
        room: Room,
        upload: Arrival,
        *,
        size: int | None,
        most: int,
        seconds: float,
        check: Checksum | None,
        began: Callable[[Arrival], Awaitable[None]],
    ) -> None:
        self._assembly = assembly
        self._arrivals = assembly.arrivals
        self._room = room
        self._upload = upload
        self._end_at = None if size is None else upload.offset + size
        self._most = most
        self._expiry_seconds = seconds
        self._check = check
        self._began = began
        self._begins, self._head, self._told = upload.offset == 0, b"", False
        self._writer = new_id()
        self._flow = Flow(upload.offset, room)
        self._counted_at = upload.offset
        self._tail: tuple[Piece, ...] | None = None
        self._target = 0
        self._counting: deque[asyncio.Task[None]] = deque()
        self._unchecked: list[Stored] = []
        self._held = False
        self._listening = False
        self._waited, self._paced = 0.0, 0
        self._kept_until = self._heard_at = time.monotonic()
        self.came = 0

    @property
    def stale(self) -> bool:
        """Whether it waits for bytes, and has heard nothing for a while: most likely nobody is there any more."""
        return self._listening and time.monotonic() - self._heard_at > _STALE_SECONDS

    async def take(self, content: Content) -> Arrival:
        """Stores all that comes and returns how far the upload has come. What came before an error counts all the same.

        Raises Problem, Held, Moved, Gone, StoreUnavailable; what the connection raises when it breaks.
        """
        try:
            await self._read(content)
            await self._end()
        except BaseException as error:
            await asyncio.shield(asyncio.ensure_future(self._break_off(error)))
            raise
        return self._upload

    async def _read(self, content: Content) -> None:
        await self._recall()
        self._aim()
        while (chunk := await self._next(content)) != b"":
            if chunk:
                self._heard_at = time.monotonic()
                await self._take(chunk)
            if time.monotonic() - max(self._flow.began, self._kept_until) >= _WAIT_SECONDS:
                await self._keep()

    async def _next(self, content: Content) -> bytes | None:
        """What comes next; None when nothing comes for a while, empty at the end. Raises Problem request_timeout."""
        began, chunk = time.monotonic(), None
        self._listening = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAIT_SECONDS):
                chunk = await _read(content)
        self._listening = False
        self._waited, self._paced = self._waited + time.monotonic() - began, self._paced + len(chunk or b"")
        if self._waited >= _PACE_SECONDS:
            if self._paced < _PACE_BYTES:
                raise Problem("request_timeout", f"Only {self._paced} bytes arrived in {self._waited:.0f} s.")
            self._waited, self._paced = 0.0, 0
        return chunk

    async def _take(self, chunk: bytes) -> None:
        self.came += len(chunk)
        if self.came > self._most:
            raise Problem("too_large", "More bytes arrived than the upload has room for.")
        if self._check:
            self._check.update(chunk)
        if self._begins and len(self._head) < HEAD_BYTES:
            self._head += chunk[:HEAD_BYTES]
        while chunk:
            wanted = self._target - self._flow.size
            self._flow.put(chunk[:wanted])
            chunk = chunk[wanted:]
            if self._flow.size == self._target or (self._room.crowded and self._flow.size >= _SURE_BYTES):
                await self._ship()
            elif self._seems_sure():
                await self._send_on()

    async def _recall(self) -> None:
        """The first bytes, where too few had come to know what they are: a browser's recorder may begin with one."""
        upload = self._upload
        if upload.length is None and not upload.live and not upload.parts and 0 < upload.offset < HEAD_BYTES:
            self._begins, self._head = True, await self._assembly.beginning(upload)

    def _aim(self) -> None:
        """How large the part that comes next is to be: nothing small is left over for the last."""
        self._target = self._upload.part_bytes
        if self._end_at is not None and self._end_at - self._flow.at < self._target + LEAST_PART_BYTES:
            self._target = max(self._end_at - self._flow.at, 1)

    def _seems_sure(self) -> bool:
        """Whether the part's size is certain, and the rest of it seems to come soon."""
        flow = self._flow
        if flow.sending or self._end_at is None or flow.size < _SURE_BYTES:
            return False
        return (time.monotonic() - flow.began) * self._target <= _WAIT_SECONDS / 2 * flow.size

    @property
    def _live(self) -> bool:
        """Whether what comes is to be read while it comes: what lies in a part cannot be."""
        if self._upload.live or self._upload.length is not None or not self._head:
            return self._upload.live
        return growing(self._head) is not None

    async def _send_on(self) -> None:
        """Begins to store the part before it is full."""
        if await self._suits_a_part(self._target):
            self._flow.sending = await self._open(self._target)

    async def _suits_a_part(self, size: int) -> bool:
        """Whether so many bytes are to become a part, with the pieces that wait before them."""
        if size < _SURE_BYTES or self._live:
            return False
        if self._tail is None:
            await self._until_counting(0)
            await self._assembly.folded(self._upload.id)
            self._learn(await self._arrivals.known(self._upload.id))
            self._tail = self._pieces_before()
        return size + sum(piece.size for piece in self._tail) >= LEAST_PART_BYTES

    def _pieces_before(self) -> tuple[Piece, ...]:
        pieces = self._upload.tail
        for stored in self._unchecked:
            pieces = (*pieces, stored.what) if isinstance(stored.what, Piece) else ()
        return pieces

    async def _open(self, size: int) -> asyncio.Task[Stored]:
        """Begins to store the flow, and the pieces before it, as a part."""
        flow, tail = self._flow, self._tail or ()
        self._learn(await self._assembly.begun(self._upload))
        numbered = await self._assembly.number(self._upload.id)
        self._tail = ()
        storing = self._assembly.part(self._upload, numbered, flow.at, tail, Body(size, flow.chunks))
        return asyncio.create_task(storing)

    async def _ship(self) -> None:
        """Ends the flow: what is in it counts once it is stored, and all before it counts."""
        flow = self._flow
        flow.end()
        last = flow.at + flow.size == self._end_at
        if flow.sending and flow.size != self._target:
            await _given_up(flow.sending)
            flow.sending, self._tail = None, None
        if not flow.sending and await self._suits_a_part(flow.size):
            flow.sending = await self._open(flow.size)
        if flow.sending:
            before = self._counting[-1] if self._counting else None
            self._counting.append(asyncio.create_task(self._count_part(flow, before, last)))
            await self._until_counting(0 if last or self._room.crowded else _AT_ONCE)
        else:
            await self._until_counting(0)
            await self._count(await self._assembly.piece(self._upload.id, flow.at, flow.whole()), last)
            flow.free()
        self._flow = Flow(flow.at + flow.size, self._room)
        self._aim()

    async def _until_counting(self, most: int) -> None:
        """Waits until at most so many parts do not count yet."""
        while len(self._counting) > most:
            await asyncio.wait([self._counting[0]])
            self._counting.popleft().result()

    async def _count_part(self, flow: Flow, before: asyncio.Task[None] | None, last: bool) -> None:
        assert flow.sending
        try:
            stored = await flow.sending
            if before:
                await asyncio.wait([before])
                before.result()
            await self._count(stored, last)
        finally:
            flow.sending.cancel()
            flow.free()

    async def _count(self, stored: Stored, last: bool) -> None:
        """What is stored counts from now on; with a checksum not yet."""
        if isinstance(stored.what, Piece):
            self._tail = None
        if self._check:
            self._unchecked.append(stored)
        else:
            await self._grow([stored], last)

    async def _grow(self, stored: list[Stored], last: bool) -> None:
        expires_at = after(self._expiry_seconds)
        reserving = last and bool(stored) and isinstance(stored[-1].what, Part)
        live = self._live

        def rule(upload: Arrival) -> Arrival:
            grown = grow(upload, self._writer, stored, now(), expires_at)
            grown = number(grown, 1) if reserving and not grown.whole else grown
            grown = replace(grown, live=grown.live or live)
            return release(grown, self._writer) if last else grown

        grown = await self._arrivals.change(self._upload.id, rule)
        if reserving and not grown.whole:
            self._assembly.reserve(grown)
        self._learn(grown)
        self._counted_at = self._upload.offset
        self._held = self._held and not last
        if stored and isinstance(stored[-1].what, Piece):
            self._assembly.fold_soon(self._upload)
        if live and not self._told:
            self._told = True
            await self._began(self._upload)

    async def _keep(self) -> None:
        """What has waited long enough is stored as what it is, and the upload stays ours while something comes."""
        self._kept_until = time.monotonic()
        if self._flow.size:
            await self._ship()
        if time.monotonic() - self._heard_at < _WAIT_SECONDS:
            await self._hold()

    async def _hold(self) -> None:
        """Has the upload to ourselves for some seconds. One that is over sooner needs that not."""

        def rule(upload: Arrival) -> Arrival:
            if self._held and upload.holder != self._writer:
                raise Moved(f"{upload.id} has been taken over")
            offset = upload.offset if self._held else self._counted_at
            return hold(upload, self._writer, offset, now(), _HOLD_SECONDS)

        self._learn(await self._arrivals.change(self._upload.id, rule))
        self._held = True

    def _learn(self, upload: Arrival | None) -> None:
        if upload and upload.revision > self._upload.revision:
            self._upload = upload

    async def _end(self) -> None:
        """Everything has come: when this returns, it counts."""
        self._end_at = self._flow.at + self._flow.size
        if self._flow.size:
            await self._ship()
        await self._until_counting(0)
        if self._check:
            self._check.expect()
            checked, self._unchecked = self._unchecked, []  # whatever the answer will be: they may count
            await self._grow(checked, last=True)
        elif self._held:
            await self._release()
        elif not self.came and self._end_at == self._upload.offset:
            await self._grow([], last=True)  # a sign of life, of a recorder that pauses

    async def _release(self) -> None:
        self._learn(await self._arrivals.change(self._upload.id, lambda upload: release(upload, self._writer)))
        self._held = False

    async def _break_off(self, error: BaseException) -> None:
        """Keeps what came, if nothing speaks against it, and lets go of the upload."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                if self._check or isinstance(error, StoreUnavailable | Held | Moved | Gone):
                    await self._drop()
                else:
                    await self._end()
                if self._held:
                    await self._release()
        except (StoreUnavailable, Held, Moved, Gone, TimeoutError) as failure:
            log.info("the rest of a request was not kept", upload_id=self._upload.id, reason=str(failure))
        except Exception:  # the edge: the error that brought us here is the one to be raised
            log.exception("the rest of a request was not kept", upload_id=self._upload.id)
        finally:
            await self._drop()

    async def _drop(self) -> None:
        """Throws away what does not count. A repeat is harmless."""
        under_way = [task for task in (self._flow.sending, *self._counting) if task]
        for task in under_way:
            await _given_up(task)
        self._counting.clear()
        self._flow.free()
        pieces = [stored.what for stored in self._unchecked if isinstance(stored.what, Piece)]
        self._unchecked.clear()
        await self._assembly.remove(self._upload.id, pieces)


async def _read(content: Content) -> bytes:
    try:
        return await content.readany()
    except RuntimeError as error:  # what aiohttp says of a connection that was lost before
        raise ConnectionResetError("the connection is gone") from error


async def _given_up(task: asyncio.Task[Any]) -> None:
    """Cancels it, and asks for nothing that it might have to say."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
