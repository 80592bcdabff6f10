"""Which IP addresses are public. Whatever is not known to be is not.

The special addresses are those of IANA's registries for IPv4 and IPv6 (RFC 6890 and what came after it); Python knows
most of them, not the same in every version. An IPv6 address that stands for an IPv4 address is judged by that one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V4_REFUSED = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        "168.63.129.16/32",  # the inside of a cloud, at an address that looks public
    )
)
_V6_UNICAST = IPv6Network("2000::/3")
_V6_REFUSED = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(text: str) -> bool:
    """Whether that is the address of one machine on the public internet, and could not lead anywhere else."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _public_v4(address) if isinstance(address, IPv4Address) else _public_v6(address)


def _public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _V4_REFUSED)


def _public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return _public_v4(address.ipv4_mapped)
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        return _public_v4(low)
    if address not in _V6_UNICAST or any(address in network for network in _V6_REFUSED) or not address.is_global:
        return False
    if address.sixtofour is not None:
        return _public_v4(address.sixtofour)
    isatap = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP
    return _public_v4(low) if isatap else True
