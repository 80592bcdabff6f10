"""The process of the API: from settings to a server that ends in order on SIGTERM or SIGINT."""

import asyncio
import gc
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web
from prometheus_client import start_http_server

from api.app import make_app
from api.connections import Bounds, Connections
from api.keys import METRICS, SETTINGS
from schemas.settings import Settings

_WAITING_CONNECTIONS = 1024
_GARBAGE = (10_000, 20, 10)
"""When Python looks for garbage that holds itself: a request makes hundreds of objects, and leaves next to none."""


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; blocks. Requests under way get SHUTDOWN_GRACE_SECONDS, watchers are sent away."""
    _open_many_files()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    app, told = make_app(settings), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with serving(app, Bounds(settings.max_connections)):
        _collect_seldom()
        if settings.metrics_port:
            start_http_server(settings.metrics_port, settings.host, app[METRICS].registry)
        await told.wait()


@asynccontextmanager
async def serving(app: web.Application, bounds: Bounds) -> AsyncIterator[int]:
    """Serves the application where its settings say, and yields the port; at the end closes everything in order."""
    settings = app[SETTINGS]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=settings.shutdown_grace_seconds)
    await runner.setup()
    try:
        assert runner.server is not None
        async with Connections(runner.server, bounds, app[METRICS]) as connections:
            listening = await asyncio.get_running_loop().create_server(
                connections, settings.host, settings.port, backlog=_WAITING_CONNECTIONS
            )
            try:
                yield listening.sockets[0].getsockname()[1]
            finally:
                listening.close()
    finally:
        await runner.cleanup()


def _collect_seldom() -> None:
    """Takes what is there now, which is the program itself, out of every later look for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def _open_many_files() -> None:
    """Takes as many file descriptors as the system allows: each connection needs one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
