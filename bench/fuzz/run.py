"""Runs broken files through real children with the product's limits, scaled down to a file of one second."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.fuzz.corpus import corpus
from bench.fuzz.mutations import broken
from bench.fuzz.work import chew
from providers.child import Children
from schemas.failures import StepFailure
from schemas.problems import CODES

MEMORY_MB = 512
CPU_SECONDS = 15
DECODED_BYTES = 1 << 30
LIMIT_SECONDS = 30.0
_SLACK_SECONDS = 30.0
_AT_ONCE = 2


@dataclass(frozen=True)
class Case:
    """One broken file and its way through the children. `ending`: by pass, or that of the whole child."""

    number: int
    how: str
    ending: dict[str, str]
    detail: str
    seconds: float
    data: bytes

    @property
    def wrong(self) -> str | None:
        """What must not be: a hang, a crash, an error that nobody foresaw, a code that is not in the table."""
        unknown = set(self.ending.values()) - set(CODES) - {"done"}
        if unknown:
            return f"ended with {', '.join(unknown)}, which is no code"
        if "child_crashed" in self.ending.values():
            return self.detail
        if self.seconds > LIMIT_SECONDS + _SLACK_SECONDS:
            return f"took {self.seconds:.0f} s"
        return None


async def fuzz(seed: int, numbers: Iterable[int]) -> AsyncIterator[Case]:
    """Every case by its number, two at a time, as they end. Case N of a seed is always the same."""
    with tempfile.TemporaryDirectory(prefix="tidemark-fuzz-") as name:
        folder = Path(name)
        files = await asyncio.to_thread(corpus, folder)
        children = Children(preload=("bench.fuzz.work",), spares=_AT_ONCE, memory_mb=MEMORY_MB, cpu_seconds=CPU_SECONDS)
        async with children:
            await children.warm()
            waiting = iter(numbers)
            ended: asyncio.Queue[Case | None] = asyncio.Queue()
            lanes = [asyncio.create_task(_lane(waiting, ended, children, seed, files, folder)) for _ in range(_AT_ONCE)]
            async for case in _until_all_are_through(ended, lanes):
                yield case


async def _until_all_are_through(
    ended: "asyncio.Queue[Case | None]", lanes: Sequence["asyncio.Task[None]"]
) -> AsyncIterator[Case]:
    running = len(lanes)
    try:
        while running:
            case = await ended.get()
            running -= case is None
            if case is not None:
                yield case
        await asyncio.gather(*lanes)
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


async def _lane(
    waiting: Iterable[int],
    ended: "asyncio.Queue[Case | None]",
    children: Children,
    seed: int,
    files: dict[str, bytes],
    folder: Path,
) -> None:
    try:
        for number in waiting:
            how, data = broken(Random(f"{seed}/{number}"), files)  # noqa: S311 - to be repeated, not secret
            await ended.put(await _case(children, number, how, data, folder))
    finally:
        await ended.put(None)


async def _case(children: Children, number: int, how: str, data: bytes, folder: Path) -> Case:
    source = folder / f"case-{number}"
    source.write_bytes(data)
    ending, detail, started = {}, "", time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as workdir:
        try:
            async for name, code in children.run(chew, source, Path(workdir), DECODED_BYTES, timeout=LIMIT_SECONDS):
                ending[name] = code
        except StepFailure as failure:
            ending["child"], detail = failure.code, failure.detail
    source.unlink()
    return Case(number, how, ending, detail, time.monotonic() - started, data)
