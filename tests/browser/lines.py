"""A network that a test cuts and mends: a proxy at a port that stays the same."""

import asyncio
from contextlib import suppress

from deploy.embedded.ports import HOST


class Line:
    """Passes connections on to a port of this machine. While it is cut nobody is connected, and nobody gets through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.first_lines: list[bytes] = []
        """Of what each connection sent at a time: mostly those of requests."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for end in tuple(self._ends):
            end.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        with suppress(OSError):
            answers, to_server = await asyncio.open_connection(HOST, self._target)
            ends.append(to_server)
            self._ends.update(ends)
            passing = [
                asyncio.create_task(_pass(reader, to_server, self.first_lines)),
                asyncio.create_task(_pass(answers, writer)),
            ]
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            for task in passing:
                task.cancel()
        for end in ends:
            self._ends.discard(end)
            end.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: list[bytes] | None = None) -> None:
    with suppress(OSError):
        while chunk := await reader.read(64 * 1024):
            if lines is not None:
                lines.append(chunk.partition(b"\r\n")[0])
            writer.write(chunk)
            await writer.drain()
