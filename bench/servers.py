"""The servers that everything stands on, without anybody who repairs them: each can be taken away and brought back.

Away is one of two things: hanging (stopped, so that connections are taken and nothing is answered) or dead (killed, so
that connections are refused).
"""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path

from deploy.embedded import docstore, objectstore
from deploy.embedded.docstore import DocumentStore
from deploy.embedded.kafka import Kafka
from deploy.embedded.objectstore import ObjectStore
from deploy.embedded.ports import free_ports
from deploy.embedded.process import Child
from deploy.embedded.stack import PORTS, Services, default_cache


class Away(StrEnum):
    """How a server is away."""

    HANGING = "hanging"
    DEAD = "dead"


class Servers:
    """Kafka, the document store and the object store of one folder, by the names that readiness gives them."""

    def __init__(self, data: Path) -> None:
        key, secret, ports = secrets.token_hex(10), secrets.token_hex(20), free_ports(PORTS)
        after = docstore.PORTS + objectstore.PORTS
        documents = DocumentStore(data, default_cache(), ports[0])
        objects = ObjectStore(data, ports[docstore.PORTS : after], key, secret)
        kafka = Kafka(data, default_cache(), ports[after:])
        self._launch = {"kafka": kafka.launch, "documents": documents.launch, "objects": objects.launch}
        self._running: dict[str, Child] = {}
        self._leftovers = objects.remove_sockets
        self.services = Services(
            kafka_bootstrap_servers=kafka.bootstrap_servers,
            mongodb_url=documents.url,
            s3_endpoint=objects.endpoint,
            s3_access_key=key,
            s3_secret_key=secret,
            jwt_secret=secrets.token_hex(32),
        )

    async def start(self, *names: str) -> None:
        """Starts those servers, all by default, and returns when they answer."""
        for result in await asyncio.gather(*map(self._start, names or self._launch), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _start(self, name: str) -> None:
        self._running[name] = await self._launch[name]()

    async def take_away(self, name: str, how: Away) -> None:
        """Stops the server where it is, or kills it."""
        child = self._running[name]
        if how is Away.HANGING:
            os.kill(child.pid, signal.SIGSTOP)
            while not _stopped(child.pid):  # noqa: ASYNC110 - the kernel has no event for it
                await asyncio.sleep(0.005)
        else:
            await child.kill()

    async def bring_back(self, name: str) -> None:
        """Lets the server go on, or starts it again; returns when it answers, or at once when it was only stopped."""
        if self._running[name].running:
            os.kill(self._running[name].pid, signal.SIGCONT)
        else:
            await self.start(name)

    @asynccontextmanager
    async def away(self, name: str, how: Away) -> AsyncIterator[None]:
        """The server is away while inside."""
        await self.take_away(name, how)
        try:
            yield
        finally:
            await self.bring_back(name)

    async def stop(self) -> None:
        """Ends every server."""
        for child in self._running.values():
            await child.kill()
        self._leftovers()


def _stopped(pid: int) -> bool:
    """Whether every thread of the process has stopped; where that cannot be seen it is taken for granted."""
    states = (stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(state == "T" for state in states)


@asynccontextmanager
async def running_servers(data: Path, *names: str) -> AsyncIterator[Servers]:
    """Those servers, all by default, with their data there."""
    async with AsyncExitStack() as stack:
        servers = Servers(data)
        stack.push_async_callback(servers.stop)
        await servers.start(*names)
        yield servers
