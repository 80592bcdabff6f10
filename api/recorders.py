"""The recorder at the other end of a websocket: what it says, how long it is listened to, how many there may be.

A message lies in memory until it is whole, where no room of uploads (api/flow) counts it: so messages are small, and
recorders few. Of each there may be one message that comes and one that waits: 256 MiB in all, as much as uploads hold.
"""

import asyncio
import time

from aiohttp import WSMessage, WSMsgType, web

from api.rights import Right
from api.watchers import Places
from api.websockets import STALL_SECONDS
from schemas.live import LiveState
from schemas.problems import Problem

MESSAGE_BYTES = 256 * 1024
"""Where a message ends means nothing: whoever has more sends it in several."""
MOST = 512
MOST_OF_ONE = 8
"""Nobody records more at a time: one in each of a few rooms, and a connection of before whose loss is not noticed."""
_BYTES_A_SECOND = 128
"""So many bytes win a second of patience: a muted microphone sends more, sound of 16 kbit/s sixteen times as much."""
_LOOK_SECONDS = 5.0


def places() -> Places:
    """The places of recorders on a node."""
    return Places(MOST, MOST_OF_ONE, "recorders")


class Left(Exception):
    """The recorder is gone, or takes nothing any more."""


class Patience:
    """How many seconds more a recorder is waited for: waiting takes of them, what comes gives back."""

    def __init__(self, seconds: float) -> None:
        self.most = self.left = seconds

    def waited(self, seconds: float, came: int) -> None:
        """So long was waited, for so many bytes."""
        self.left = min(self.most, self.left - seconds + came / _BYTES_A_SECOND)


class Recorder:
    """A websocket that is listened to while its `right` lasts, and while enough comes for `seconds` of patience."""

    def __init__(self, ws: web.WebSocketResponse, right: Right, seconds: float) -> None:
        self.ws = ws
        self.right = right
        self._patience = Patience(seconds)

    async def hear(self, seconds: float | None = None) -> WSMessage:
        """The next message, of text or bytes, within so many seconds.

        Raises Left when the recorder has left; Problem request_timeout when nothing or too little comes, and what ended
        the right. A message that is not whole has not come.
        """
        patience = self._patience if seconds is None else Patience(seconds)
        while patience.left > 0:
            await self.right.expect()
            began = time.monotonic()
            message = await self._next(min(patience.left, _LOOK_SECONDS))
            patience.waited(time.monotonic() - began, len(message.data) if message else 0)
            if message:
                return message
        raise Problem(
            "request_timeout", f"Nothing, or next to nothing, came for {patience.most:g} s; resume with more."
        )

    async def _next(self, seconds: float) -> WSMessage | None:
        try:
            message = await self.ws.receive(timeout=seconds)
        except TimeoutError:
            return None
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            raise Left
        return message

    async def tell(self, state: LiveState) -> None:
        """Raises Left when the recorder does not take it."""
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self.ws.send_str(state.model_dump_json(exclude_none=True))
        except (TimeoutError, ConnectionError) as error:
            raise Left from error
