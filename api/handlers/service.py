"""The service itself: its health, what it is, its metrics, and its description with pages to read it."""

from importlib.metadata import PackageNotFoundError, version

from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder

from api import pages
from api.keys import HEALTH, METRICS, OPENAPI, SETTINGS
from schemas.problems import Problem
from schemas.responses import Health, Info, Limits


async def live(_: web.Request) -> Health:
    """The process answers."""
    return Health(status="ok")


async def ready(request: web.Request) -> web.Response:
    """Whether every part answers; 503 while one is away."""
    health = await _health(request)
    status = 200 if health.status == "ok" else 503
    headers = {} if status == 200 else {hdrs.RETRY_AFTER: "2"}
    return web.Response(
        status=status, body=health.model_dump_json().encode(), content_type="application/json", headers=headers
    )


async def health(request: web.Request) -> Health:
    """How the service and its parts are; always 200, for people and dashboards."""
    return await _health(request)


async def _health(request: web.Request) -> Health:
    parts = await request.app[HEALTH].parts()
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


def release() -> str:
    """The installed version; "0" when run from a folder that was never installed."""
    try:
        return version("tidemark")
    except PackageNotFoundError:
        return "0"


async def metrics(request: web.Request) -> web.Response:
    """The metrics, as OpenMetrics or in Prometheus' own format."""
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
