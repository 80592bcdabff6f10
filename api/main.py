"""The process of the API: from settings to a server that ends in order on SIGTERM or SIGINT."""

import uvloop
from aiohttp import web

from api.app import make_app
from schemas.settings import Settings

_KEEPALIVE_SECONDS = 75.0


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; blocks. Requests under way get SHUTDOWN_GRACE_SECONDS, watchers are sent away."""
    web.run_app(
        make_app(settings),
        host=settings.host,
        port=settings.port,
        print=None,
        access_log=None,
        shutdown_timeout=settings.shutdown_grace_seconds,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        loop=uvloop.new_event_loop(),
    )
