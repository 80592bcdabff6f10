"""A watcher that does not take what it is sent is cut off, and one that is gone is left alone."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api import keys
from api.handlers import watching
from api.metrics import Metrics
from api.outlets import Outlet
from api.rights import Right


class Transport(asyncio.Transport):
    """A connection that remembers whether it was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False

    def abort(self) -> None:
        self.cut = True


class Socket(web.WebSocketResponse):
    """A websocket that was opened; it remembers how it was closed."""

    code: int | None = None

    async def close(self, *, code: int = 1000, message: bytes = b"", drain: bool = True) -> bool:
        self.code = code
        return True


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def request_of(transport: Transport) -> web.Request:
    app = web.Application()
    app[keys.METRICS] = Metrics()
    return make_mocked_request("GET", "/", app=app, transport=transport)


async def nothing() -> None:
    await asyncio.Event().wait()


async def stalls() -> None:
    raise TimeoutError


async def converse(request: web.Request, outlet: Outlet, listening) -> Socket:
    socket, right = Socket(), Right(request, nothing)
    await asyncio.wait_for(watching._converse(request, socket, outlet, right, listening, lambda: False), 5)
    return socket


async def test_who_stalls_is_cut_off(request_of: web.Request, transport: Transport) -> None:
    await converse(request_of, Outlet(request_of), stalls())
    assert transport.cut
    assert request_of.app[keys.METRICS].registry.get_sample_value("tidemark_watchers_stalled_total") == 1


async def test_who_is_sent_away_is_not_cut_off(request_of: web.Request, transport: Transport) -> None:
    outlet = Outlet(request_of)
    outlet.close()
    socket = await converse(request_of, outlet, nothing())
    assert (transport.cut, socket.code) == (False, 1001)


async def test_what_nobody_foresaw_is_not_swallowed(request_of: web.Request) -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await converse(request_of, Outlet(request_of), fails())
