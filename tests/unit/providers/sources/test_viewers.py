"""The seal of the child that reads pages: what it refuses, at the very call."""

import pytest

from providers.sources.viewers import Sealed, _seal

LISTED = frozenset({("127.0.0.1", 8080)})


@pytest.mark.parametrize(
    "address",
    [
        *(("127.0.0.1", 80), ("127.0.0.1", 8081), ("8.8.8.8", 22), ("localhost", 80), ("example.org", 443)),
        *(("::1", 80, 0, 0), ("::ffff:127.0.0.1", 80, 0, 0), ("fe80::1%eth0", 443, 0, 2), ("127.1", 80), "/run/socket"),
        *(b"/run/socket", (), ("8.8.8.8",), (b"8.8.8.8", 80), (134744072, 80)),
    ],
)
def test_only_public_addresses_and_what_is_listed_are_connected_to(address):
    refused = []
    with pytest.raises(Sealed):
        _seal(LISTED, refused)("socket.connect", (None, address))
    assert len(refused) == 1


@pytest.mark.parametrize("address", [("8.8.8.8", 443), ("2a00:1450:4001::1", 80, 0, 0), ("127.0.0.1", 8080)])
def test_those_are(address):
    _seal(LISTED, [])("socket.connect", (None, address))


@pytest.mark.parametrize("event", ["subprocess.Popen", "os.system", "os.fork", "os.posix_spawn", "socket.sendto"])
def test_nothing_is_started_and_nothing_sent_past_it(event):
    with pytest.raises(Sealed):
        _seal(LISTED, [])(event, ())


def test_everything_else_goes_on():
    _seal(LISTED, [])("open", ("/etc/hosts", "r", 0))
