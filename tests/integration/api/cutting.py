"""A bad network: a proxy that lets so many bytes through a connection, and then cuts it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from deploy.embedded.ports import HOST


class Cutter:
    """Where it listens, and how often it has cut. `most` is how many bytes a connection may send.

    As long as `cut` is cleared, a connection that has sent them stands still instead.
    """

    def __init__(self, port: int, most: int) -> None:
        self._target, self._most = port, most
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut = asyncio.Event()
        self.cut.set()
        self.cuts = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        to_server: asyncio.StreamWriter | None = None
        try:
            from_server, to_server = await asyncio.open_connection(HOST, self._target)
            back = asyncio.create_task(self._pass(from_server, writer, None))
            await self._pass(reader, to_server, self._most)
            back.cancel()
        except OSError:
            pass
        finally:
            for end in filter(None, (writer, to_server)):
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            passed = 0
            while chunk := await reader.read(64 * 1024):
                passed += len(chunk)
                if most is not None and passed > most:
                    await self.cut.wait()
                    self.cuts += 1
                    return
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def cutting(port: int, most: int) -> AsyncIterator[Cutter]:
    """A proxy to that port."""
    cutter = Cutter(port, most)
    server = await asyncio.start_server(cutter.serve, HOST, 0)
    cutter.port = server.sockets[0].getsockname()[1]
    try:
        yield cutter
    finally:
        server.close()
