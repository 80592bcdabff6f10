"""The headers by which a browser keeps a page from doing what it need not, on every answer and on some."""

from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import hdrs, web

from api.addresses import is_secure
from api.keys import MEDIA, SETTINGS

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_POWERS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
_HTTPS_SECONDS = 365 * 24 * 3600
ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        hdrs.SERVER: "tidemark",
        hdrs.CACHE_CONTROL: "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": _NOTHING,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{power}=()" for power in _POWERS),
    }
)
"""What an answer has, unless it says something else itself."""


def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Adds what the answer does not have."""
    headers = response.headers
    headers[hdrs.SERVER] = ALWAYS[hdrs.SERVER]
    if request.get(MEDIA) and request.app[SETTINGS].cors_origin_list:
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if is_secure(request):
        headers.setdefault("Strict-Transport-Security", f"max-age={_HTTPS_SECONDS}")
