"""A websocket's way out: at once while its client keeps up, the latest of each job when it does not."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from api import outlets
from api.frames import Frame
from api.outlets import Outlet


class Transport(asyncio.Transport):
    """A connection that keeps the texts of what was written to it, as long as they are short."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.writes = 0
        self.left = False
        self.filled: Callable[[], None] = lambda: None

    def is_closing(self) -> bool:
        return self.left

    def write(self, data: bytes | bytearray | memoryview) -> None:
        frames = bytes(data)
        self.writes += 1
        while frames:
            (first, length), frames = frames[:2], frames[2:]
            assert (first, length < 126) == (0x81, True)
            self.sent.append(frames[:length])
            frames = frames[length:]
        self.filled()


class Protocol:
    """What a request looks at of its protocol."""

    writer = ssl_context = peername = sockname = None
    writing_paused = False
    transport: Transport | None = None


class Line:
    """An outlet, and what it stands on."""

    def __init__(self) -> None:
        self.protocol = Protocol()
        self.writer = Writer()
        self.transport = Transport()
        request = make_mocked_request("GET", "/", protocol=self.protocol, writer=self.writer, transport=self.transport)
        self.outlet, self.socket = Outlet(request), web.WebSocketResponse()

    def opened(self) -> "Line":
        self.outlet.open(self.socket)
        return self

    async def sent(self) -> list[bytes]:
        """What was sent by the end of the loop's turn."""
        await asyncio.sleep(0)
        return self.transport.sent

    def fill(self) -> None:
        """The client takes nothing more."""
        self.protocol.writing_paused = True
        self.writer.room.clear()

    def drain(self) -> None:
        self.protocol.writing_paused = False
        self.writer.room.set()


class Writer:
    """Whether there is room to write."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()

    async def drain(self) -> None:
        await self.room.wait()


def frame(version: int, *, job: str = "a", ended: bool = False) -> Frame:
    return Frame(job, version, ended, f"{job}{version}".encode())


async def test_while_the_client_keeps_up_a_state_is_sent_at_once() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    for version in (1, 2, 2, 1, 3):
        line.outlet.put(frame(version))
    assert await line.sent() == [b"a1", b"a2", b"a3"]


async def test_nothing_is_sent_before_the_socket_is_there() -> None:
    line = Line()
    line.outlet.follow("a")
    line.outlet.put(frame(1))
    line.outlet.put(frame(2))
    line.opened()
    await line.outlet.flush(1, 1)
    assert await line.sent() == [b"a2"]


async def test_what_is_not_followed_is_not_sent() -> None:
    line = Line().opened()
    line.outlet.put(frame(1))
    line.outlet.follow("a", seen=5)
    line.outlet.put(frame(5))
    line.outlet.put(frame(6))
    line.outlet.forget("a")
    line.outlet.put(frame(7))
    assert await line.sent() == [b"a6"]


async def test_a_client_that_does_not_keep_up_gets_the_latest_of_each_job() -> None:
    line = Line().opened()
    for job in ("a", "b"):
        line.outlet.follow(job)
    line.fill()
    for version in range(1, 5):
        line.outlet.put(frame(version))
        line.outlet.put(frame(version, job="b"))
    assert await line.sent() == []
    line.drain()
    await line.outlet.flush(1, 1)
    assert await line.sent() == [b"a4", b"b4"]


async def test_what_one_turn_of_the_loop_has_is_one_write() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    line.outlet.put(frame(1))
    line.outlet.tell(b"{}")
    line.outlet.put(frame(2))
    assert (await line.sent(), line.transport.writes) == ([b"a1", b"{}", b"a2"], 1)
    line.outlet.put(frame(3))
    assert (await line.sent(), line.transport.writes) == ([b"a1", b"{}", b"a2", b"a3"], 2)


async def test_no_more_is_held_back_than_shows_whether_the_client_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "_A_WRITE_BYTES", 4)
    line = Line().opened()
    line.outlet.follow("a")
    line.transport.filled = line.fill
    for version in range(1, 6):
        line.outlet.put(frame(version))
    assert await line.sent() == [b"a1", b"a2"]
    line.drain()
    await line.outlet.flush(1, 1)
    assert await line.sent() == [b"a1", b"a2", b"a5"]


async def test_after_the_socket_was_closed_nothing_is_sent() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    line.outlet.put(frame(1))
    line.socket._set_closed()
    assert (await line.sent(), line.outlet.closed) == ([], True)


async def test_an_ending_that_waits_is_not_replaced() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    line.fill()
    line.outlet.put(frame(3, ended=True))
    line.outlet.put(frame(4))
    line.drain()
    await line.outlet.flush(1, 1)
    assert (await line.sent(), line.outlet.ended) == ([b"a3"], True)


async def test_who_stalls_is_told_of() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    line.fill()
    line.outlet.put(frame(1))
    with pytest.raises(TimeoutError):
        await line.outlet.flush(1, 0.02)


async def test_a_connection_that_is_lost_while_it_is_full_is_not_waited_for() -> None:
    """aiohttp stays paused then, and waits for room no more: a loop around that would never end."""
    line = Line().opened()
    line.outlet.follow("a")
    line.fill()
    line.outlet.put(frame(1))
    line.protocol.transport = None
    line.writer.room.set()
    await line.outlet.flush(1, 1)
    assert (line.outlet.closed, await line.sent()) == (True, [])


async def test_who_takes_little_at_a_time_is_looked_at_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line().opened()
    for job in ("a", "b"):
        line.outlet.follow(job)
    line.fill()
    line.outlet.put(frame(1))
    line.outlet.put(frame(1, job="b"))
    line.transport.filled = line.fill
    monkeypatch.setattr(outlets, "_A_WRITE_BYTES", 1)
    for sent in ([b"a1"], [b"a1", b"b1"]):
        line.drain()
        await asyncio.wait_for(line.outlet.flush(5, 5), 1)
        assert await line.sent() == sent


async def test_who_has_left_is_sent_nothing_more() -> None:
    line = Line().opened()
    line.transport.left = True
    line.outlet.follow("a")
    line.outlet.put(frame(1))
    assert (await line.sent(), line.outlet.closed) == ([], True)
    line.outlet.put(frame(2))
    line.outlet.tell(b"{}")
    await asyncio.wait_for(line.outlet.flush(5, 5), 1)


async def test_a_job_that_is_gone_is_told_once() -> None:
    line = Line().opened()
    line.outlet.follow("a")
    line.outlet.gone("a")
    line.outlet.gone("a")
    line.outlet.gone("b")
    await asyncio.wait_for(line.outlet.flush(5, 5), 1)
    assert (line.outlet.take_gone(), line.outlet.take_gone()) == (["a"], [])


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("ab"), st.integers(1, 40)),
        st.tuples(st.sampled_from(("fill", "drain", "flush")), st.just(""), st.just(0)),
    ),
    max_size=60,
)


@given(ACTS)
def test_versions_only_grow_and_the_last_one_comes(acts: list[tuple[str, str, int]]) -> None:
    async def follow() -> tuple[list[bytes], dict[str, int]]:
        line, offered = Line().opened(), {"a": 0, "b": 0}
        for job in offered:
            line.outlet.follow(job)
        for act, job, version in acts:
            if act == "put":
                line.outlet.put(frame(version, job=job))
                offered[job] = max(offered[job], version)
            elif act != "flush":
                getattr(line, act)()
            elif not line.protocol.writing_paused:
                await line.outlet.flush(0.001, 1)
        line.drain()
        await line.outlet.flush(0.001, 1)
        return await line.sent(), offered

    sent, offered = asyncio.run(follow())
    for job, last in offered.items():
        versions = [int(body[1:]) for body in sent if body.startswith(job.encode())]
        assert versions == sorted(set(versions))
        assert versions[-1:] == [last] * bool(last)
