"""A websocket's way out, for the states of one job or of many.

While the client keeps up, a state goes straight to its socket, within the loop that reads Kafka: no task is woken and
nothing is waited for. Once the socket is full, each job keeps its latest state until there is room again; so a client
that stalls costs the others nothing, and itself nothing but states that were out of date.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from api.frames import Frame
from api.slots import newer


class Outlet:
    """Sends each state of the jobs that it follows at most once, versions growing; an ending is never left out.

    `shape` makes the text frame's bytes of a state. Nothing is sent before `open`.
    """

    def __init__(self, request: web.Request, shape: Callable[[Frame], bytes] = lambda frame: frame.body) -> None:
        self._request = request
        self._shape = shape
        self._ws: web.WebSocketResponse | None = None
        self._seen: dict[str, int] = {}
        self._waiting: dict[str, Frame] = {}
        self._gone: list[str] = []
        self._news = asyncio.Event()
        self.closed = False
        self.ended = False
        """Whether the last state that was sent is an ending."""

    @property
    def followed(self) -> set[str]:
        """The ids of the jobs whose states are sent."""
        return set(self._seen)

    def follow(self, job_id: str, seen: int = 0) -> None:
        """Sends the states of a job from now on that are newer than the version `seen`."""
        self._seen[job_id] = seen

    def forget(self, job_id: str) -> None:
        """Sends nothing more of the job. Harmless when repeated."""
        self._seen.pop(job_id, None)
        self._waiting.pop(job_id, None)

    def open(self, ws: web.WebSocketResponse) -> None:
        """Says that the socket is there."""
        self._ws = ws
        self._news.set()

    def put(self, frame: Frame) -> None:
        """Offers a state of a job that is followed."""
        seen, held = self._seen.get(frame.job_id), self._waiting.get(frame.job_id)
        if seen is None or not newer(frame, seen, held):
            return
        if self._waiting or self._full():
            self._waiting[frame.job_id] = frame
            self._news.set()
        else:
            self._send(frame)

    def gone(self, job_id: str) -> None:
        """Notes that there is no such job any more, for `take_gone`."""
        if self._seen.pop(job_id, None) is not None:
            self._gone.append(job_id)
            self._news.set()

    def take_gone(self) -> list[str]:
        """The jobs that were followed and are gone, each once."""
        gone, self._gone = self._gone, []
        return gone

    def close(self) -> None:
        """Wakes whoever flushes for the last time."""
        self.closed = True
        self._news.set()

    def tell(self, text: bytes) -> None:
        """Sends a text frame that is no state. What a client that stalls does not take is kept by the transport."""
        if self._ws is not None and not self.closed:
            self._write(self._ws, text)

    async def flush(self, seconds: float, stall: float) -> None:
        """Waits up to `seconds` for states that could not be sent at once, and sends those that there is room for.

        Raises TimeoutError when the client takes nothing for `stall` seconds.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        if self._waiting and not self.closed:
            async with asyncio.timeout(stall):
                await self._request.writer.drain()
            if self._request.transport is None:  # lost while it was full, which it stays: nobody waits for it any more
                return self.close()
            while self._waiting and not self._full():
                self._send(self._waiting.pop(next(iter(self._waiting))))
            if self._waiting:
                self._news.set()
        return None

    def _full(self) -> bool:
        return self._ws is None or self._request.protocol.writing_paused

    def _send(self, frame: Frame) -> None:
        if self._ws is None or self.closed:
            return
        self._seen[frame.job_id] = frame.version
        self._write(self._ws, self._shape(frame))
        if frame.ended:
            self.ended = True
            self._news.set()
        else:
            self.ended = False

    def _write(self, ws: web.WebSocketResponse, text: bytes) -> None:
        try:
            _at_once(ws.send_frame(text, WSMsgType.TEXT))
        except ConnectionError:  # the client has left
            self.close()


def _at_once(sending: Coroutine[Any, Any, None]) -> None:
    """Runs what writes to a socket as far as it goes without waiting.

    aiohttp has handed the frame to the transport by then: it waits, if ever, only for room for the next one.
    """
    try:
        room = sending.send(None)
    except StopIteration:
        return
    sending.close()
    if isinstance(room, asyncio.Future):  # nobody else will look at it, should the connection be lost
        room.add_done_callback(lambda future: future.cancelled() or future.exception())
