"""How a caller proves who they are, as the description says it."""

from api.access import COOKIE, KEY_HEADER, Access
from api.table import Route

SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, as logging in or refreshing gives it.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The same token as a cookie. What changes something, and every websocket, then works only from "
        "this site's own pages and those of CORS_ORIGINS.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": KEY_HEADER,
        "description": "A key that its owner made for an extension or a machine; what it may do are its scopes.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket that opens one websocket or event stream, once: browsers cannot send headers there.",
    },
}
_OF: dict[Access, list[str]] = {
    Access.OPEN: [],
    Access.CALLER: ["bearer", "cookie", "api_key"],
    Access.WATCHER: ["bearer", "cookie", "api_key", "ticket"],
    Access.PERSON: ["bearer", "cookie"],
    Access.ADMIN: ["bearer", "cookie", "api_key"],
}


def security(route: Route) -> list[dict[str, list[str]]]:
    """The schemes of which one is needed, a key with its scope; empty where anybody may ask."""
    return [{scheme: [route.scope] if scheme == "api_key" else []} for scheme in _OF[route.access]]
