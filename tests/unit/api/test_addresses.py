"""Whose address a request has: the socket's, unless a trusted proxy says more."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api import addresses
from api.keys import SETTINGS
from schemas.settings import Settings, SettingsError, load_settings


def asked(peer: str, *forwarded: str, proxies: str = "10.0.0.0/8, ::1", proto: str = "") -> web.Request:
    app = web.Application()
    app[SETTINGS] = Settings(trusted_proxies=proxies)
    headers = [("X-Forwarded-For", value) for value in forwarded]
    request = make_mocked_request("GET", "/", headers=dict(headers[:1]), app=app)
    sent = request.headers.copy()
    sent.popall("X-Forwarded-For", None)
    for header in headers:
        sent.add(*header)
    if proto:
        sent["X-Forwarded-Proto"] = proto
    return request.clone(headers=sent, remote=peer)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),
        ("10.1.2.3", (), "10.1.2.3"),
        ("10.1.2.3", ("198.51.100.1",), "198.51.100.1"),
        ("10.1.2.3", ("6.6.6.6, 198.51.100.1",), "198.51.100.1"),
        ("10.1.2.3", ("198.51.100.1, 10.9.9.9",), "198.51.100.1"),
        ("10.1.2.3", ("6.6.6.6", "198.51.100.1"), "198.51.100.1"),
        ("10.1.2.3", ("10.8.8.8,10.9.9.9",), "10.8.8.8"),
        ("10.1.2.3", ("nonsense",), "10.1.2.3"),
        ("10.1.2.3", ("198.51.100.1, nonsense",), "10.1.2.3"),
        ("10.1.2.3", ("",), "10.1.2.3"),
        ("::1", ("[2001:db8::7]",), "2001:db8::7"),
        ("::ffff:10.1.2.3", ("198.51.100.1",), "198.51.100.1"),
        ("", ("198.51.100.1",), "unknown"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: tuple[str, ...], address: str) -> None:
    assert addresses.client_address(asked(peer, *forwarded)) == address


def test_who_has_one_address_of_ipv6_has_its_network() -> None:
    assert addresses.client_network(asked("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::/64"
    assert addresses.client_network(asked("203.0.113.9")) == "203.0.113.9"
    assert addresses.client_network(asked("")) == "unknown"


def test_only_a_trusted_proxy_says_that_the_client_speaks_https() -> None:
    assert addresses.is_secure(asked("10.1.2.3", proto="https"))
    assert not addresses.is_secure(asked("10.1.2.3", proto="http"))
    assert not addresses.is_secure(asked("203.0.113.9", proto="https"))


def test_what_comes_through_a_proxy_is_not_from_this_machine() -> None:
    assert addresses.from_this_machine(asked("127.0.0.1"))
    assert addresses.from_this_machine(asked("::1"))
    assert not addresses.from_this_machine(asked("127.0.0.1", "198.51.100.1"))
    assert not addresses.from_this_machine(asked("203.0.113.9"))


def test_networks_are_checked_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example")
    with pytest.raises(SettingsError, match=r"^TRUSTED_PROXIES: .*proxy\.example"):
        load_settings()
