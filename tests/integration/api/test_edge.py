"""What strangers may send on a socket: slow, endless, oversized and broken requests end soon, and as problems."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from api import keys
from api.app import make_app
from api.connections import Bounds
from api.main import serving
from deploy.embedded.stack import Services
from tests.integration.api.conftest import settings_for
from tests.integration.api.raw import Answer, Raw

pytestmark = pytest.mark.asyncio(loop_scope="module")

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BOUNDS = Bounds(connections=20, head_seconds=0.4, idle_seconds=30)


@pytest.fixture(scope="module")
def app(services: Services) -> web.Application:
    """The application, to be served on a port that is free."""
    return make_app(settings_for(services, port=0, shutdown_grace_seconds=1))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(app: web.Application) -> AsyncIterator[int]:
    async with serving(app, BOUNDS) as port:
        yield port


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Raw]:
    raw = await Raw.open(port)
    try:
        yield raw
    finally:
        raw.close()


async def answered(port: int, *pieces: bytes) -> Answer:
    async with connected(port) as raw:
        await raw.send(*pieces)
        return await raw.answer()


async def test_a_head_that_does_not_end_is_cut_off(port: int) -> None:
    async with connected(port) as raw:
        await raw.send(GET)
        for letter in b"X-Slow: a":
            await raw.send(bytes([letter]))
        answer = await raw.answer()
        assert (answer.status, answer.code) == (408, "request_timeout")
        assert answer.headers["connection"] == "close"
        assert await raw.ended() == b""


async def test_a_head_that_does_not_end_is_cut_off_after_other_requests_too(port: int) -> None:
    async with connected(port) as raw:
        for _ in range(3):
            await raw.send(GET, b"\r\n")
            assert (await raw.answer()).status == 200
        await raw.send(b"GET /health/li")
        assert (await raw.answer()).code == "request_timeout"
        assert await raw.ended() == b""


async def test_who_is_idle_between_requests_is_left_in_peace(app: web.Application, port: int) -> None:
    cut = app[keys.METRICS].connections_cut.labels("slow")._value
    async with connected(port) as idle, connected(port) as slow:
        await idle.send(GET, b"\r\n")
        assert (await idle.answer()).status == 200
        before = cut.get()
        await slow.send(GET)
        assert (await slow.answer()).status == 408
        assert cut.get() == before + 1
        await idle.send(GET, b"\r\n")
        assert (await idle.answer()).status == 200


async def test_requests_that_come_together_are_answered_in_turn(port: int) -> None:
    async with connected(port) as raw:
        await raw.send((GET + b"\r\n") * 3 + GET)
        for _ in range(3):
            assert (await raw.answer()).status == 200
        await raw.send(b"\r\n")
        assert (await raw.answer()).status == 200


@pytest.mark.parametrize(
    ("head", "code", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "address_too_long", 414),
        (b"GET /?" + b"a" * 100_000, "address_too_long", 414),
        (GET + b"X: " + b"a" * 17_000 + b"\r\n\r\n", "headers_too_large", 431),
        (GET + b"a" * 17_000 + b": b\r\n\r\n", "headers_too_large", 431),
        (GET + b"X: y\r\n" * 200 + b"\r\n", "headers_too_large", 431),
        (GET + b"".join(b"X%d: %s\r\n" % (n, b"a" * 8000) for n in range(20)) + b"\r\n", "headers_too_large", 431),
        (b"hello\r\n\r\n", "invalid_request", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "invalid_request", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "invalid_request", 400),
        (b"GET /\r\n\r\n", "invalid_request", 400),
        (b"GET / HTTP/1.9\r\nHost: x\r\n\r\n", "invalid_request", 400),
        (b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", "invalid_request", 400),
        (b"GET http://[::x/ HTTP/1.1\r\nHost: x\r\n\r\n", "invalid_request", 400),
        (b"GET /health/live HTTP/1.1\r\n\r\n", "invalid_request", 400),
        (GET + b"Host: y\r\n\r\n", "invalid_request", 400),
        (GET + b"X: a\x00b\r\n\r\n", "invalid_request", 400),
        (GET + b"X: a\rb\r\n\r\n", "invalid_request", 400),
        (GET + b"X: a\r\n b\r\n\r\n", "invalid_request", 400),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "invalid_request", 400),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "invalid_request", 400),
        (POST + b"Content-Length: -1\r\n\r\n", "invalid_request", 400),
        (POST + b"Transfer-Encoding: rot13\r\n\r\n{}", "invalid_request", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "invalid_request", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\na\r\n0\r\n\r\n", "invalid_request", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n", "invalid_request", 400),
        (POST + b"Content-Length: 2\r\nExpect: \xff\r\n\r\n{}", "invalid_field", 422),
        (POST + b"Content-Length: 2\r\nExpect: wonders\r\n\r\n{}", "invalid_field", 422),
        (b"POST /nothing HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n", "invalid_request", 400),
        (b"POST /nothing HTTP/1.1\r\nHost: x\r\nExpect: \xff\r\n\r\n", "invalid_request", 400),
    ],
)
async def test_what_is_no_request_is_answered_with_a_problem(port: int, head: bytes, code: str, status: int) -> None:
    answer = await answered(port, head)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["server"] == "tidemark"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: \xff\xfe\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: a[b\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"Cookie: \xff=\x80; __session=\xff\r\nAuthorization: Bearer \xff\r\nOrigin: \xff\r\n\r\n",
        GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        GET + b"X-Forwarded-For: \xff, ,\r\nX-Request-ID: \xff\r\nAccept: \xff\r\n\r\n",
        b"GET /api/v1/recordings?cursor=%ff%00&limit=%zz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"GET /%00%ff/../.. HTTP/1.0\r\n\r\n",
    ],
)
async def test_odd_requests_are_no_fault_of_ours(port: int, head: bytes) -> None:
    assert (await answered(port, head)).status < 500


async def test_a_body_that_is_too_large_is_not_read_to_its_end(port: int) -> None:
    for framing in (b"Content-Length: 2147483648\r\n\r\n" + b"a" * 70_000, b"Transfer-Encoding: chunked\r\n\r\n"):
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        answer = await answered(port, POST + framing, chunk, chunk)
        assert (answer.status, answer.code) == (413, "too_large")


async def test_an_endless_chunk_extension_is_a_body_that_does_not_come(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.binding._BODY_SECONDS", 0.2)
    answer = await answered(port, POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 100_000)
    assert (answer.status, answer.code) == (408, "request_timeout")


async def test_a_body_that_does_not_end_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.binding._BODY_SECONDS", 0.2)
    answer = await answered(port, POST + b"Content-Length: 100\r\n\r\n", b"{")
    assert (answer.status, answer.code) == (408, "request_timeout")


async def test_a_body_that_would_grow_is_refused(port: int) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    for encoding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"):
        head = POST + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(bomb))
        answer = await answered(port, head, bomb)
        assert (answer.status, answer.code) == (415, "unsupported_encoding")


async def test_nobody_is_asked_for_a_body_before_he_is_let_in(port: int) -> None:
    waiting = b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    refused = await answered(port, POST.replace(b"/auth/token", b"/tickets") + waiting)
    assert (refused.status, refused.code) == (401, "not_signed_in")
    async with connected(port) as raw:
        await raw.send(POST + waiting)
        assert (await raw.answer()).status == 100
        await raw.send(b"{}")
        assert (await raw.answer()).code == "invalid_field"


async def test_a_body_goes_on_after_its_answer_and_only_what_follows_it_is_a_head(port: int) -> None:
    refused = POST.replace(b"/auth/token", b"/tickets") + b"Content-Length: 300000\r\n\r\n"
    async with connected(port) as raw:
        await raw.send(refused, b"a" * 1000)
        assert (await raw.answer()).code == "not_signed_in"
        for _ in range(299):
            await raw.send(b"a" * 1000)
        await raw.send(GET, b"\r\n")
        assert (await raw.answer()).status == 200
        await raw.send(GET)
        assert (await raw.answer()).code == "request_timeout"


async def test_connections_have_an_end(app: web.Application) -> None:
    held: list[Any] = []
    own = make_app(app[keys.SETTINGS])
    async with serving(own, Bounds(connections=2)) as port:
        for _ in range(2):
            held.append(await Raw.open(port))
            await held[-1].send(GET, b"\r\n")
            assert (await held[-1].answer()).status == 200
        async with connected(port) as raw:
            answer = await raw.answer()
            assert (answer.status, answer.code) == (503, "too_many_connections")
            assert await raw.ended() == b""
        held.pop().close()
        async with asyncio.timeout(10), ClientSession() as session:
            while True:
                async with session.get(f"http://127.0.0.1:{port}/health/live") as response:
                    if response.status == 200:
                        break
        held.pop().close()
