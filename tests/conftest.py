"""What suites share: the embedded stack, started once a run and only for those that ask for it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from deploy.embedded.stack import EmbeddedStack, Services

T = TypeVar("T")


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A running Kafka, document store and object store with nothing in them; jars come from the shared cache."""
    with running_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started


@contextmanager
def running_stack(data: Path) -> Iterator[Services]:
    """The embedded stack with its data there."""
    with on_a_thread(EmbeddedStack(data)) as started:
        yield started


@contextmanager
def on_a_thread(context: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Opens it on a thread with a loop of its own: it outlives any one test and goes on watching its processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="background")
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
