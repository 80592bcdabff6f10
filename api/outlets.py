"""A websocket's way out, for the states of one job or of many.

While the client keeps up, a state goes straight to its socket, within the loop that reads Kafka: no task is woken and
nothing is waited for. What one turn of the loop has for a socket is one write: most of the time that a state takes is
the system's, for the write. Once the socket is full, each job keeps its latest state until there is room again; so a
client that stalls costs the others nothing, and itself nothing but states that were out of date.
"""

import asyncio
from collections.abc import Callable

from aiohttp import web

from api.frames import Frame, text_frame
from api.slots import newer

_A_WRITE_BYTES = 64 * 1024
"""So much is not held back until the loop's turn ends: only the transport knows whether the client keeps up."""


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
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
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
            self._write(text)

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
        self._write(self._shape(frame))
        if frame.ended:
            self.ended = True
            self._news.set()
        else:
            self.ended = False

    def _write(self, text: bytes) -> None:
        """Has a text frame go out in this turn of the loop, in one write with all that comes before its end."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write_out)
        self._unsent.append(text_frame(text))
        self._unsent_bytes += len(text)
        if self._unsent_bytes >= _A_WRITE_BYTES:
            self._write_out()

    def _write_out(self) -> None:
        """Hands the transport what is there, whole frames that never wait.

        Not by way of aiohttp: its coroutines take three times as long, and would wait for room only after the frame.
        """
        frames, self._unsent, self._unsent_bytes = self._unsent, [], 0
        transport = self._request.transport
        if self._ws is None or self._ws.closed or transport is None or transport.is_closing():  # the client has left
            self.close()
        elif frames:
            transport.write(b"".join(frames))
