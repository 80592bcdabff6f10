"""The ceilings of bench.ingest: a handler of aiohttp that does nothing, and one that awaits Kafka.

`python -m bench.ingest_ceiling PORT bare|kafka`, with the API's environment.
"""

import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web

from schemas.ids import new_id
from schemas.settings import load_settings
from schemas.topics import Topic
from stores.publisher import Publisher

_ANSWER = b'{"status":"queued"}'
_PUBLISHER = web.AppKey("publisher", Publisher)


async def bare(request: web.Request) -> web.Response:
    """Reads the body and answers."""
    await request.read()
    return web.Response(status=202, body=_ANSWER, content_type="application/json")


async def kafka(request: web.Request) -> web.Response:
    """The same when the body is on Kafka."""
    body = await request.read()
    await request.app[_PUBLISHER].publish_raw(Topic.UPLOADS, new_id(), body)
    return web.Response(status=202, body=_ANSWER, content_type="application/json")


async def _publishing(app: web.Application) -> AsyncIterator[None]:
    async with Publisher(load_settings()) as publisher:
        app[_PUBLISHER] = publisher
        yield


def main(port: int, kind: str) -> None:
    """Serves until SIGTERM."""
    app = web.Application()
    app.router.add_post("/upload-complete", {"bare": bare, "kafka": kafka}[kind])
    app.cleanup_ctx.append(_publishing)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
