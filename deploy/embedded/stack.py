"""The embedded stack as a whole: document store, object store and Kafka on one machine, and how to reach them.

Layout of DATA: documents/, objects/, kafka/, logs/, secrets.json (0600, made once), ports.json (the same again wherever
they are free, so that a presigned URL outlives a restart), lock (held while any process of the stack lives).
"""

import asyncio
import json
import secrets
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from deploy.embedded import docstore, kafka, objectstore
from deploy.embedded.docstore import DocumentStore
from deploy.embedded.failures import EmbeddedError
from deploy.embedded.files import write_atomically
from deploy.embedded.kafka import Kafka
from deploy.embedded.locks import owner_lock
from deploy.embedded.objectstore import ObjectStore
from deploy.embedded.ports import free_ports, is_free
from deploy.embedded.process import PROJECT, Running
from deploy.embedded.supervisor import Say, Supervisor

ENDING_SECONDS = 30.0
"""How long the processes of a stack that was killed may take to end before its folder counts as in use."""
START_ATTEMPTS = 3
PORTS = docstore.PORTS + objectstore.PORTS + kafka.PORTS


def default_cache() -> Path:
    """Where jars are kept: `.cache` in the project's folder."""
    return PROJECT / ".cache"


def lock_of(data: Path) -> Path:
    """The lock on a folder of data: held while any process of its stack lives."""
    return data.absolute() / "lock"


@dataclass(frozen=True)
class Services:
    """How to reach a running stack, and the secrets that belong to its data."""

    kafka_bootstrap_servers: str
    mongodb_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The same as the variables that Settings reads."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            "MONGODB_URL": self.mongodb_url,
            "S3_ENDPOINT": self.s3_endpoint,
            "S3_ACCESS_KEY": self.s3_access_key,
            "S3_SECRET_KEY": self.s3_secret_key,
            "JWT_SECRET": self.jwt_secret,
        }


class EmbeddedStack:
    """All three servers, for as long as the `async with` lasts.

    A server that dies is started again on its old port; `failed` tells when that does not help. `held` is the lock on
    the folder, for programs that shall keep it as the servers do. Raises InUse when another stack has the folder, else
    EmbeddedError with what to do.
    """

    def __init__(self, data: Path, cache: Path | None = None, say: Say = lambda _: None) -> None:
        self._data = data.absolute()
        self._cache = (cache or default_cache()).absolute()
        self._say = say
        self._opened = AsyncExitStack()
        self._supervisors: tuple[Supervisor, ...] = ()
        self.held: tuple[int, ...] = ()

    async def __aenter__(self) -> Services:
        async with AsyncExitStack() as opening:
            self.held = (await opening.enter_async_context(owner_lock(lock_of(self._data), ENDING_SECONDS)),)
            services = await self._start(opening)
            self._opened = opening.pop_all()
        return services

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    async def failed(self) -> None:
        """Waits until a server cannot be kept running, and raises EmbeddedError with the reason."""
        await asyncio.gather(*(supervisor.gave_up() for supervisor in self._supervisors))

    def processes(self) -> tuple[Running, ...]:
        """The servers that run at this moment."""
        return tuple(running for supervisor in self._supervisors if (running := supervisor.running))

    async def _start(self, opening: AsyncExitStack) -> Services:
        """Starts all servers at once; again on other ports when somebody else was quicker to take one."""
        for _ in range(START_ATTEMPTS - 1):
            ports = self._ports()
            try:
                return await self._start_on(ports, opening)
            except EmbeddedError:
                if all(map(is_free, ports)):
                    raise
        return await self._start_on(self._ports(), opening)

    async def _start_on(self, ports: tuple[int, ...], opening: AsyncExitStack) -> Services:
        own = self._secrets()
        documents = DocumentStore(self._data, self._cache, ports[0], self.held)
        objects = ObjectStore(self._data, ports[1:9], own["s3_access_key"], own["s3_secret_key"], self.held)
        broker = Kafka(self._data, self._cache, ports[9:], self.held)
        self._supervisors = tuple(
            Supervisor(server.launch, self._say, server.answers) for server in (documents, objects, broker)
        )
        async with AsyncExitStack() as starting:
            starting.callback(objects.remove_sockets)
            for supervisor in self._supervisors:
                starting.push_async_callback(supervisor.stop)
            await _all_or_first_error(*(supervisor.start() for supervisor in self._supervisors))
            opening.push_async_exit(starting.pop_all())
        return Services(
            kafka_bootstrap_servers=broker.bootstrap_servers,
            mongodb_url=documents.url,
            s3_endpoint=objects.endpoint,
            **own,
        )

    def _ports(self) -> tuple[int, ...]:
        file = self._data / "ports.json"
        remembered = tuple(_read(file).get("ports", ()))
        if len(remembered) == PORTS and all(map(is_free, remembered)):
            return remembered
        ports = free_ports(PORTS)
        write_atomically(file, json.dumps({"ports": ports}))
        return ports

    def _secrets(self) -> dict[str, str]:
        file = self._data / "secrets.json"
        if not file.exists():
            made = {
                "jwt_secret": secrets.token_hex(32),
                "s3_access_key": secrets.token_hex(10),
                "s3_secret_key": secrets.token_hex(20),
            }
            write_atomically(file, json.dumps(made, indent=2))
        return {name: str(value) for name, value in _read(file).items()}


def running_services(data: Path) -> Services | None:
    """How to reach the stack that another process runs with its data there; None where none does. Does not block."""
    ports, own = _read(data / "ports.json").get("ports", ()), _read(data / "secrets.json")
    if len(ports) != PORTS or not own or all(map(is_free, ports)):
        return None
    return Services(
        kafka_bootstrap_servers=Kafka(data, default_cache(), tuple(ports[9:])).bootstrap_servers,
        mongodb_url=DocumentStore(data, default_cache(), ports[0]).url,
        s3_endpoint=ObjectStore(data, tuple(ports[1:9]), own["s3_access_key"], own["s3_secret_key"]).endpoint,
        **own,
    )


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return content


async def _all_or_first_error(*starts: Coroutine[Any, Any, None]) -> None:
    """Waits for all, then raises the first error: no start is left running behind the back of the one that failed."""
    for result in await asyncio.gather(*starts, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
