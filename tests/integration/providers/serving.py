"""A server of lectures that breaks off, changes its files, leads elsewhere or never ends, as real ones do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web

from providers.sources import Downloads
from schemas.settings import Settings

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Files by path, served whole or by range; `asked` are the requests, each with its Range."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Answering] = {}
        self.breaks: list[int] = []
        """After how many bytes the next answers break off."""
        self.etag: str | None = '"one"'
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def downloads(self, **changed: object) -> Downloads:
        """What downloads from here."""
        given = {"download_allowed_hosts": f"127.0.0.1:{self.port}", "download_idle_seconds": 5, **changed}
        return Downloads(Settings.model_validate(given), pause=0.001)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path, wanted = request.path, request.headers.get("Range")
        self.asked.append((path, wanted))
        if path in self.answers:
            return await self.answers[path](request)
        if path not in self.files:
            raise web.HTTPNotFound
        return await self._send(request, self.files[path], wanted)

    async def _send(self, request: web.Request, body: bytes, wanted: str | None) -> web.StreamResponse:
        headers = {} if self.etag is None else {"ETag": self.etag}
        same = request.headers.get("If-Range") in (None, self.etag)
        status = 200
        if wanted and self.ranges and same:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
            body, status = body[int(first) : end], 206
        response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(body))})
        await response.prepare(request)
        cut = self.breaks.pop(0) if self.breaks else None
        await response.write(body[:cut])
        if cut is not None and cut < len(body):
            assert request.transport is not None
            await asyncio.sleep(0)
            request.transport.close()
        return response


def status(code: int, **headers: str) -> Answering:
    """An answer without a file."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def endless(request: web.Request) -> web.StreamResponse:
    """A body of unknown length without an end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(256 * 1024))


async def silent(request: web.Request) -> web.StreamResponse:
    """Begins, and says nothing more."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"x")
    await asyncio.Event().wait()
    return response


async def read(downloads: Downloads, url: str) -> bytes:
    """All that is at the address."""
    async with downloads.open(url) as stream:
        return b"".join([chunk async for chunk in stream.chunks()])
