"""Child processes: each runs one piece of work and is then gone.

A decoder that crashes, an endless file or a memory bomb takes the child, never the worker. A child is a fresh
interpreter (no fork), in a process group of its own, that gets its work over stdin and answers over stdout. A decoder
that was taken over by a hostile file may sit on the other end: it is given no secrets in its environment, and what it
sends is only validated, never executed (see providers/child_messages). A child whose parent dies ends itself: its
stdin closes.
"""

import asyncio
import contextlib
import os
import pickle  # nosec B403
import signal
import struct
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import structlog

from providers.child_limits import ended
from providers.child_messages import Unreadable, decode
from schemas.failures import Retryable, StepFailure

M = TypeVar("M")

_HEADER = struct.Struct("!I")
_LARGEST_MESSAGE = 64 * 1024 * 1024
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a child inherits, with the variables of Python itself: no address, no secret."""
_STDERR_LINES = 20
_STDERR_LIMIT = 1024 * 1024
_EXIT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Children:
    """Starts children, and keeps `spares` idle ones whose imports are already done, so that work starts at once.

    `preload` names modules, or `module:function` to call, in a spare before it is needed. `memory_mb` and `cpu_seconds`
    are the limits of each child (see providers/child_limits; 0: none); `niceness` is how far it stands back for others.
    Use as an async context manager: leaving it kills every child. Spares are there after `warm`, or the first work.
    """

    def __init__(
        self,
        *,
        preload: tuple[str, ...] = (),
        spares: int = 0,
        memory_mb: int = 0,
        cpu_seconds: int = 0,
        niceness: int = 0,
    ) -> None:
        self._wanted = spares
        self._limits = memory_mb, cpu_seconds
        self._arguments = tuple(map(str, (*self._limits, niceness, *preload)))
        self._idle: list[_Child] = []
        self._alive: set[_Child] = set()
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> "Children":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wanted = 0
        async with self._starting:  # one that is just being started is among them
            await asyncio.gather(*(child.kill() for child in list(self._alive)))

    async def warm(self) -> None:
        """Starts the spares that are not there; they do their imports by themselves. Harmless when repeated."""
        async with self._starting:
            while len(self._idle) < self._wanted:
                self._idle.append(await self._spawn())

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of all children, idle ones included."""
        return tuple(child.pid for child in self._alive)

    async def run(
        self,
        entry: Callable[..., Iterator[M]],
        *args: Any,
        inputs: AsyncIterator[Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the deadline must also kill the child
    ) -> AsyncGenerator[M, None]:
        """Yields what the generator function `entry(*args)` yields in a child; `entry(inputs, *args)` with inputs.

        Raises the StepFailure that `entry` raised; Permanent (memory_limit, cpu_limit, output_limit) when the child
        went beyond a limit; Retryable("child_crashed") when it died or raised anything else; Retryable("timeout") after
        `timeout` seconds; and what `inputs` raised, as it was. When the generator has ended or is closed, the child is
        gone: one that may be left midway is to be closed (contextlib.aclosing), or its child lives on.
        """
        child = await self._take()
        feeder = asyncio.create_task(child.feed(entry, args, inputs))
        try:
            async with asyncio.timeout(timeout) as clock:
                async for message in child.messages():
                    yield message
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise Retryable("timeout", f"The work took longer than its limit of {timeout:g} seconds.") from error
        finally:
            feeder.cancel()
            await asyncio.shield(self._discard(child, feeder))

    async def _take(self) -> "_Child":
        while self._idle:
            child = self._idle.pop()
            if child.running:
                return child
            await self._discard(child, None)
        return await self._spawn()

    async def _discard(self, child: "_Child", feeder: "asyncio.Task[None] | None") -> None:
        await child.kill()
        self._alive.discard(child)
        if feeder is not None:
            await asyncio.wait([feeder])
            if not feeder.cancelled() and (error := feeder.exception()):
                log.debug("child input ended early", error=repr(error))
        await self.warm()

    async def _spawn(self) -> "_Child":
        child = await _Child.start(self._arguments, *self._limits)
        self._alive.add(child)
        return child


class _Child:
    """One child process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process, memory_mb: int, cpu_seconds: int) -> None:
        self._process = process
        self._limits = memory_mb, cpu_seconds
        self._broken: Exception | None = None
        self._last_words: deque[str] = deque(maxlen=_STDERR_LINES)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, arguments: tuple[str, ...], memory_mb: int, cpu_seconds: int) -> "_Child":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "providers.child_main", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_STDERR_LIMIT,
            cwd=Path(__file__).parent.parent,
            env={name: value for name, value in os.environ.items() if _harmless(name)},
        )
        return cls(process, memory_mb, cpu_seconds)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def feed(
        self, entry: Callable[..., Iterator[Any]], args: tuple[Any, ...], inputs: AsyncIterator[Any] | None
    ) -> None:
        """Sends the work, then the inputs as they come. A child that is gone is no error here: messages() says so."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._send(("run", entry, args, inputs is not None))
            if inputs is not None:
                await self._send_inputs(inputs)

    async def _send_inputs(self, inputs: AsyncIterator[Any]) -> None:
        try:
            async for item in inputs:
                await self._send(("input", item))
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - the edge of a task: messages() raises it
            self._broken = error
            await self._send(("broken",))
        else:
            await self._send(("end",))

    async def _send(self, message: tuple[Any, ...]) -> None:
        assert self._process.stdin is not None
        data = pickle.dumps(message)
        self._process.stdin.write(_HEADER.pack(len(data)) + data)
        await self._process.stdin.drain()

    async def messages(self) -> AsyncIterator[Any]:
        """What the child yields, until it says that it is done. Raises what it raised, or what broke its inputs."""
        while True:
            match await self._receive():
                case ("yield", value):
                    yield value
                case _ if self._broken is not None:
                    raise self._broken
                case ("failed", StepFailure() as failure):
                    raise failure
                case ("raised", words):
                    log.error("the work raised", pid=self.pid, error=words)
                    raise Retryable("child_crashed", "The process that did the work met an error that nobody foresaw.")
                case _:
                    return

    async def _receive(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        try:
            (length,) = _HEADER.unpack(await self._process.stdout.readexactly(_HEADER.size))
            if length > _LARGEST_MESSAGE:
                raise Unreadable(f"{length} bytes")
            return decode(await self._process.stdout.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise self._broken or await self._explain() from error
        except Unreadable as error:
            log.exception("a child sent what none of ours would", pid=self.pid)
            raise Retryable("child_crashed", "The process that did the work sent an answer that is none.") from error

    async def _explain(self) -> StepFailure:
        status = await self._process.wait()
        await asyncio.wait([self._listener], timeout=1)
        words = [line for line in self._last_words if line]
        failure = ended(status, "\n".join(words), *self._limits)
        log.error("a child ended early", pid=self.pid, how=str(failure), last_words=words)
        return failure

    async def _listen(self) -> None:
        """Keeps the last lines of stderr, so that a crash can be explained and a full pipe never blocks the child."""
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # a line beyond the limit: dropped by the reader
                continue
            if not line:
                return
            self._last_words.append(line.decode(errors="replace").rstrip()[:500])

    async def kill(self) -> None:
        """Ends the child and whatever it started. Harmless when repeated."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self.running:
            with contextlib.suppress(ProcessLookupError):  # it may not have come to making its group yet
                os.kill(self._process.pid, signal.SIGKILL)
        async with asyncio.timeout(_EXIT_SECONDS):
            await self._process.wait()
        await asyncio.wait([self._listener], timeout=_EXIT_SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()


def _harmless(name: str) -> bool:
    return name in _ENVIRONMENT or name.startswith("PYTHON")
