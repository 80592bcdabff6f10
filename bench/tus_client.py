"""A bare tus client on asyncio streams: it takes as little of the machine as it can. `bench.tus` runs it as a process.

one PATH TOTAL_MIB PATCH_MIB: one upload, a PATCH after the other. recorders PATH COUNT BYTES SECONDS: so many uploads
of unknown length, each sending the next chunk as soon as the last one is acknowledged. Prints its figures as JSON.
"""

import asyncio
import json
import os
import sys
import time

import uvloop

from deploy.embedded.ports import HOST

_MIB = 1024 * 1024


class Connection:
    """One connection, kept open."""

    def __init__(self, port: int, path: str, token: str) -> None:
        self._port, self._path = port, path
        self._always = f"Host: {HOST}:{port}\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> "Connection":
        """Connects."""
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        return self

    async def create(self, length: int | None = None) -> str:
        """A new upload's path."""
        size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        location = (await self._call("POST", self._path, size, b""))["location"]
        return location if location.startswith("/") else "/" + location.split("/", 3)[3]

    async def patch(self, path: str, offset: int, body: bytes) -> int:
        """The offset afterwards."""
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        reached = int((await self._call("PATCH", path, headers, body))["upload-offset"])
        if reached != offset + len(body):
            raise RuntimeError(f"at {reached}, expected {offset + len(body)}")
        return reached

    async def _call(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        head = f"{method} {path} HTTP/1.1\r\n{self._always}Content-Length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(f"{head}\r\n".encode())
        self._writer.write(body)
        await self._writer.drain()
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
        text = await self._body(found)
        if (status := int(lines[0].split()[1])) >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:200]!r}")
        return found

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", 0)))
        text = b""
        while size := int(await self._reader.readline(), 16):
            text += await self._reader.readexactly(size + 2)
        await self._reader.readline()
        return text


async def one(connection: Connection, total: int, size: int) -> dict[str, float]:
    """MiB/s of one upload."""
    body = os.urandom(size)
    await connection.open()
    began, offset = time.perf_counter(), 0
    path = await connection.create(total)
    while offset < total - size:  # all but the last: that it is no media is not the question
        offset = await connection.patch(path, offset, body)
    return {"mib_s": offset / _MIB / (time.perf_counter() - began)}


async def recorders(connections: list[Connection], size: int, seconds: float) -> dict[str, float]:
    """PATCHes a second of all, and how long one takes."""
    body, took = os.urandom(size), list[float]()
    paths = [await (await connection.open()).create() for connection in connections]
    end = time.perf_counter() + seconds

    async def record(connection: Connection, path: str) -> None:
        offset = 0
        while (began := time.perf_counter()) < end:
            offset = await connection.patch(path, offset, body)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*map(record, connections, paths))
    spent = time.perf_counter() - began
    took.sort()
    return {
        "patches_s": len(took) / spent,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
    }


def main() -> None:
    """Runs what the arguments say; the port and the token come from the environment."""
    what, path, *numbers = sys.argv[1:]
    port, token = int(os.environ["TUS_PORT"]), os.environ.get("TUS_TOKEN", "none")
    if what == "one":
        total, size = (int(number) * _MIB for number in numbers)
        found = uvloop.run(one(Connection(port, path, token), total, size))
    else:
        count, size, seconds = map(int, numbers)
        connections = [Connection(port, path, token) for _ in range(count)]
        found = uvloop.run(recorders(connections, size, seconds))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
