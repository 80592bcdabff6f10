"""A watcher that does not take what it is sent is cut off, and nobody waits for it."""

import asyncio

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import make_mocked_request

from api import keys
from api.handlers import jobs
from api.metrics import Metrics
from api.rights import Right
from api.slots import Frame, Slot


class Transport(asyncio.Transport):
    """A connection that remembers whether it was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False

    def abort(self) -> None:
        self.cut = True


class Deaf(web.WebSocketResponse):
    """A websocket whose client takes nothing."""

    async def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> None:
        await asyncio.Event().wait()


class Gone(web.WebSocketResponse):
    """A websocket whose client has left."""

    async def send_frame(self, message: bytes, opcode: WSMsgType, compress: int | None = None) -> None:
        raise ConnectionResetError


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def request_of(transport: Transport) -> web.Request:
    app = web.Application()
    app[keys.METRICS] = Metrics()
    return make_mocked_request("GET", "/", app=app, transport=transport)


@pytest.fixture
def slot() -> Slot:
    filled = Slot()
    filled.put(Frame(1, False, b"{}"))
    return filled


async def test_who_stalls_is_cut_off(
    request_of: web.Request, transport: Transport, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STALL_SECONDS", 0.05)
    await asyncio.wait_for(jobs._send_frames(request_of, Deaf(), slot, Right(request_of)), 5)
    assert transport.cut
    assert request_of.app[keys.METRICS].registry.get_sample_value("tidemark_watchers_stalled_total") == 1


async def test_who_has_left_is_left_alone(request_of: web.Request, transport: Transport, slot: Slot) -> None:
    await asyncio.wait_for(jobs._send_frames(request_of, Gone(), slot, Right(request_of)), 5)
    assert not transport.cut
