"""Free ports on loopback.

Below the range that the system hands to outgoing connections, and drawn at random: two stacks that start at once rarely
meet, and whoever loses the race for a port starts again on others (see `EmbeddedStack`).
"""

import random
import socket
from contextlib import ExitStack

HOST = "127.0.0.1"
RANGE = range(20_000, 32_000)


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different ports that nobody listens on at this moment."""
    with ExitStack() as held:
        return tuple(_hold_one(held) for _ in range(count))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        return _bind(probe, port)


def _hold_one(held: ExitStack) -> int:
    while True:
        port = random.choice(RANGE)  # noqa: S311 -- spread, not secrecy
        probe = held.enter_context(socket.socket())
        if _bind(probe, port):
            return port


def _bind(probe: socket.socket, port: int) -> bool:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
        probe.listen(1)
    except OSError:
        return False
    return True
