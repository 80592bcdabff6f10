"""The load of bench.ingest: requests over many connections, each sent when its connection has its last answer.

`python ingest_load.py PORT CONNECTIONS WARM_UP FILE` sends the requests of the file, which are bytes as they go over
the wire, in order; the first WARM_UP are not measured. Prints calls a second and their times as JSON. Lean, since it
shares the processor with what it measures. A call that is not answered 202 is an error.
"""

import asyncio
import json
import pickle
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

_END = b"\r\n\r\n"
_ACCEPTED = b"HTTP/1.1 202"


class _Calls:
    """The requests that are left, and how long each took."""

    def __init__(self, requests: list[bytes], connections: int) -> None:
        self._left = iter(requests)
        self._connections = connections
        self.seconds: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def next(self) -> bytes | None:
        """The next request; None when all are made."""
        return next(self._left, None)

    def finished(self) -> None:
        """A connection has nothing more to send."""
        self._connections -= 1
        if not self._connections:
            self.done.set_result(None)

    def fail(self, answer: bytes) -> None:
        """Something was not accepted."""
        if not self.done.done():
            self.done.set_exception(AssertionError(answer[:2000].decode(errors="replace")))


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._calls: _Calls | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, calls: _Calls) -> None:
        """Sends the first request."""
        self._calls = calls
        self._send()

    def _send(self) -> None:
        assert self._calls is not None
        request = self._calls.next()
        if request is None:
            self._calls.finished()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        assert self._calls is not None
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end or len(body) < _length(head):
            return
        if not head.startswith(_ACCEPTED):
            self._calls.fail(self._received)
            return
        self._received = b""
        self._calls.seconds.append(time.perf_counter() - self._sent)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if self._calls is not None:
            self._calls.fail(b"The connection was closed.")


def _length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


async def main(port: int, connections: int, warm_up: int, file: Path) -> None:
    """Makes all calls and prints the figures."""
    requests = pickle.loads(file.read_bytes())  # noqa: S301 - bench.ingest has written it
    opened = [
        await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port) for _ in range(connections)
    ]
    await _made(requests[:warm_up], opened)
    started = time.perf_counter()
    seconds = sorted(await _made(requests[warm_up:], opened))
    rate = len(seconds) / (time.perf_counter() - started)
    middle, late = (1000 * seconds[int(len(seconds) * share)] for share in (0.5, 0.99))
    print(json.dumps({"rate": rate, "p50_ms": middle, "p99_ms": late}))


async def _made(requests: list[bytes], connections: list[tuple[asyncio.Transport, _Connection]]) -> list[float]:
    calls = _Calls(requests, len(connections))
    for _, connection in connections:
        connection.begin(calls)
    await calls.done
    return calls.seconds


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
