"""A local HTTP server that speaks an outside provider's API, and the ways in which such a service goes wrong."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from aiohttp import web

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalApi:
    """Answers every request with `answer`, unless a fault is due: faults are used up one a request, in order."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.asked = 0
        self.hanging = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.faults:
            return await self.faults.popleft()(request)
        return await self.answer(request)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Takes the request and never answers."""
        await request.read()
        self.hanging.set()
        await asyncio.Event().wait()
        raise AssertionError


def status(code: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Fault:
    """An error as the API gives it."""

    async def fault(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.json_response(body, status=code, headers=headers)

    return fault


def text(body: str, code: int = 200, content_type: str = "application/json") -> Fault:
    """A body that is not what it says."""

    async def fault(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(text=body, status=code, content_type=content_type)

    return fault


async def cut(request: web.Request) -> web.StreamResponse:
    """Half of an answer, then the connection is gone."""
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"half": ')
    assert request.transport is not None
    request.transport.close()
    return response


async def slam(request: web.Request) -> web.StreamResponse:
    """The connection is gone before anything is said."""
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
