"""Kills, stops and continues processes of the platform, by the plan. Only what this very run has started is ever hit:
each process is looked up by its id, and has to descend from ours, at the moment of the blow.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil

from bench.chaos.plan import Blow, Plan, Strike
from deploy.platform import Platform

CHILD = "media child"
"""A child process of any worker: it decodes, or transcribes, or waits for work."""

TARGETS = ("API", "worker 1", "worker 2", CHILD, "Kafka", "document store", "object store")

Say = Callable[[str], None]


class Striker:
    """What was hit, by target and blow, is in `hits`; what was not there to be hit in `missed`."""

    def __init__(self, platform: Platform, say: Say) -> None:
        self._platform = platform
        self._say = say
        self._ours = psutil.Process()
        self._stopped: set[asyncio.Task[None]] = set()
        self.hits: Counter[tuple[str, Blow]] = Counter()
        self.missed: Counter[str] = Counter()

    async def strike_all(self, plan: Plan) -> None:
        """Deals every blow at its time; at the end, however it comes, everything that was stopped goes on."""
        begin = time.monotonic()
        try:
            for strike in plan.strikes:
                await asyncio.sleep(max(0.0, begin + strike.at - time.monotonic()))
                await self._deal(strike)
            await asyncio.gather(*self._stopped)
        finally:
            for task in list(self._stopped):
                task.cancel()
            await asyncio.gather(*self._stopped, return_exceptions=True)

    async def _deal(self, strike: Strike) -> None:
        try:
            process = await asyncio.to_thread(self._find, strike)
            if process is None:
                self.missed[strike.target] += 1
            elif strike.blow is Blow.KILL:
                process.kill()
                self._note(strike, process)
            else:
                process.suspend()
                self._note(strike, process)
                self._let_go_on(process, strike.seconds)
        except psutil.NoSuchProcess:
            self.missed[strike.target] += 1

    def _note(self, strike: Strike, process: psutil.Process) -> None:
        self.hits[strike.target, strike.blow] += 1
        length = f" for {strike.seconds:g} s" if strike.seconds else ""
        self._say(f"{strike.target} (process {process.pid}) {strike.blow}{length}")

    def _find(self, strike: Strike) -> psutil.Process | None:
        """The process that is to be hit; None when there is none now. Raises NoSuchProcess when it has just ended."""
        running = {one.name: psutil.Process(one.pid) for one in self._platform.processes()}
        if strike.target == CHILD:
            workers = [process for name, process in running.items() if name.startswith("worker")]
            found = [child for worker in workers for child in worker.children(recursive=True)]
        else:
            found = [running[strike.target]] if strike.target in running else []
        mine = [process for process in found if self._ours in process.parents()]
        if strike.blow is Blow.STOP:  # one that is stopped is not stopped twice: it would go on too early
            mine = [process for process in mine if process.status() != psutil.STATUS_STOPPED]
        return mine[int(strike.share * len(mine))] if mine else None

    def _let_go_on(self, process: psutil.Process, seconds: float) -> None:
        task = asyncio.create_task(_continued(process, seconds))
        self._stopped.add(task)
        task.add_done_callback(self._stopped.discard)


async def _continued(process: psutil.Process, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()
