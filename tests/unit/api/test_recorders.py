"""A recorder is listened to while it sends enough and may send; there are few of one caller."""

from contextlib import ExitStack
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import WSMessage, WSMsgType, web

from api import recorders, rights
from api.recorders import MOST_OF_ONE, Left, Patience, Recorder, places
from schemas.live import LiveState
from schemas.problems import Problem

SECONDS = 120.0


class Socket:
    """A recorder that sends each message after so many seconds, on a clock of its own; then nothing."""

    def __init__(self, *messages: tuple[float, WSMsgType, bytes]) -> None:
        self.at = 0.0
        self.broken = False
        self._messages = [(after, WSMessage(kind, data, "")) for after, kind, data in messages]

    def monotonic(self) -> float:
        return self.at

    async def receive(self, timeout: float) -> WSMessage:  # noqa: ASYNC109 - as aiohttp has it
        after, message = self._messages[0] if self._messages else (float("inf"), None)
        if message is None or after > timeout:
            self.at += timeout
            if message:
                self._messages[0] = (after - timeout, message)
            raise TimeoutError
        self.at += after
        del self._messages[0]
        return message

    async def send_str(self, text: str) -> None:
        if self.broken:
            raise ConnectionResetError(text)


class Right:
    """A right until so many looks at it."""

    def __init__(self, looks: float = float("inf")) -> None:
        self.looks = looks

    async def expect(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise Problem("token_invalid", "The session has ended.")


def recorder(monkeypatch: pytest.MonkeyPatch, socket: Socket, right: Right | None = None) -> Recorder:
    monkeypatch.setattr(recorders, "time", SimpleNamespace(monotonic=socket.monotonic))
    return Recorder(cast(web.WebSocketResponse, socket), cast(rights.Right, right or Right()), SECONDS)


def sound(size: int, after: float) -> tuple[float, WSMsgType, bytes]:
    return after, WSMsgType.BINARY, b"\0" * size


async def code_of(hearing: Recorder) -> str:
    """Why it is listened to no longer."""
    try:
        while True:
            await hearing.hear()
    except Problem as refused:
        return refused.entry.code


async def test_a_quiet_recorder_is_heard_for_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = recorder(monkeypatch, Socket(*[sound(2000, 1)] * 7200))
    for _ in range(7200):
        assert len((await hearing.hear()).data) == 2000


async def test_a_muted_one_and_one_that_pauses_are_heard_on(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = recorder(monkeypatch, Socket(*[sound(160, 1)] * 600, sound(2000, SECONDS - 5), *[sound(160, 1)] * 600))
    for _ in range(1201):
        assert (await hearing.hear()).data


async def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket()
    assert await code_of(recorder(monkeypatch, socket)) == "request_timeout"
    assert socket.at == SECONDS


async def test_who_sends_a_byte_now_and_then_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket(*[sound(1, 20)] * 100)
    assert await code_of(recorder(monkeypatch, socket)) == "request_timeout"
    assert socket.at < SECONDS + 21


async def test_the_first_word_is_waited_for_less_long(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket()
    with pytest.raises(Problem, match="15 s"):
        await recorder(monkeypatch, socket).hear(15)
    assert socket.at == 15


async def test_a_right_that_ends_ends_a_silent_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket()
    assert await code_of(recorder(monkeypatch, socket, Right(looks=2))) == "token_invalid"
    assert socket.at < SECONDS


async def test_who_has_left_is_told_nothing_and_heard_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Socket((0, WSMsgType.CLOSED, b""))
    hearing = recorder(monkeypatch, socket)
    socket.broken = True
    with pytest.raises(Left):
        await hearing.tell(LiveState(type="offset"))
    with pytest.raises(Left):
        await hearing.hear()


def test_patience_has_an_end_whatever_came() -> None:
    patience = Patience(SECONDS)
    patience.waited(1, 10**9)
    assert patience.left == SECONDS


def test_there_are_few_of_one_caller() -> None:
    there = places()
    with ExitStack() as open_ones:
        for _ in range(MOST_OF_ONE):
            open_ones.enter_context(there.place("ada"))
        with pytest.raises(Problem, match="8 recorders of yours"), there.place("ada"):
            pass
        open_ones.enter_context(there.place("bob"))
    with there.place("ada"):
        pass
