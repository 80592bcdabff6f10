"""Who may come in by a route: small named checks. Proofs are the bearer header, an API key, the `__session` cookie, or
a ticket where one is taken.

A cookie is sent by the browser whoever's page asked for it; so what changes state, and every websocket, is refused
unless the page is this site's own or an origin of CORS_ORIGINS. A page of a sibling of this site is not this site's:
whoever has a name under the same domain could act for everybody else. An access token in a URL is never looked at.
"""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from api import proofs
from api.keys import CALLER, PROOF, SETTINGS
from api.proof import Proof
from schemas.problems import Problem

COOKIE = "__session"
KEY_HEADER = "X-API-Key"
ADMIN_WRITES = "admin:write"
"""The scope of an API key that may do what administrators may."""
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Access(StrEnum):
    """What a route asks of its caller."""

    OPEN = "open"
    CALLER = "caller"
    """Signed in; an API key needs the route's scope."""
    WATCHER = "watcher"
    """As CALLER; a single-use ticket opens it too."""
    PERSON = "person"
    """Signed in, and not by an API key: what is about accounts, passwords and keys."""
    ADMIN = "admin"
    """As CALLER, and one of ADMIN_USER_IDS. Others learn nothing but that."""


async def admit(request: web.Request, access: Access, scope: str, *former: str) -> None:
    """Lets the request in, with its caller known, or raises a Problem. An API key needs the scope, or a former one."""
    if access is Access.OPEN:
        return
    proof = await _proof(request, access)
    request[PROOF], request[CALLER] = proof, proof.user.id
    if access is Access.PERSON:
        expect_person(proof)
    else:
        expect_scope(proof, scope, *former)
    if access is Access.ADMIN and request[CALLER] not in request.app[SETTINGS].admin_ids:
        raise Problem("forbidden", "Only an administrator may do this.")


def expect_person(proof: Proof) -> None:
    """Raises Problem key_refused for whoever came by an API key."""
    if proof.scopes is not None:
        raise Problem("key_refused", "No API key may do that; sign in.")


def expect_scope(proof: Proof, scope: str, *former: str) -> None:
    """Raises Problem key_refused for an API key without that scope, whatever it was called once."""
    if proof.scopes is not None and not {scope, *former}.intersection(proof.scopes):
        raise Problem("key_refused", f"The API key does not have the scope «{scope}».")


def is_admin(request: web.Request) -> bool:
    """Whether the caller is one of ADMIN_USER_IDS; by an API key only if that was made for administration."""
    scopes = request[PROOF].scopes
    return request[CALLER] in request.app[SETTINGS].admin_ids and (scopes is None or ADMIN_WRITES in scopes)


def expect_paid(proof: Proof, what: str) -> None:
    """Raises Problem plan_needed for whoever has no paid plan."""
    if not proof.user.paid:
        raise Problem("plan_needed", f"{what} is part of a paid plan.")


async def _proof(request: web.Request, access: Access) -> Proof:
    if bearer := _bearer(request):
        return await proofs.of_bearer(request, bearer)
    if key := request.headers.get(KEY_HEADER):
        return await proofs.of_api_key(request, key)
    if access is Access.WATCHER and (ticket := request.query.get("ticket")):
        return await proofs.of_ticket(request, ticket)
    if session := request.cookies.get(COOKIE):
        proof = await proofs.of_token(request, session)
        _expect_own_page(request)
        return proof
    raise Problem("not_signed_in", "Send an access token as a bearer token, or sign in again.")


def _bearer(request: web.Request) -> str | None:
    header = request.headers.get(hdrs.AUTHORIZATION)
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("token_invalid", "The Authorization header must be «Bearer» and an access token or API key.")
    return token.strip()


def _expect_own_page(request: web.Request) -> None:
    upgrade = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    if request.method in _SAFE and not upgrade:
        return
    expect_own_page(request)


def expect_own_page(request: web.Request) -> None:
    """Raises Problem origin_refused unless a page of this site, or of CORS_ORIGINS, asks."""
    if not from_own_page(request.headers, request.host, request.app[SETTINGS].cors_origin_list):
        raise Problem("origin_refused", "With a cookie, that works only from this site's own pages.")


def from_own_page(headers: Mapping[str, str], host: str, allowed: tuple[str, ...]) -> bool:
    """Whether a browser says that the page which asks is this site's own, or of an allowed origin.

    Schemes are not compared: behind a proxy that ends TLS, only the browser knows ours.
    """
    origin = headers.get(hdrs.ORIGIN)
    if origin is None:
        return headers.get("Sec-Fetch-Site") == "same-origin"
    return origin in allowed or _host(origin) == host.lower()


def _host(origin: str) -> str | None:
    """The host and port of a web page's origin; None for whatever is none: other schemes, a path, names before an @."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    is_one = parts.scheme in ("http", "https") and "@" not in parts.netloc
    return parts.netloc if is_one and origin.lower() == f"{parts.scheme}://{parts.netloc}" else None
