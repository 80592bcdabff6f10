"""The service itself: its health, what it is, its metrics, and its description with pages to read it."""

import asyncio

from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder

from api import pages
from api.addresses import from_this_machine
from api.keys import HEALTH, METRICS, OPENAPI, SETTINGS
from schemas.problems import Problem
from schemas.release import release
from schemas.responses import Health, HealthPart, Info, Limits


async def live(_: web.Request) -> Health:
    """The process answers."""
    return Health(status="ok")


async def ready(request: web.Request) -> web.Response:
    """Whether every part answers that work is taken in with; 503 while one is away. Workers are no matter here."""
    health = _health_of(await request.app[HEALTH].parts())
    status = 200 if health.status == "ok" else 503
    headers = {} if status == 200 else {hdrs.RETRY_AFTER: "2"}
    return web.Response(
        status=status, body=health.model_dump_json().encode(), content_type="application/json", headers=headers
    )


async def health(request: web.Request) -> Health:
    """How the service, its parts and its workers are; always 200, for people and dashboards."""
    check = request.app[HEALTH]
    parts, workers = await asyncio.gather(check.parts(), check.workers())
    return _health_of((*parts, workers))


def _health_of(parts: tuple[HealthPart, ...]) -> Health:
    return Health(status="ok" if all(part.ok for part in parts) else "degraded", parts=parts)


async def info(request: web.Request) -> Info:
    """What this service is and accepts."""
    settings = request.app[SETTINGS]
    return Info(
        name="tidemark",
        version=release(),
        environment=settings.environment,
        limits=Limits(
            max_upload_bytes=settings.max_upload_bytes,
            presigned_url_seconds=settings.presigned_url_seconds,
            access_token_seconds=settings.access_token_seconds,
            refresh_token_seconds=settings.refresh_token_seconds,
            ticket_seconds=settings.ticket_seconds,
        ),
    )


async def metrics(request: web.Request) -> web.Response:
    """The metrics, as OpenMetrics or in Prometheus' own format, for programs of the same machine."""
    if not from_this_machine(request):
        raise Problem("forbidden", "Metrics are for programs of this machine; others use the port of METRICS_PORT.")
    try:
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    except (TypeError, ValueError):  # a version that is no number; a scraper that asks so gets the usual format
        encode, content_type = choose_encoder("")
    return web.Response(body=encode(request.app[METRICS].registry), headers={hdrs.CONTENT_TYPE: content_type})


async def openapi(request: web.Request) -> web.Response:
    """The OpenAPI 3.1 description."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


async def docs(_: web.Request) -> web.Response:
    """The description as a page to try things on."""
    return pages.page(pages.SWAGGER)


async def redoc(_: web.Request) -> web.Response:
    """The description as a page to read."""
    return pages.page(pages.REDOC)


async def asset(request: web.Request) -> web.StreamResponse:
    """A script or style of the pages."""
    found = pages.asset(request.match_info["name"])
    if found is None:
        raise Problem("not_found", "There is no such file.")
    return found
