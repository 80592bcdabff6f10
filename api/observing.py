"""Each request gets an id, one line in the log and its place in the metrics. A URL's query is never logged."""

import re
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from api.keys import METRICS, REQUEST_ID
from schemas.ids import new_id

log = structlog.get_logger(__name__)

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._:-]{8,64}", re.ASCII)
_QUIET = ("/health", "/metrics", "/docs/assets")


@web.middleware
async def observed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts, times and logs a request. The caller's X-Request-ID is taken where it is sane."""
    request[REQUEST_ID] = _request_id(request)
    metrics, started = request.app[METRICS], time.perf_counter()
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]), metrics.in_flight.track_inprogress():
        status = 499  # the client left before there was an answer
        try:
            response = await handler(request)
            status = response.status
        finally:
            _note(request, status, time.perf_counter() - started)
    return response


def _request_id(request: web.Request) -> str:
    sent = request.headers.get(HEADER, "")
    return sent if _SANE.fullmatch(sent) else new_id()


def _note(request: web.Request, status: int, seconds: float) -> None:
    route, metrics = template(request), request.app[METRICS]
    metrics.requests.labels(_method(request), route, status).inc()
    if not route.endswith(("/events", "/ws")) and not route.startswith("/api/stream"):
        metrics.request_seconds.labels(_method(request), route).observe(seconds)
    say = log.debug if route.startswith(_QUIET) else log.info
    path = request.rel_url.raw_path  # as it was sent: decoded, it could hold what moves a terminal's cursor
    say("request", method=request.method, route=route, path=path, status=status, ms=round(seconds * 1000, 1))


def _method(request: web.Request) -> str:
    """The method, where it is a known one: a label must not take just any value."""
    return request.method if request.method in ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS") else "OTHER"


def template(request: web.Request) -> str:
    """The route's path with its placeholders; "none" where no route matched."""
    resource = request.match_info.route.resource
    return resource.canonical.rstrip("/") if resource else "none"
