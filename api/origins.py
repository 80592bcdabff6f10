"""Which other sites' pages may call the API (CORS), and what every answer has at its end."""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from api import tus
from api.keys import RATE_STANDING, REQUEST_ID, SETTINGS
from api.observing import HEADER
from api.security import secure

_ALLOWED_METHODS = "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"
_ALLOWED_HEADERS = ", ".join(
    (
        *("Authorization", "Content-Type", "If-None-Match", "If-Range", "Last-Event-ID", "Range", "X-API-Key"),
        *("X-Request-ID", *tus.REQUEST_HEADERS),
    )
)
_EXPOSED_HEADERS = ", ".join(
    (
        *("Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "ETag", "RateLimit"),
        *("RateLimit-Policy", "Retry-After", "X-Request-ID", *tus.ANSWER_HEADERS),
    )
)
_PREFLIGHT_SECONDS = "7200"


@web.middleware
async def preflighted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers a browser's question whether a page may make a request."""
    if request.method != hdrs.METH_OPTIONS or hdrs.ACCESS_CONTROL_REQUEST_METHOD not in request.headers:
        return await handler(request)
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: _ALLOWED_METHODS,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _ALLOWED_HEADERS,
        hdrs.ACCESS_CONTROL_MAX_AGE: _PREFLIGHT_SECONDS,
    }
    return web.Response(status=204, headers=headers if _origin(request) else {})


async def finish(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the headers that every answer has. A signal of aiohttp: it sees streams and websockets too."""
    secure(request, response)
    if standing := request.get(RATE_STANDING):
        response.headers.update(standing.headers)
    if request_id := request.get(REQUEST_ID):
        response.headers[HEADER] = request_id
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    if origin := _origin(request):
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED_HEADERS


def _origin(request: web.Request) -> str | None:
    """The origin that asks, where CORS_ORIGINS names it."""
    origin = request.headers.get(hdrs.ORIGIN)
    return origin if origin in request.app[SETTINGS].cors_origin_list else None
