"""The only way out to an address that somebody named: public addresses alone, whatever redirects or DNS say.

An address is looked at where the connection is made: the socket itself is refused unless it is to go to a public
address, so there is no second resolution that could answer otherwise, and no form of writing an address that gets
round it. What is listed in DOWNLOAD_ALLOWED_HOSTS goes out by a session of its own, by its name and port. Redirects are
followed here, one by one. Proxies of the environment are ignored, cookies are not kept, bodies are not unpacked.
"""

import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from providers.sources.addresses import is_public
from schemas.failures import Permanent, Retryable

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]
Allowed = frozenset[tuple[str, int | None]]
"""Hosts that need not be public, each with its port; None: those of http and https."""

CHUNK_BYTES = 256 * 1024
_PORTS = (80, 443)
_REDIRECTS = 5
_CONNECT_SECONDS = 10.0
_LONGEST_URL = 8192
_HEADERS = {"User-Agent": "Tidemark", "Accept": "*/*", "Accept-Encoding": "identity"}
_MOVED = (301, 302, 303, 307, 308)
_DENIED = (401, 403, 407)
_LATER = (408, 425, 429)
_LONGEST_PAUSE = 600.0


@dataclass(frozen=True)
class Answer:
    """An answer that has begun, and the address that gave it at last."""

    url: str
    response: aiohttp.ClientResponse

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return self.response.status

    def header(self, name: str) -> str | None:
        """A header of it."""
        return self.response.headers.get(name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its body as it comes. Raises aiohttp.ClientError or TimeoutError where it breaks off."""
        async for chunk in self.response.content.iter_chunked(CHUNK_BYTES):
            yield chunk


class Guard:
    """Asks addresses that strangers named. Use as an async context manager.

    `idle_seconds` is how long one may be silent. Raises Permanent (download_refused) for what is not public.
    """

    def __init__(self, allowed: Allowed, idle_seconds: float, resolver: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=idle_seconds)
        self._resolver = resolver

    async def __aenter__(self) -> "Guard":
        connector = aiohttp.TCPConnector(
            resolver=self._resolver, use_dns_cache=False, happy_eyeballs_delay=None, socket_factory=_public_socket
        )
        self._public = self._session(connector)
        self._listed = self._session(aiohttp.TCPConnector(resolver=self._resolver, use_dns_cache=False))
        return self

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,
            trust_env=False,
        )

    async def __aexit__(self, *_: object) -> None:
        await self._public.close()
        await self._listed.close()

    @asynccontextmanager
    async def ask(self, url: str, headers: dict[str, str] | None = None) -> AsyncIterator[Answer]:
        """The answer to a GET, whatever its status. Raises Retryable (download_unavailable) where there is none."""
        at = checked(url, self._allowed)
        for _ in range(_REDIRECTS + 1):
            async with await self._send(at, headers) as response:
                if response.status not in _MOVED:
                    yield Answer(str(at), response)
                    return
                at = checked(_target(at, response.headers.get("Location")), self._allowed)
        raise Permanent("download_failed", f"{_host(at)} leads on from one address to the next without an end.")

    async def _send(self, url: URL, headers: dict[str, str] | None) -> aiohttp.ClientResponse:
        session = self._listed if _listed(url, self._allowed) else self._public
        try:
            return await session.get(url, headers=headers, allow_redirects=False)
        except aiohttp.ClientConnectorCertificateError as error:
            raise Permanent("download_failed", f"The certificate of {_host(url)} is not valid.") from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise _refused("The address cannot be read.") from error
        except (aiohttp.ClientError, ssl.SSLError, TimeoutError, OSError) as error:
            raise Retryable("download_unavailable", f"{_host(url)} did not answer.") from error


def checked(url: str, allowed: Allowed) -> URL:
    """The address, if its form is one that may be asked: what its name leads to is not looked at yet.

    Raises Permanent (download_refused), which says what is wrong with it.
    """
    if len(url) > _LONGEST_URL:
        raise _refused("The address is too long.")
    try:
        at = URL(url, encoded=re.fullmatch(r"[!-~]+", url) is not None).with_fragment(None)
        host, port, credentials = at.host, at.port, at.user is not None or at.password is not None
    except ValueError as error:
        raise _refused("The address cannot be read.") from error
    if at.scheme not in ("http", "https") or not host:
        raise _refused("Only addresses that begin with http:// or https:// are downloaded.")
    if credentials:
        raise _refused("The address must not carry a user name or a password.")
    if _listed(at, allowed):
        return at
    if port not in _PORTS:
        raise _refused("Only the ports 80 and 443 are downloaded from.")
    if _is_address(host) and not is_public(host):
        raise _not_public()
    return at


def expect_success(answer: Answer) -> None:
    """Raises Permanent or Retryable unless the answer is what was asked for."""
    status, host = answer.status, _host(URL(answer.url, encoded=True))
    if status in (200, 206):
        if answer.header("Content-Encoding") not in (None, "", "identity"):
            raise Permanent("download_failed", f"{host} sends its files in an encoding that was not asked for.")
        return
    if status in _DENIED:
        raise Permanent(
            "download_denied", f"{host} does not give the file away ({status}): the address may have expired."
        )
    if status in _LATER or status >= 500:
        pause = _seconds(answer.header("Retry-After"))
        raise Retryable("download_unavailable", f"{host} cannot give the file now ({status}).", pause)
    if status in (404, 410):
        raise Permanent("download_failed", f"{host} has no such file ({status}).")
    raise Permanent("download_failed", f"{host} gave an answer that no file follows ({status}).")


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After in seconds; None for what is none."""
    given = header is not None and header.isascii() and header.isdigit() and len(header) < 8
    return min(float(header or 0), _LONGEST_PAUSE) if given else None


def _listed(url: URL, allowed: Allowed) -> bool:
    host = (url.host or "").rstrip(".").lower()
    return (host, url.port) in allowed or (url.port in _PORTS and (host, None) in allowed)


def _target(at: URL, location: str | None) -> str:
    if not location:
        raise Permanent("download_failed", f"{_host(at)} leads on to nowhere.")
    try:
        return str(at.join(URL(location, encoded=re.fullmatch(r"[!-~]+", location) is not None)))
    except ValueError as error:
        raise _refused("An address that the download was led on to cannot be read.") from error


def _public_socket(info: AddressInfo) -> socket.socket:
    """The socket for a connection to that address. Nothing of ours comes to a connection but through here."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])) or address[1] not in _PORTS:
        raise _not_public()
    return socket.socket(family=family, type=kind, proto=protocol)


def _is_address(host: str) -> bool:
    """Whether the host is written as an address, in whatever form: a name has a letter behind its last dot."""
    return ":" in host or not re.search(r"[^\W\d_][^.]*$", host.rstrip(".")) or host.lower().startswith("0x")


def _not_public() -> Permanent:
    return _refused("The address leads to a machine that is not on the public internet.")


def _refused(why: str) -> Permanent:
    return Permanent("download_refused", why)


def _host(url: URL) -> str:
    return url.host or "The server"
