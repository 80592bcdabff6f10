"""The whole platform, once for the suite: embedded stack, API and worker as processes of their own."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from deploy.demo.client import Client
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform, on a thread with a loop of its own: it outlives any one test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="platform")
    thread.start()
    running = running_platform(free_ports(1)[0], tmp_path_factory.mktemp("platform"), default_cache(), print)
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
async def client(platform: Platform):
    """A person with an account of their own."""
    async with Client(platform.url) as client:
        await client.sign_up()
        yield client
