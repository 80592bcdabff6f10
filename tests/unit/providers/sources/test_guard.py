"""No way leads inside: by the form of an address, by its name, or by a name that answers differently each time."""

import socket

import pytest
from aiohttp.abc import AbstractResolver
from hypothesis import given
from hypothesis import strategies as st

from providers.sources.guard import Guard, checked
from schemas.failures import Permanent, Retryable
from schemas.settings import allowed_hosts

NOBODY = allowed_hosts("")


class Names(AbstractResolver):
    """Answers with the next addresses each time it is asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        addresses = self.answers.pop(0).split()
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in addresses
        ]

    async def close(self):
        pass


@pytest.fixture
def connections(monkeypatch):
    """Every address that a connection was tried to; none is made."""
    tried = []

    class NoSocket(socket.socket):
        def connect(self, address):
            tried.append(address)
            raise ConnectionRefusedError

        connect_ex = connect

    monkeypatch.setattr("providers.sources.guard.socket.socket", NoSocket)

    async def sock_connect(_loop, _socket, address):
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", sock_connect)
    return tried


async def asked(url, names, allowed=NOBODY):
    async with Guard(allowed, 1, names) as guard, guard.ask(url):
        raise AssertionError("there was an answer")


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/a", "file:///etc/passwd", "gopher://example.org/", "//example.org/a", "example.org", ""),
        *("http://ada:secret@example.org/", "http://example.org:22/", "http://example.org:0/"),
        *("http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://127.1/"),
        *("http://0x7f000001/", "http://0177.0.0.1/", "http://0x7f.1/", "http://169.254.169.254/latest/meta-data"),
        *("http://[fe80::1%25eth0]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http:///a", "http://"),
        *("https://example.org:99999/", "http://[::1/", "javascript:alert(1)", "data:video/mp4;base64,AAAA"),
        f"http://example.org/{'a' * 9000}",
    ],
)
async def test_an_address_of_a_wrong_form_is_refused_before_anybody_is_asked(url, connections):
    names = Names()
    with pytest.raises(Permanent) as refusal:
        await asked(url, names)
    assert refusal.value.code == "download_refused"
    assert (names.asked, connections) == (0, [])


@pytest.mark.parametrize("addresses", ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.0.0.1", "fe80::1%1", "100.64.0.9"])
async def test_a_name_that_leads_inside_is_refused(addresses, connections):
    with pytest.raises(Permanent) as refusal:
        await asked("http://public.example/", Names(addresses))
    assert refusal.value.code == "download_refused"
    assert connections == []


async def test_a_name_that_answers_differently_each_time_is_connected_to_where_it_was_checked(connections):
    names = Names("8.8.8.8", "127.0.0.1")
    with pytest.raises(Retryable):
        await asked("http://rebinding.example/", names)
    assert (names.asked, connections) == (1, ["8.8.8.8"])
    with pytest.raises(Permanent):
        await asked("http://rebinding.example/", names)
    assert connections == ["8.8.8.8"]


async def test_of_several_addresses_only_public_ones_are_connected_to(connections):
    with pytest.raises(Permanent):
        await asked("http://mixed.example/", Names("8.8.8.8 192.168.0.1"))
    assert connections == ["8.8.8.8"]


async def test_what_is_listed_may_be_inside_but_only_by_its_name_and_port(connections):
    allowed = allowed_hosts("media.local, other.local:8443")
    with pytest.raises(Retryable):
        await asked("http://media.local/", Names("10.0.0.7"), allowed)
    with pytest.raises(Retryable):
        await asked("https://OTHER.local.:8443/", Names("10.0.0.8"), allowed)
    assert connections == ["10.0.0.7", "10.0.0.8"]
    for url in ("http://media.local:8443/", "http://other.local:80/", "http://10.0.0.7/", "http://x.media.local/"):
        with pytest.raises(Permanent):
            await asked(url, Names("10.0.0.7"), allowed)
    assert connections == ["10.0.0.7", "10.0.0.8"]


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch, connections):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    with pytest.raises(Retryable):
        await asked("http://public.example/", Names("8.8.8.8"))
    assert connections == ["8.8.8.8"]


def test_a_signature_is_left_as_it_is():
    signed = "https://example.org/a%2Fb.mp4?hdnts=st=1~acl=%2f*~hmac=ab%2Bcd&x=%7E"
    assert str(checked(signed, NOBODY)) == signed


@given(st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_whatever_is_written_is_refused_or_a_public_form(url):
    at = refusal = None
    try:
        at = checked(url, NOBODY)
    except Permanent as error:
        refusal = error
    assert (refusal.code if refusal else "download_refused") == "download_refused"
    assert at is None or (at.scheme == "http" and at.port in (80, 443) and at.user is None)
