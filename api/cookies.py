"""The cookies of a browser's session: the tokens of any other client, where no script can read them.

Access tokens go everywhere, so that pictures and sound open with them; the refresh token goes to its own door alone.
Both are sent only with requests of this site's own pages.
"""

from aiohttp import web

from api.access import COOKIE
from api.addresses import is_secure
from schemas.responses import Tokens

_REFRESH_COOKIE = "__refresh"
_SECURE_REFRESH_COOKIE = "__Secure-refresh"
"""Its name where the client speaks https: no page without https can set that one, nor read it."""
DOOR = "/api/v1/auth/session"
_LONGEST = 512


def refresh_secret(request: web.Request) -> str | None:
    """The refresh token that the browser has; None where it has none."""
    secret = request.cookies.get(_refresh_cookie(request), "")
    return secret if 0 < len(secret) <= _LONGEST else None


def put_tokens(request: web.Request, response: web.Response, tokens: Tokens, renewable_seconds: int) -> None:
    """Gives the browser both tokens, for as long as each is good."""
    _put(request, response, COOKIE, tokens.access, "/", tokens.expires_in)
    _put(request, response, _refresh_cookie(request), tokens.refresh, DOOR, renewable_seconds)


def take_tokens(request: web.Request, response: web.Response) -> None:
    """Takes both away."""
    _put(request, response, COOKIE, "", "/", 0)
    _put(request, response, _refresh_cookie(request), "", DOOR, 0)


def _refresh_cookie(request: web.Request) -> str:
    return _SECURE_REFRESH_COOKIE if is_secure(request) else _REFRESH_COOKIE


def _put(request: web.Request, response: web.Response, name: str, value: str, path: str, seconds: int) -> None:
    secure = is_secure(request)
    response.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="Strict")
