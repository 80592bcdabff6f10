"""Child processes: started behind the guard, ready within a deadline, stopped with SIGTERM and then SIGKILL.

Each runs in a session of its own, so Ctrl-C reaches the parent alone, which chooses the order of the end.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.embedded import guard
from deploy.embedded.endings import cause, last_lines, memory_kills
from deploy.embedded.failures import ProcessFailed

PROJECT = Path(__file__).resolve().parents[2]
PROBE_PAUSE_SECONDS = 0.05
PROBE_SECONDS = 2.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Program:
    """What to run. `grace` is how many seconds it gets between SIGTERM and SIGKILL."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    grace: float = 10.0
    held: tuple[int, ...] = ()
    """Descriptors that the guard keeps open for as long as the program lives: the lock on its data."""


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of our modules, from wherever: what lies in the present folder cannot shadow it."""
    return (sys.executable, "-P", "-m", module, *arguments)


@dataclass(frozen=True)
class Running:
    """A program that runs: its name, and the id of its own process, not of its guard."""

    name: str
    pid: int


class Child:
    """A running program. `pid` is the id of the program's own process; 0 when it could not be started at all."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process, log_bytes: int) -> None:
        self.program = program
        self.pid = 0
        self._process = process
        self._log_bytes = log_bytes
        self._memory_kills = memory_kills()

    @classmethod
    async def start(cls, program: Program) -> "Child":
        """Starts the program; does not wait for it to be ready."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        log_bytes = program.log.stat().st_size if program.log.exists() else 0
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__),
            *(str(program.log.absolute()), str(program.grace), *program.command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **program.environment},
            cwd=program.folder,
            pass_fds=program.held,
            start_new_session=True,
        )
        child = cls(program, process, log_bytes)
        try:
            await child._learn_pid()
        except BaseException:
            await child.stop()
            raise
        return child

    async def _learn_pid(self) -> None:
        assert self._process.stdout
        self.pid = int(await self._process.stdout.readline() or 0)

    @property
    def running(self) -> bool:
        """Whether the program has not ended yet, as far as is known."""
        return self._process.returncode is None

    async def ended(self) -> int:
        """Waits for the end; the exit code, 128 + N for signal N."""
        return await self._process.wait()

    async def until_ready(self, probe: Callable[[float], Awaitable[bool]], seconds: float) -> None:
        """Asks the probe, which is told how long it may take, until it says yes.

        Raises ProcessFailed when the program ends first or the time is over.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await probe(PROBE_SECONDS):
                    self.must_run()
                    await asyncio.sleep(PROBE_PAUSE_SECONDS)
        except TimeoutError as error:
            raise ProcessFailed(self.explain(f"was not ready after {seconds:.0f} s")) from error
        self.must_run()

    def must_run(self) -> None:
        """Raises ProcessFailed when the program has ended."""
        if not self.running:
            raise ProcessFailed(self.explain(self._cause()))

    async def succeed(self, seconds: float) -> None:
        """Waits for the end of a program that ends by itself. Raises ProcessFailed unless it ends well, in time."""
        try:
            async with asyncio.timeout(seconds):
                code = await self.ended()
        except TimeoutError as error:
            await self.stop()
            raise ProcessFailed(self.explain(f"was not done after {seconds:.0f} s")) from error
        if code:
            raise ProcessFailed(self.explain(self._cause()))

    async def stop(self) -> None:
        """Ends the program and everything in its group; returns when it is gone. A repeat is harmless."""
        if not self.running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.program.grace + KILL_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def kill(self) -> None:
        """Ends a program that does not listen, and everything in its group, at once. A repeat is harmless."""
        if self.running and self.pid:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()

    def explain(self, what: str = "") -> str:
        """A sentence on what the program did, by default on how it ended, with its log and the last lines of it."""
        lines = last_lines(self.program.log, self._log_bytes)
        return f"{self.program.name} {what or self._cause()}. Its log is {self.program.log}" + (
            ", which ends with:\n" + "\n".join(f"    {line}" for line in lines) if lines else " (it wrote nothing)."
        )

    def _cause(self) -> str:
        return cause(self._process.returncode or 0, memory_kills() - self._memory_kills)
