"""The whole platform, once for this folder: embedded stack, API and worker as processes of their own."""

from collections.abc import Iterator

import pytest

from deploy.demo.client import Client
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform
from tests.conftest import on_a_thread


@pytest.fixture(scope="package")
def lectures_port() -> int:
    """A port of this machine that lectures may be downloaded from."""
    return free_ports(1)[0]


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory, lectures_port: int) -> Iterator[Platform]:
    """A running platform."""
    data = tmp_path_factory.mktemp("platform")
    settings = {"DOWNLOAD_ALLOWED_HOSTS": f"127.0.0.1:{lectures_port}"}
    port = next(port for port in free_ports(2) if port != lectures_port)
    with on_a_thread(running_platform(port, data, default_cache(), print, settings)) as running:
        yield running


@pytest.fixture
async def client(platform: Platform):
    """A person with an account of their own."""
    async with Client(platform.url) as client:
        await client.sign_up()
        yield client
