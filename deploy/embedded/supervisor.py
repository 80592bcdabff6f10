"""Keeps one program running: started again after a death, with growing pauses, until it dies too often in a row.

A program that lives but does not answer any more is ended, and counts as dead.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from deploy.embedded.failures import EmbeddedError
from deploy.embedded.process import Child, Running

STEADY_SECONDS = 10.0
"""Whoever was up for this long died of something new: the count of deaths in a row starts again."""
DEATHS_IN_A_ROW = 12
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
QUESTION_PAUSE_SECONDS = 5.0
ANSWER_SECONDS = 10.0
QUESTIONS_IN_A_ROW = 8
"""So a program is silent for two minutes before it is taken for dead. A machine with far too much to do starves a
server for half a minute, and would not be helped by another start of it.
"""
LINE_LENGTH = 200

Launch = Callable[[], Awaitable[Child]]
Answers = Callable[[float], Awaitable[bool]]
Say = Callable[[str], None]


class Supervisor:
    """One program. `launch` starts it and returns when it is ready; `say` gets a line for the person each death.

    `answers` asks whether it does its work, and comes back after about as many seconds as it is given; without it the
    program is not asked.
    """

    def __init__(self, launch: Launch, say: Say, answers: Answers | None = None) -> None:
        self._launch = launch
        self._say = say
        self._answers = answers
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def running(self) -> Running | None:
        """The program, while it runs; None before it is ready and after it died."""
        child = self._child
        return Running(child.program.name, child.pid) if child and child.running else None

    async def start(self) -> None:
        """Launches the program for the first time, and watches it from then on. Raises what `launch` raises."""
        self._child = await self._launch()
        self._keeping = asyncio.create_task(self._keep())

    async def gave_up(self) -> None:
        """Waits for as long as the program can be kept running; raises EmbeddedError when it cannot."""
        assert self._keeping, "start() comes first"
        await asyncio.shield(self._keeping)

    async def stop(self) -> None:
        """Stops the program for good. A repeat is harmless."""
        if self._keeping:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError, EmbeddedError):
                await self._keeping
        if self._child:
            await self._child.stop()

    async def _keep(self) -> None:
        deaths = 0
        while True:
            reason, lived = await self._live()
            deaths = 1 if lived > STEADY_SECONDS else deaths + 1
            if deaths > DEATHS_IN_A_ROW:
                raise EmbeddedError(f"Giving up after {deaths} deaths in a row: {reason}")
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (deaths - 1), LONGEST_PAUSE_SECONDS)
            self._say(_news(reason, pause))
            await asyncio.sleep(pause)

    async def _live(self) -> tuple[str, float]:
        """One life, from the launch (if it is not running yet) to the death; what it died of, and its seconds."""
        loop = asyncio.get_running_loop()
        try:
            child = self._child or await self._relaunch()
            born = loop.time()
            reason = await self._death(child)
        except EmbeddedError as error:
            return str(error), 0.0
        self._child = None
        return reason, loop.time() - born

    async def _relaunch(self) -> Child:
        self._child = child = await self._launch()
        self._say(f"{child.program.name} has been started again")
        return child

    async def _death(self, child: Child) -> str:
        """Waits for it, or for a silence that is too long, which it then ends; the sentence on it."""
        ended, silent = asyncio.create_task(child.ended()), asyncio.create_task(self._silence())
        try:
            await asyncio.wait([ended, silent], return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return child.explain()
            reason = child.explain(f"has not answered for {silent.result():.0f} s")
            await child.kill()
            return reason
        finally:
            ended.cancel()
            silent.cancel()

    async def _silence(self) -> float:
        """Returns when the program has left several questions in a row unanswered: for how many seconds."""
        loop = asyncio.get_running_loop()
        unanswered, heard = 0, loop.time()
        while unanswered < QUESTIONS_IN_A_ROW:
            await asyncio.sleep(QUESTION_PAUSE_SECONDS)
            if self._answers is None or await self._answers(ANSWER_SECONDS):
                unanswered, heard = 0, loop.time()
            else:
                unanswered += 1
        return loop.time() - heard


def _news(reason: str, pause: float) -> str:
    """What a person is told: the first sentence of the reason, and the log's last line, which often says why."""
    what, _, more = reason.partition(". ")
    last = [f"    its log ends with: {line.strip()[:LINE_LENGTH]}" for line in more.splitlines()[1:][-1:]]
    return "\n".join((f"{what}; starting it again in {pause:g} s", *last))
