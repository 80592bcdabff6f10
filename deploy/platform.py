"""Everything on one machine: the embedded stack, the API and a worker, started together and stopped in order."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import aiohttp

from deploy.embedded.failures import InUse
from deploy.embedded.ports import HOST, is_free
from deploy.embedded.process import Child, Program, python_module
from deploy.embedded.stack import EmbeddedStack, Services
from deploy.embedded.supervisor import Say, Supervisor

NOTHING: Mapping[str, str] = MappingProxyType({})
PREPARE_SECONDS = 60.0
READY_SECONDS = 60.0
PROBE_SECONDS = 3.0
GRACE_SECONDS = 40.0
"""Between SIGTERM and SIGKILL: longer than SHUTDOWN_GRACE_SECONDS, in which running steps may still end."""


@dataclass(frozen=True)
class Platform:
    """A running platform. `failed` waits until a part cannot be kept running, and raises EmbeddedError with why."""

    url: str
    services: Services
    failed: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running_platform(
    port: int, data: Path, cache: Path, say: Say, settings: Mapping[str, str] = NOTHING
) -> AsyncIterator[Platform]:
    """Starts everything and yields once /health/ready answers 200; at the end stops the API, the worker and the stack.

    `settings` are variables for the API and the worker, beside those of this process and of the stack.
    `say` gets a line whenever a part died and is started again. Raises EmbeddedError with what to do.
    """
    if not is_free(port):
        raise InUse(f"Port {port} is in use: stop what listens there or choose another (--port, make up PORT=...).")
    stack = EmbeddedStack(data, cache, say)
    async with AsyncExitStack() as opened:
        services = await opened.enter_async_context(stack)
        commands = _Commands(services, port, data, settings)
        await commands.prepare()
        supervisors = (Supervisor(commands.worker, say), Supervisor(commands.api, say))
        for supervisor in supervisors:
            opened.push_async_callback(supervisor.stop)
            await supervisor.start()

        async def failed() -> None:
            await asyncio.gather(stack.failed(), *(supervisor.gave_up() for supervisor in supervisors))

        yield Platform(commands.url, services, failed)


class _Commands:
    """Our own commands as child processes, pointed at the stack's services."""

    def __init__(self, services: Services, port: int, data: Path, settings: Mapping[str, str]) -> None:
        self.url = f"http://{HOST}:{port}"
        own = {**services.environment(), "HOST": HOST, "PORT": str(port), "TMPDIR": str(_scratch(data))}
        self._environment = {**settings, **own}
        self._logs = data.absolute() / "logs"

    async def prepare(self) -> None:
        """Creates topics, indexes and the bucket."""
        child = await Child.start(self._program("topics"))
        try:
            await child.succeed(PREPARE_SECONDS)
        finally:
            await child.stop()

    async def worker(self) -> Child:
        """Starts a worker of all stages."""
        return await Child.start(self._program("worker"))

    async def api(self) -> Child:
        """Starts the API and waits until it and all that it stands on are ready."""
        child = await Child.start(self._program("api"))
        try:
            await child.until_ready(self._ready, READY_SECONDS)
        except BaseException:
            await child.stop()
            raise
        return child

    def _program(self, command: str) -> Program:
        return Program(
            name=f"tidemark {command}",
            command=python_module("deploy.cli", command),
            log=self._logs / f"{command}.log",
            environment=self._environment,
            grace=GRACE_SECONDS,
        )

    async def _ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS)) as session,
                session.get(f"{self.url}/health/ready") as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False


def _scratch(data: Path) -> Path:
    """An empty folder for the files of steps in hand: what a killed worker left goes, since we have the lock."""
    folder = data.absolute() / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
