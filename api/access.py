"""Who a request is made for. Three proofs: the bearer header, the `__session` cookie, or a ticket where one is taken.

A cookie is sent by the browser whoever's page asked for it; so what changes state, and every websocket, is refused
unless the page is this site's or an origin of CORS_ORIGINS. An access token in a URL is never looked at.
"""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from api.keys import ACCESS_TOKENS, CALLER, PEOPLE, SETTINGS
from api.tokens import fingerprint
from schemas.problems import Problem
from schemas.time import now

COOKIE = "__session"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_LONGEST_SECRET = 512


class Access(StrEnum):
    """What a route asks of its caller."""

    OPEN = "open"
    CALLER = "caller"
    WATCHER = "watcher"
    """As CALLER; a single-use ticket opens it too."""
    ADMIN = "admin"
    """As CALLER, and one of ADMIN_USER_IDS. Others learn nothing but that."""


async def admit(request: web.Request, access: Access) -> None:
    """Lets the request in, with its caller known, or raises a Problem."""
    if access is not Access.OPEN:
        request[CALLER] = await _caller(request, access)
    if access is Access.ADMIN and request[CALLER] not in request.app[SETTINGS].admin_ids:
        raise Problem("forbidden", "Only an administrator may do this.")


async def _caller(request: web.Request, access: Access) -> str:
    if bearer := _bearer(request):
        return request.app[ACCESS_TOKENS].read(bearer)
    if access is Access.WATCHER and (ticket := request.query.get("ticket")):
        return await _ticket_holder(request, ticket)
    if session := request.cookies.get(COOKIE):
        user_id = request.app[ACCESS_TOKENS].read(session)
        _expect_own_page(request)
        return user_id
    raise Problem("not_signed_in", "Send an access token as a bearer token, or sign in again.")


def _bearer(request: web.Request) -> str | None:
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("token_invalid", "The Authorization header must be «Bearer» and an access token.")
    return token.strip()


async def _ticket_holder(request: web.Request, secret: str) -> str:
    ticket = await request.app[PEOPLE].take_ticket(fingerprint(secret[:_LONGEST_SECRET]), now())
    if ticket is None:
        raise Problem("token_invalid", "The ticket is unknown, used or expired; ask for a new one.")
    return ticket.user_id


def _expect_own_page(request: web.Request) -> None:
    upgrade = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    if request.method in _SAFE and not upgrade:
        return
    if not from_own_page(request.headers, request.host, request.app[SETTINGS].cors_origin_list):
        raise Problem("origin_refused", "With a cookie, that works only from this site's own pages.")


def from_own_page(headers: Mapping[str, str], host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a browser says that the page which asks is this site's, or of an allowed origin."""
    origin = headers.get(hdrs.ORIGIN)
    if origin is None:
        return headers.get("Sec-Fetch-Site") in ("same-origin", "same-site")
    return origin in allowed or _host(origin) == host.lower()


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
