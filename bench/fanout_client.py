"""Websocket clients in one process, each with its own job, which take the time that each message took.

usage: python fanout_client.py KIND (JSON lines on stdin: {"url", "headers"} for each client)
KIND: plain (one JSON text a message) or socketio (Engine.IO 4). Says READY once all have joined. A message holds the
moment that it was due at as `"t": seconds`. Ends when nothing has come for some seconds, and prints its figures: also
how long the process was kept from running, which is no service's fault.

The frames are read by hand: with a library's clients, this process takes more time than the services do.
"""

import asyncio
import json
import re
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

_QUIET_SECONDS = 3.0
_WARM_UP_SECONDS = 1.0
_AT_ONCE = 50
_TICK_SECONDS = 0.005
_MARK, _DUE = b'"t":', re.compile(rb'"t":\s*([\d.]+)')
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGlkZW1hcmsgZmFub3V0IQ==\r\n{more}\r\n"
)

came: list[tuple[float, float]] = []
late: list[float] = []


class Client(asyncio.Protocol):
    """A client: the first message says that it has joined. What has no time in it does not count."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._url, self._headers = urlsplit(url), headers
        self._left, self._open = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the websocket."""
        self._transport = cast(asyncio.Transport, transport)
        more = "".join(f"{name}: {value}\r\n" for name, value in self._headers.items())
        target = f"{self._url.path}?{self._url.query}"
        self._transport.write(_UPGRADE.format(target=target, host=self._url.netloc, more=more).encode())

    def connection_lost(self, _: Exception | None) -> None:
        """Notes it, whoever ended it."""
        self.lost = True
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("it was closed before the client had joined"))

    def data_received(self, data: bytes) -> None:
        """Takes the whole frames that are there, and keeps what is left for the next time."""
        data = self._left + data if self._left else data
        if not self._open:
            data = self._opened(data)
        end, at = 0, time.time()
        for opcode, text, end in _frames(data) if self._open else ():  # noqa: B007 - the last end is what counts
            self._frame(opcode, text, at)
        self._left = data[end:]

    def _opened(self, data: bytes) -> bytes:
        """What follows the answer's head, once that is there."""
        head, ended, rest = data.partition(b"\r\n\r\n")
        if not ended:
            return data
        self._open = head.startswith(b"HTTP/1.1 101 ")
        if not self._open:
            self.joined.set_exception(ConnectionError(f"no websocket: {data[:1000]!r}"))
        return rest

    def _frame(self, opcode: int, text: bytes, at: float) -> None:
        if opcode == _TEXT:
            self._text(text, at)
        elif opcode == _PING:
            self._send(_PONG, text)
        elif opcode == _CLOSE:
            self._transport.close()

    def _text(self, text: bytes, at: float) -> None:
        self._join()
        self._take(text, at)

    def _join(self) -> None:
        if not self.joined.done():
            self.joined.set_result(None)

    def _take(self, text: bytes, at: float) -> None:
        if found := _DUE.match(text, max(0, text.rfind(_MARK))):
            came.append((at, at - float(found[1])))

    def _send(self, opcode: int, text: bytes) -> None:
        """Sends a short frame; its mask is zero, so it leaves the text as it is."""
        self._transport.write(struct.pack("!BBI", opcode, 0x80 | len(text), 0) + text)


class SocketIO(Client):
    """Opens the default namespace, and answers pings."""

    def _text(self, text: bytes, at: float) -> None:
        if text.startswith(b"0"):
            self._send(_TEXT, b"40")
        elif text == b"2":
            self._send(_TEXT, b"3")
        elif text.startswith(b'42["joined"'):
            self._join()
        else:
            self._take(text, at)


def _frames(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The first byte, the payload and the end of each frame that is there as a whole, none of them masked."""
    at, there = 0, len(data)
    while there - at >= 2:
        length, first = data[at + 1], at + 2
        if length >= 126:
            first += 2 if length == 126 else 8
            if there < first:
                return
            length = int.from_bytes(data[at + 2 : first])
        if there < first + length:
            return
        yield data[at], data[first : first + length], first + length
        at = first + length


async def run(kind: str, told: list[dict[str, Any]]) -> dict[str, float]:
    """The figures, once it has become quiet."""
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)

    async def one(url: str, headers: Mapping[str, str]) -> Client:
        async with room:
            place = urlsplit(url)
            make = {"plain": Client, "socketio": SocketIO}[kind]
            assert place.hostname
            assert place.port
            _, client = await loop.create_connection(lambda: make(url, headers), place.hostname, place.port)
            await client.joined
            return client

    async with asyncio.timeout(60):
        clients = await asyncio.gather(*(one(**each) for each in told))
    print("READY", flush=True)
    ticking, began = asyncio.create_task(tick()), time.process_time()
    await quiet()
    used = time.process_time() - began
    ticking.cancel()
    return figures() | {"lost": sum(client.lost for client in clients), "cpu_us": 1e6 * used / len(came)}


async def tick() -> None:
    """Notes how much later than asked for this process gets to run, over and over."""
    while True:
        due = time.time() + _TICK_SECONDS
        await asyncio.sleep(_TICK_SECONDS)
        late.append(time.time() - due)


async def quiet() -> None:
    """Returns when messages have come, and then for some seconds none."""
    while not came or time.time() - came[-1][0] < _QUIET_SECONDS:  # noqa: ASYNC110 - quiet is no event
        await asyncio.sleep(0.25)


def figures() -> dict[str, float]:
    """How many came, how many a second, and the milliseconds that half and 99 of 100 of them took at most."""
    first, last = came[0][0] + _WARM_UP_SECONDS, came[-1][0]
    took = sorted(took for at, took in came if at >= first)
    return {
        "came": len(came),
        "rate": len(took) / max(last - first, 0.001),
        "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[int(len(took) * 0.99)],
        "late_ms": 1000 * sorted(late)[int(len(late) * 0.99)],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(sys.argv[1], [json.loads(line) for line in sys.stdin]))))
