"""The media behind a viewer's page, found by yt-dlp where that is installed (the extra `viewers`).

A page is read by code that was written for pages of good will; so it runs in a child process, with the limits of one,
and the child is sealed before it asks for anything: an audit hook, which cannot be taken off again, refuses every
connection but to public addresses and what is listed, at the moment at which it is made, and every new process. What
is found is only an address: it is asked for by the guard like any other.
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from providers.sources.addresses import is_public
from schemas.failures import Permanent

FINDING_SECONDS = 90.0
"""What finding the media may take."""
_EXTRACTORS = ["Panopto", "html5", "generic"]
_PORTS = (80, 443)
_FORMAT = "/".join(f"{kind}[protocol{protocol}]" for kind in ("b", "ba") for protocol in ("=https", "=http", "^=m3u8"))
_OPTIONS: dict[str, Any] = {
    "quiet": True,
    "no_warnings": True,
    "noprogress": True,
    "noplaylist": True,
    "allowed_extractors": _EXTRACTORS,
    "cachedir": False,
    "enable_file_urls": False,
    "format": _FORMAT,
    "proxy": "",
    "socket_timeout": 15,
    "extractor_retries": 0,
}
_LOCKED = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")
_NETWORK = ("socket.sendto", "socket.sendmsg", "socket.bind")


class Sealed(PermissionError):
    """The child may not do that."""


def can_find() -> bool:
    """Whether yt-dlp is installed."""
    return find_spec("yt_dlp") is not None


def find_media(url: str, allowed: tuple[tuple[str, int | None], ...]) -> Iterator[str]:
    """Yields the address of the media in the page; runs in a child, which does nothing else afterwards.

    Raises Permanent (download_refused, download_not_media).
    """
    os.environ["YTDLP_NO_PLUGINS"] = "1"
    sys.modules["curl_cffi"] = None  # type: ignore[assignment] # it connects past Python, where no hook sees it
    import yt_dlp

    refused: list[Sealed] = []
    sys.addaudithook(_seal(_addresses(allowed), refused))
    try:
        with yt_dlp.YoutubeDL(dict(_OPTIONS)) as finder:
            found = _address(finder.extract_info(url, download=False))
    except Exception as error:
        if refused:
            raise Permanent("download_refused", "The page leads to a machine that is not public.") from error
        found = None
    if found is None:
        raise Permanent("download_not_media", "No media was found in the page that the address leads to.")
    yield found


def _address(info: dict[str, Any] | None) -> str | None:
    """The address of what was found, of several the first."""
    while info and info.get("entries"):
        info = next(iter(info["entries"]), None)
    found = info.get("url") if info else None
    return found if isinstance(found, str) else None


def _addresses(allowed: tuple[tuple[str, int | None], ...]) -> frozenset[tuple[str, int]]:
    """Where what is listed lies at this moment."""
    places = [(host, one) for host, port in allowed for one in ((port,) if port else _PORTS)]
    return frozenset((str(info[4][0]), one) for host, one in places for info in _resolved(host, one))


def _resolved(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []


def _seal(listed: frozenset[tuple[str, int]], refused: list[Sealed]) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_LOCKED) or event in _NETWORK:
            raise Sealed(event)
        if event == "socket.connect" and not _may_connect(args[1], listed):
            refused.append(Sealed(event))
            raise refused[-1]

    return hook


def _may_connect(address: Any, listed: frozenset[tuple[str, int]]) -> bool:
    """Whether a connection may be made there: only to an address, never to a name that is still to be resolved."""
    if not isinstance(address, tuple) or len(address) < 2:
        return False
    host, port = address[:2]
    return (host, port) in listed or (port in _PORTS and isinstance(host, str) and is_public(host))
