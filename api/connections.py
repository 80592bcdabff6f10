"""Connections before a request of theirs is whole: how many there may be, and how long and large a head may be.

aiohttp bounds a head's lines and how long a connection may be idle; what is added here is a clock for a head that has
begun and never ends, a bound for the whole of it, an end to the number of connections, and problems as answers.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from aiohttp import StreamReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, InvalidURLError, LineTooLong

from api.keys import REQUEST_ID
from api.metrics import Metrics
from api.problems import CONTENT_TYPE, answer
from api.security import ALWAYS
from schemas.ids import new_id
from schemas.problems import Problem

log = structlog.get_logger(__name__)

LINE_BYTES = 8 * 1024
"""The longest address, with its method."""
_FIELD_BYTES = 16 * 1024
_FIELDS = 100
_LINGER_SECONDS = 5.0
"""For so long a body that nobody wants is read on, so that its client gets to read the answer."""
_TOO_MANY_FIELDS = "Too many headers"
_AGAIN_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a connection is borne: seconds from a head's first byte to its last, bytes of it, idle seconds."""

    connections: int
    head_seconds: float = 15.0
    head_bytes: int = 64 * 1024
    idle_seconds: float = 75.0


class Connections:
    """Makes the protocol of each new connection, and cuts off heads that do not end. An async context manager."""

    def __init__(self, server: web.Server, bounds: Bounds, metrics: Metrics) -> None:
        self.bounds = bounds
        self.metrics = metrics
        self._server = server
        self._open: set[Connection] = set()
        self._looking: asyncio.Task[None] | None = None

    def __call__(self) -> "Connection":
        """The protocol of one connection."""
        return Connection(self, self._server)

    async def __aenter__(self) -> "Connections":
        self._looking = asyncio.create_task(self._look_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def add(self, connection: "Connection") -> bool:
        """Takes a connection in, if there is room."""
        if len(self._open) >= self.bounds.connections:
            return False
        self._open.add(connection)
        self.metrics.connections.set(len(self._open))
        return True

    def remove(self, connection: "Connection") -> None:
        """Forgets a connection that is closed."""
        self._open.discard(connection)
        self.metrics.connections.set(len(self._open))

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.bounds.head_seconds / 4))
            late = asyncio.get_running_loop().time() - self.bounds.head_seconds
            for connection in [one for one in self._open if one.began_before(late)]:
                told = f"The head of the request did not arrive within {self.bounds.head_seconds:g} s."
                connection.cut("slow", Problem("request_timeout", told))


class Connection(web.RequestHandler):
    """aiohttp's protocol, which knows besides whether it is in the middle of a head."""

    __slots__ = ("_all", "_answered", "_began", "_head_bytes", "_lingering")

    def __init__(self, all_of_them: Connections, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=all_of_them.bounds.idle_seconds,
            max_line_size=LINE_BYTES,
            max_field_size=_FIELD_BYTES,
            max_headers=_FIELDS,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # its way to say: none
        )
        self._all = all_of_them
        self._answered = 0
        self._began: float | None = None
        self._head_bytes = 0
        self._lingering: StreamReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets the connection in, or tells it that there is no room."""
        if self._all.add(self):
            super().connection_made(transport)
            return
        self.close()
        self.transport = transport  # type: ignore[assignment]
        told = "The service has as many connections as it takes."
        self.cut("full", Problem("too_many_connections", told, retry_after=_AGAIN_SECONDS))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gives the connection's place back."""
        self._all.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; outside of requests, what comes belongs to a head, whose time and size count."""
        lingers = self._lingers()
        super().data_received(data)
        if lingers or self._request_count > self._answered:
            self._began, self._head_bytes = None, 0
        elif data:
            self._began = self._began or self._loop.time()
            self._head_bytes += len(data)
            if self._head_bytes > self._all.bounds.head_bytes:
                self.cut("large", large_head(self._all.bounds.head_bytes))

    def _lingers(self) -> bool:
        """Whether what comes still belongs to the body of a request that was answered before its end."""
        return self._lingering is not None and not self._lingering.is_eof()

    def log_access(self, request: web.BaseRequest, *_: object) -> None:
        """Called once for each request, after its answer."""
        self._answered += 1
        self._lingering = request.content

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Sends an answer. What aiohttp itself refuses at an address that is none becomes a problem before."""
        if isinstance(resp, web.HTTPExpectationFailed):
            resp = answer(request, Problem("invalid_request", "Of Expect only 100-continue is known here."))
        return await super().finish_response(request, resp, start_time)

    def began_before(self, moment: float) -> bool:
        """Whether a head began before that and has not ended."""
        return self._began is not None and self._began < moment and self._request_count == self._answered

    def cut(self, reason: str, problem: Problem) -> None:
        """Closes the connection, with a last word where it still can be heard."""
        self._all.metrics.connections_cut.labels(reason).inc()
        if self.transport is not None:
            self.transport.write(_bare(problem))
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002 - aiohttp asks for it
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - likewise
    ) -> web.StreamResponse:
        """Answers what is no HTTP, and what failed outside of the application's own handling; then closes."""
        if request.writer.output_size > 0:
            raise ConnectionError("Something was sent already; another answer would be read as a part of it.")
        request.setdefault(REQUEST_ID, new_id())
        response = answer(request, self._problem(request, exc))
        response.headers.update(ALWAYS)
        response.force_close()
        return response

    def _problem(self, request: web.BaseRequest, exc: BaseException | None) -> Problem:
        if isinstance(exc, HttpProcessingError):
            self._all.metrics.connections_cut.labels("unreadable").inc()
            log.info("no HTTP", reason=type(exc).__name__, request_id=request[REQUEST_ID])
            return unreadable(exc)
        if isinstance(exc, UnicodeError):
            return Problem("invalid_request", "A header of the request is no text.")
        log.error("unexpected", exc_info=exc, request_id=request[REQUEST_ID])
        return Problem("internal_error", "The request's id finds the cause in the log.")


def unreadable(error: HttpProcessingError) -> Problem:
    """The problem of a request that the parser refused. Nothing of the request is repeated in it."""
    if isinstance(error, LineTooLong):
        if error.args[1] == LINE_BYTES:
            return Problem("address_too_long", f"An address may have {LINE_BYTES} bytes.")
        return Problem("headers_too_large", f"A header may have {_FIELD_BYTES} bytes.")
    if str(error.message).startswith(_TOO_MANY_FIELDS):
        return Problem("headers_too_large", f"A request may have {_FIELDS} headers.")
    if isinstance(error, InvalidURLError):
        return Problem("invalid_request", "The address cannot be read.")
    found = str(error.message).splitlines()[0].rstrip(":. ")[:100]
    return Problem("invalid_request", f"That is not HTTP as it should be: {found}.")


def large_head(most: int) -> Problem:
    """The problem of a request whose headers are too large together."""
    return Problem("headers_too_large", f"The headers may have {most} bytes together.")


def _bare(problem: Problem) -> bytes:
    """A whole answer, for a connection that never came to a request."""
    body = orjson.dumps(problem.body())
    headers: dict[str, Any] = {
        **ALWAYS,
        hdrs.CONTENT_TYPE: CONTENT_TYPE,
        hdrs.CONTENT_LENGTH: len(body),
        hdrs.CONNECTION: "close",
    }
    if problem.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = problem.retry_after
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + body
