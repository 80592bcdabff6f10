"""Everything on one machine: the embedded stack, the API and workers, started together and stopped in order.

Each part is kept running: see deploy/embedded/supervisor. Layout beside the stack's: DATA/logs/api.log and worker.log
(worker-1.log … of several), DATA/scratch/{program} for the files of steps in hand, emptied when its program starts.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import aiohttp

from deploy.embedded.failures import InUse, ProcessFailed
from deploy.embedded.locks import owner_lock
from deploy.embedded.ports import HOST, is_free
from deploy.embedded.process import Child, Program, Running, python_module
from deploy.embedded.stack import ENDING_SECONDS, EmbeddedStack, Services, lock_of
from deploy.embedded.supervisor import Say, Supervisor

NOTHING: Mapping[str, str] = MappingProxyType({})
PREPARE_SECONDS = 60.0
LIVE_SECONDS = 60.0
READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
PROBE_SECONDS = 3.0
GRACE_SECONDS = 40.0
"""Between SIGTERM and SIGKILL: longer than SHUTDOWN_GRACE_SECONDS, in which running steps may still end."""
WONDER_SECONDS = 3.0
_AT_MOST = f"{GRACE_SECONDS:.0f} s at most"
_REQUESTS = f"waiting for requests and uploads that are under way to end, {_AT_MOST}"
_WORK = f"waiting for the work in hand to end, {_AT_MOST}; what is not done by then is done at the next start"


class Platform:
    """A running platform: where its API is, how to reach what it stands on, and how its parts are."""

    def __init__(self, url: str, stack: EmbeddedStack, services: Services, own: tuple[Supervisor, ...]) -> None:
        self.url = url
        self.services = services
        self._stack = stack
        self._own = own

    def processes(self) -> tuple[Running, ...]:
        """The programs that run at this moment, by name: a part that has died is missing until it is back.

        Names: "API", "worker" ("worker 1", "worker 2" … where there are several), and the stack's "Kafka",
        "document store", "object store".
        """
        own = (running for supervisor in self._own if (running := supervisor.running))
        return (*own, *self._stack.processes())

    async def failed(self) -> None:
        """Waits until a part cannot be kept running, and raises EmbeddedError with why."""
        await asyncio.gather(self._stack.failed(), *(supervisor.gave_up() for supervisor in self._own))


@asynccontextmanager
async def running_platform(
    port: int, data: Path, cache: Path, say: Say, settings: Mapping[str, str] = NOTHING, workers: int = 1
) -> AsyncIterator[Platform]:
    """Starts everything and yields once /health/ready answers 200; at the end stops the API, the workers, the stack.

    Each of the `workers` hosts all stages. `settings` are variables for the API and the workers, beside those of this
    process and of the stack. `say` gets a line whenever a part died, when it runs again, and on what the end waits for.
    Raises EmbeddedError with what to do.
    """
    async with owner_lock(lock_of(data), ENDING_SECONDS):  # what a killed one left has ended, and the port with it
        if not is_free(port):
            raise InUse(f"Port {port} is in use: stop what listens there or choose another (--port, make up PORT=...).")
    stack = EmbeddedStack(data, cache, say)
    async with AsyncExitStack() as opened:
        services = await opened.enter_async_context(stack)
        commands = _Commands(services, port, data, settings, stack.held)
        await commands.prepare()
        api = Supervisor(commands.api, say, commands.is_live)
        crew = tuple(Supervisor(partial(commands.worker, name), say) for name in _names(workers))
        opened.push_async_callback(stop_all, crew, say, _WORK)
        opened.push_async_callback(stop_all, (api,), say, _REQUESTS)
        await asyncio.gather(api.start(), *(worker.start() for worker in crew))
        platform = Platform(commands.url, stack, services, (api, *crew))
        await _ready(platform, commands)
        yield platform


def _names(workers: int) -> tuple[str, ...]:
    return ("worker",) if workers == 1 else tuple(f"worker {number}" for number in range(1, workers + 1))


async def stop_all(supervisors: tuple[Supervisor, ...], say: Say, waits_for: str) -> None:
    """Stops the programs. Says what is waited for, once that takes so long that somebody may wonder."""
    telling = asyncio.get_running_loop().call_later(WONDER_SECONDS, say, waits_for)
    try:
        await asyncio.gather(*(supervisor.stop() for supervisor in supervisors))
    finally:
        telling.cancel()


async def _ready(platform: Platform, commands: "_Commands") -> None:
    """Returns when the API and all that it stands on are ready."""
    failed = asyncio.ensure_future(platform.failed())
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not await commands.is_ready(PROBE_SECONDS):
                if failed.done():
                    failed.result()
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError as error:
        raise ProcessFailed(f"The API was not ready after {READY_SECONDS:.0f} s; {commands.logs} says more.") from error
    finally:
        failed.cancel()
        await asyncio.wait([failed])


class _Commands:
    """Our own commands as child processes, pointed at the stack's services."""

    def __init__(
        self, services: Services, port: int, data: Path, settings: Mapping[str, str], held: tuple[int, ...]
    ) -> None:
        self.url = f"http://{HOST}:{port}"
        self.logs = data.absolute() / "logs"
        self._environment = {**settings, **services.environment(), "HOST": HOST, "PORT": str(port)}
        self._scratch = data.absolute() / "scratch"
        self._held = held

    async def prepare(self) -> None:
        """Creates topics, indexes and the bucket. Empties the scratch folder: nobody works there, we have the lock."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        child = await Child.start(self._program("topics", "topics"))
        try:
            await child.succeed(PREPARE_SECONDS)
        finally:
            await child.stop()

    async def worker(self, name: str) -> Child:
        """Starts a worker of all stages."""
        return await Child.start(self._program(name, "worker"))

    async def api(self) -> Child:
        """Starts the API and waits until it answers, whether what it stands on is there or not."""
        child = await Child.start(self._program("API", "api"))
        try:
            await child.until_ready(self.is_live, LIVE_SECONDS)
        except BaseException:
            await child.stop()
            raise
        return child

    async def is_live(self, seconds: float) -> bool:
        """Whether the API answers at all, within so many seconds."""
        return await self._is_ok("/health/live", seconds)

    async def is_ready(self, seconds: float) -> bool:
        """Whether the API says within so many seconds that it can take work."""
        return await self._is_ok("/health/ready", seconds)

    def _program(self, name: str, command: str) -> Program:
        file = name.lower().replace(" ", "-")
        scratch = self._scratch / file
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        return Program(
            name=name,
            command=python_module("deploy.cli", command),
            log=self.logs / f"{file}.log",
            environment={**self._environment, "TMPDIR": str(scratch)},
            grace=GRACE_SECONDS,
            held=self._held,
        )

    async def _is_ok(self, path: str, seconds: float) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
                session.get(f"{self.url}{path}") as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
