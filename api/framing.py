"""What is refused of a request before anybody looks what it is about: an odd frame is how requests are smuggled."""

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler

from api.connections import large_head
from schemas.problems import Problem

_HEAD_BYTES = 64 * 1024
_GO_ON = "100-continue"


@web.middleware
async def framed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets through what is framed as HTTP/1.0 and 1.1 say, and what is not encoded."""
    _expect_version(request)
    _expect_body(request)
    if sum(len(name) + len(value) for name, value in request.raw_headers) > _HEAD_BYTES:
        raise large_head(_HEAD_BYTES)
    return await handler(request)


def _expect_version(request: web.Request) -> None:
    if request.version not in (HttpVersion10, HttpVersion11):
        raise Problem("invalid_request", "Only HTTP/1.0 and HTTP/1.1 are spoken here.")


def _expect_body(request: web.Request) -> None:
    """A body as it is: an encoded one could grow a thousandfold while it is read."""
    transfer = request.headers.get(hdrs.TRANSFER_ENCODING)
    if transfer is not None and transfer.strip().lower() != "chunked":
        raise Problem("invalid_request", "Of Transfer-Encoding only chunked is taken.")
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if encoding not in ("", "identity") and request.can_read_body:
        raise Problem("unsupported_encoding", "Send the body as it is, without Content-Encoding.")


async def later(_: web.Request) -> None:
    """In place of what aiohttp does about Expect: nobody is asked for a body before he is let in.

    Expectations that nobody knows are no reason to refuse a request.
    """


async def go_on(request: web.Request) -> None:
    """Asks for the body, where the client waits to be asked."""
    if request.version == HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == _GO_ON:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
