"""The heartbeat of a worker process: every two seconds it says that it lives, and how its stages are.

In the same breath it reads which stages were told to go on. A store that is away stops neither the heart nor the work:
what could not be said is said at the next beat.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from schemas.failures import Retryable
from schemas.release import release
from schemas.time import now
from schemas.workers import StageCondition, StageState, Worker
from stores.workers import Workers
from streams import metrics
from streams.breaker import Breaker

log = structlog.get_logger(__name__)

BEAT_SECONDS = 2.0
_SWEEP_BEATS = 30


class Hosted(Protocol):
    """A stage that this process hosts: its name, how many steps it may run and runs, what waits, and its breaker."""

    @property
    def stage_name(self) -> str: ...  # noqa: D102
    @property
    def slots(self) -> int: ...  # noqa: D102
    @property
    def running(self) -> int: ...  # noqa: D102
    @property
    def waiting_since(self) -> datetime | None: ...  # noqa: D102
    @property
    def waiting_jobs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def breaker(self) -> Breaker: ...  # noqa: D102


class Heartbeat:
    """Beats for as long as it runs. Cancel it to end it: the worker then takes itself off the list, if it can."""

    def __init__(self, workers: Workers, owner: str, hosted: Sequence[Hosted]) -> None:
        self._workers = workers
        self._owner = owner
        self._hosted = hosted
        self._started_at = now()
        self._heeded: dict[str, datetime] | None = None
        self._beats = 0

    async def run(self) -> None:
        """Beats again and again. Raises nothing but CancelledError."""
        try:
            while True:
                await self._try_beat()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            await self._sign_off()

    async def beat(self) -> None:
        """Heeds what stages were told, then says how this worker is. Raises StoreUnavailable."""
        metrics.SEEN.set_to_current_time()
        for hosted in self._hosted:
            stopped = hosted.breaker.state().state is not StageCondition.WORKING
            metrics.STAGE_STOPPED.labels(hosted.stage_name).set(stopped)
        self._heed(await self._workers.resumed())
        await self._workers.seen(self._worker())
        self._beats += 1
        if self._beats % _SWEEP_BEATS == 1:
            await self._workers.sweep(now())

    async def _try_beat(self) -> None:
        try:
            await self.beat()
        except Retryable as error:
            log.warning("heartbeat not written", error=str(error))
        except Exception:  # a heart that stumbles must not end the work
            log.exception("heartbeat failed")

    async def _sign_off(self) -> None:
        try:
            await self._workers.remove(self._owner)
        except Retryable as error:
            log.info("worker left on the list until it is forgotten", error=str(error))

    def _heed(self, resumed: dict[str, datetime]) -> None:
        """A stage goes on once for every time that it is told to; what was told before the first beat is old."""
        before = resumed if self._heeded is None else self._heeded
        self._heeded = resumed
        for hosted in self._hosted:
            if resumed.get(hosted.stage_name) != before.get(hosted.stage_name):
                hosted.breaker.resume()

    def _worker(self) -> Worker:
        at = now()
        return Worker(
            id=self._owner,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=release(),
            stages={hosted.stage_name: _state(hosted, at) for hosted in self._hosted},
            started_at=self._started_at,
            seen_at=at,
        )


def _state(hosted: Hosted, at: datetime) -> StageState:
    standing = hosted.breaker.state()
    return StageState(
        slots=hosted.slots,
        running=hosted.running,
        state=standing.state,
        since=at - timedelta(seconds=standing.seconds),
        reason=standing.reason,
        failed_share=round(standing.failed_share, 3),
        waiting_since=hosted.waiting_since,
        waiting_jobs=hosted.waiting_jobs,
    )
