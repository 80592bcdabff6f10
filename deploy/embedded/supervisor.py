"""Keeps one program running: started again after a death, with growing pauses, until it dies too often in a row."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from deploy.embedded.failures import EmbeddedError
from deploy.embedded.process import Child

STEADY_SECONDS = 30.0
"""Whoever lived this long died of something new: the count of deaths in a row starts again."""
DEATHS_IN_A_ROW = 5
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0

Launch = Callable[[], Awaitable[Child]]
Say = Callable[[str], None]


class Supervisor:
    """One program. `launch` starts it and returns when it is ready; `say` gets a line for the person each death."""

    def __init__(self, launch: Launch, say: Say) -> None:
        self._launch = launch
        self._say = say
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None

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
        deaths, loop = 0, asyncio.get_running_loop()
        while True:
            born = loop.time()
            reason = await self._live()
            deaths = 1 if loop.time() - born > STEADY_SECONDS else deaths + 1
            if deaths > DEATHS_IN_A_ROW:
                raise EmbeddedError(f"Giving up after {deaths} deaths in a row: {reason}")
            pause = min(FIRST_PAUSE_SECONDS * 2 ** (deaths - 1), LONGEST_PAUSE_SECONDS)
            self._say(f"{reason.partition('. ')[0]}: starting it again in {pause:g} s")
            await asyncio.sleep(pause)

    async def _live(self) -> str:
        """One life, from the launch (if it is not running yet) to the death; says what it died of."""
        try:
            self._child = self._child or await self._launch()
            code = await self._child.ended()
            return self._child.explain(f"ended with exit code {code}")
        except EmbeddedError as error:
            return str(error)
        finally:
            if self._child and not self._child.running:
                self._child = None
