"""The pages (web/): which addresses they have, their files in memory, and the policy that browsers hold them to.

Every file has an address with the fingerprint of them all in it, so a browser may keep it for ever, and an older page
is never given parts of a newer one. The files are read once: no path of a request reaches the file system.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from aiohttp import hdrs, web

from api.access import Access
from api.table import Route
from schemas.problems import Problem
from schemas.rates import RateClass

FOLDER = Path(__file__).parents[1] / "web"
_PAGE, _VERSION = "index.html", "VERSION"
_TEXTS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Permissions-Policy": "microphone=(self), display-capture=(self), camera=(), geolocation=(), payment=(), usb=()",
}
_FOR_EVER, _ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"


class File(NamedTuple):
    """One file, as it is sent."""

    content_type: str
    body: bytes
    zipped: bytes
    etag: str


class Site:
    """The files of a folder, by their paths in it. `version` is the fingerprint of them all."""

    def __init__(self, folder: Path) -> None:
        read = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if _sent(path)}
        whole = hashlib.sha256(b"".join(name.encode() + b"\0" + body for name, body in read.items()))
        self.version = whole.hexdigest()[:16]
        page = read[_PAGE].replace(_VERSION.encode(), self.version.encode())
        self.files = {name: _file(name, body) for name, body in {**read, _PAGE: page}.items()}


def _sent(path: Path) -> bool:
    return path.is_file() and path.suffix in _TEXTS


def _file(name: str, body: bytes) -> File:
    kind = _TEXTS[Path(name).suffix]
    return File(f"{kind}; charset=utf-8", body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:32])


@cache
def site() -> Site:
    """The pages of this release."""
    return Site(FOLDER)


async def page(request: web.Request) -> web.Response:
    """The one page. What it shows is read from its address, by its own script."""
    return _answer(request, site().files[_PAGE], {**_POLICY, hdrs.CACHE_CONTROL: _ASK_AGAIN})


async def file(request: web.Request) -> web.Response:
    """A module, style or picture of the page. Raises Problem not_found."""
    found = site().files.get(request.match_info["path"])
    if found is None or request.match_info["path"] == _PAGE:
        raise Problem("not_found", "There is no such file.")
    current = request.match_info["version"] == site().version
    return _answer(request, found, {hdrs.CACHE_CONTROL: _FOR_EVER if current else _ASK_AGAIN})


def _answer(request: web.Request, found: File, headers: dict[str, str]) -> web.Response:
    zips = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    etag = f'"{found.etag}{"-gzip" if zips else ""}"'
    headers |= {hdrs.ETAG: etag, hdrs.VARY: hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE: found.content_type}
    if etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    if zips:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return web.Response(body=found.zipped if zips else found.body, headers=headers)


_ADDRESSES = ("/", "/sign-in", "/recordings/{id}", "/upload", "/record", "/activity")
PAGES = (
    *(Route("GET", path, page, "A page", Access.OPEN, head=True, rate=RateClass.FREE) for path in _ADDRESSES),
    Route("GET", "/web/{version}/{path:.+}", file, "A file", Access.OPEN, head=True, rate=RateClass.FREE),
)
"""Where the pages are. They are no part of the API, and its description does not list them."""
