"""Only what is known to be one machine on the public internet is public, in whatever form it is written."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.sources.addresses import is_public

INSIDE = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.255", "192.0.0.8", "198.18.0.1", "168.63.129.16"),
)
OUTSIDE = ("93.184.216.34", "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1")
HOLDERS = {
    "mapped": lambda v4: IPv6Address((0xFFFF << 32) | int(v4)),
    "6to4": lambda v4: IPv6Address((0x2002 << 112) | (int(v4) << 80) | 1),
    "nat64": lambda v4: IPv6Address(int(IPv6Address("64:ff9b::")) | int(v4)),
    "isatap": lambda v4: IPv6Address(int(IPv6Address("2a00:1450:4001:0:0:5efe::")) | int(v4)),
}


@pytest.mark.parametrize("text", INSIDE)
def test_what_lies_inside_is_not_public(text):
    assert not is_public(text)


@pytest.mark.parametrize("text", [*OUTSIDE, "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001::1"])
def test_what_lies_outside_is(text):
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1", "::7f00:1"),
        *("2001:db8::1", "2001::1", "3fff::1", "100::1", "64:ff9b:1::1", "5f00::1", "2a00:1450:4001::1%2"),
        *("", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.2.3.4:80", "[::1]", "１.1.1.1"),
    ],
)
def test_what_is_special_or_no_address_is_not_public(text):
    assert not is_public(text)


@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
@given(st.ip_addresses(v=4))
def test_an_address_within_an_address_is_judged_by_that(holder, v4):
    assert is_public(str(holder(v4))) == is_public(str(v4))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address):
    special = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if isinstance(address, IPv4Address) or address not in IPv6Network("64:ff9b::/96"):
        assert not (is_public(str(address)) and special)


@given(st.binary(min_size=16, max_size=16).map(IPv6Address))
def test_every_public_address_is_read_back_as_itself(address):
    if is_public(str(address)):
        assert is_public(address.exploded)
        assert ip_address(address.exploded) == address
