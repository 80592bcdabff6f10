"""How a websocket is opened, whoever is at its other end."""

from aiohttp import web

from schemas.problems import Problem

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 20.0
"""A client that does not take what it is sent for so long is sent away."""


async def opened(request: web.Request, message_bytes: int) -> web.WebSocketResponse:
    """The websocket that the request asks for, with messages of so many bytes. Raises Problem invalid_request."""
    ws = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, compress=False, max_msg_size=message_bytes)
    if not _upgrades(ws, request):
        raise Problem("invalid_request", "This address is a websocket.")
    await ws.prepare(request)
    return ws


def _upgrades(ws: web.WebSocketResponse, request: web.Request) -> bool:
    """Whether the request asks for a websocket."""
    try:
        return ws.can_prepare(request).ok
    except ValueError:  # a key that is not even ASCII
        return False
