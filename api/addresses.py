"""Where a request comes from: the socket's address, or what proxies of TRUSTED_PROXIES say of it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from api.keys import SETTINGS

_FORWARDED_FOR, _FORWARDED_PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
_UNKNOWN = "unknown"
_OF_ONE = 64
"""Bits of an IPv6 address that say which network it is: whoever has one of its addresses has all of them."""

_Address = IPv4Address | IPv6Address


def client_address(request: web.Request) -> str:
    """The client's address: the right-most of X-Forwarded-For that no trusted proxy has, else the socket's.

    "unknown" for a socket without an address.
    """
    here = _read(request.remote or "")
    if here is None:
        return _UNKNOWN
    hops = ",".join(request.headers.getall(_FORWARDED_FOR, ())).split(",")
    while _trusted(request, here) and hops:
        before = _read(hops.pop())
        if before is None:
            break
        here = before
    return str(here)


def client_network(request: web.Request) -> str:
    """What one client may be counted by: its IPv4 address, or its network of IPv6."""
    address = _read(client_address(request))
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _OF_ONE), strict=False))
    return str(address or _UNKNOWN)


def is_secure(request: web.Request) -> bool:
    """Whether the client speaks https, to this process or to a trusted proxy before it."""
    here = _read(request.remote or "")
    if here is not None and _trusted(request, here):
        return request.headers.get(_FORWARDED_PROTO, "").rsplit(",", 1)[-1].strip().lower() == "https"
    return request.secure


def from_this_machine(request: web.Request) -> bool:
    """Whether a program of this machine asks for itself, and no proxy for somebody else."""
    here = _read(request.remote or "")
    return here is not None and here.is_loopback and _FORWARDED_FOR not in request.headers


def _trusted(request: web.Request, address: _Address) -> bool:
    return any(address in network for network in request.app[SETTINGS].trusted_networks)


def _read(text: str) -> _Address | None:
    """An address as it stands in a header or socket, without brackets, port and zone; a mapped one is that of IPv4."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
