"""The worker's health check: an event loop that beats, not a port that answers."""

import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from deploy.alive import LATELY_SECONDS, beats
from deploy.embedded.ports import free_ports
from streams import metrics
from tests.unit.deploy.compose import services


class Port:
    """A metrics port as a worker has it."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        name = metrics.SEEN.describe()[0].name
        self.seen = Gauge(name, "As the worker's own.", registry=registry)
        self.number = free_ports(1)[0]
        self.server, self.thread = start_http_server(self.number, addr="127.0.0.1", registry=registry)


@pytest.fixture
def port() -> Iterator[Port]:
    port = Port()
    yield port
    port.server.shutdown()
    port.server.server_close()
    port.thread.join()


def test_a_worker_that_beats_is_alive(port):
    port.seen.set_to_current_time()
    assert beats(port.number)


@pytest.mark.parametrize("seen", [0, time.time() - LATELY_SECONDS - 60], ids=["never", "long ago"])
def test_a_worker_that_only_answers_is_not(port, seen):
    port.seen.set(seen)
    assert not beats(port.number)


def test_a_worker_that_does_not_answer_is_not():
    assert not beats(free_ports(1)[0])


@pytest.mark.parametrize("name", ["audio", "render", "scenes", "pages", "transcribe", "analyse", "export"])
def test_every_worker_is_asked(name):
    assert services()[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "deploy.alive"]
