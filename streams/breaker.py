"""The breaker of a stage: where too large a share of the newest attempts fails, the stage takes nothing up any more.

What counts is `stage_fault` in schemas/problems: failures that speak against the stage, its machine or its provider. A
broken file says nothing, and neither does a store that is away: such an attempt is as if it had not been. A stopped
stage lets what is in work end, and after a pause takes up a single attempt: the probe. Whatever is the only attempt out
once the pause is over decides: when it succeeds the stage works again, when it fails the pause doubles.

Pure but for its log lines: it knows no store and no stage, and time comes from outside.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from schemas.problems import CODES
from schemas.settings import Settings
from schemas.workers import StageCondition

log = structlog.get_logger(__name__)

WINDOW = 20
"""How many of the newest attempts are looked at."""
FEWEST = 10
"""With fewer than these nothing is concluded."""
LONGEST_PAUSE = 16
"""The pause doubles up to so many times STAGE_PROBE_SECONDS."""
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Standing:
    """How a stage is in this process: for `seconds` it has worked or not; `reason` says why it does not."""

    state: StageCondition
    seconds: float
    failed_share: float
    reason: str | None = None


class Breaker:
    """Of one stage in one process. Every `admitted` is followed by exactly one `ended` or `unused`.

    Not for threads: everything happens on the event loop.
    """

    def __init__(self, stage: str, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._share = settings.stage_failure_share
        self._probe_seconds = settings.stage_probe_seconds
        self._pause = self._probe_seconds
        self._window: deque[str | None] = deque(maxlen=WINDOW)
        self._out = 0
        self._state = StageCondition.WORKING
        self._since = self._probe_at = clock()
        self._reason: str | None = None
        self._changed = asyncio.Event()
        self._log = log.bind(stage=stage)

    async def admitted(self) -> None:
        """Returns when one more attempt may be taken up: at once, unless the stage is stopped. May be cancelled."""
        while not self.admits():
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._changed.wait()

    def admits(self) -> bool:
        """Takes up one more attempt, if one may be taken up now; whether that is so."""
        if self._state is not StageCondition.WORKING:
            if self._out or not self._pause_over():
                return False
            self._state = StageCondition.PROBING
        self._out += 1
        return True

    def ended(self, code: str | None) -> None:
        """An attempt has ended: None for a success, else the code of its failure."""
        self._out -= 1
        if code is not None and not _speaks_against_stage(code):
            self._handed_back()
        elif self._decides():
            self._recover("its probe succeeded") if code is None else self._stop_again(code)
        elif self._state is StageCondition.WORKING:
            self._window.append(code)
            if code is not None:
                self._judge()

    def unused(self) -> None:
        """What was admitted came to nothing: there was nothing to do, or the attempt was taken away or given back."""
        self._out -= 1
        self._handed_back()

    def resume(self) -> None:
        """The stage works again, with nothing held against it: somebody says so. Harmless for one that works."""
        if self._state is not StageCondition.WORKING:
            self._recover("it was told to")

    def state(self) -> Standing:
        """How the stage is now."""
        share = self._failed() / len(self._window) if self._window else 0.0
        return Standing(self._state, self._clock() - self._since, share, self._reason)

    def _decides(self) -> bool:
        """Whether the attempt that has just ended is the probe."""
        if self._state is StageCondition.PROBING:
            return True
        return self._state is StageCondition.STOPPED and self._out == 0 and self._pause_over()

    def _handed_back(self) -> None:
        """A probe that said nothing: the next attempt is one."""
        if self._state is StageCondition.PROBING:
            self._state = StageCondition.STOPPED
        self._changed.set()

    def _judge(self) -> None:
        failed, of = self._failed(), len(self._window)
        if of >= FEWEST and failed / of > self._share:
            codes = Counter(code for code in self._window if code is not None)
            told = ", ".join(f"{code} {times}" for code, times in codes.most_common())
            self._reason = f"{failed} of the newest {of} attempts failed: {told}."
            self._since = self._clock()
            self._stop()
            self._log.error("stage stopped", reason=self._reason, probe_in=self._pause)

    def _stop_again(self, code: str) -> None:
        self._pause = min(2 * self._pause, LONGEST_PAUSE * self._probe_seconds)
        self._stop()
        self._log.warning("stage stays stopped: its probe failed", code=code, probe_in=self._pause)

    def _recover(self, why: str) -> None:
        self._window.clear()
        self._pause, self._reason = self._probe_seconds, None
        self._state, self._since = StageCondition.WORKING, self._clock()
        self._changed.set()
        self._log.warning("stage goes on", why=why)

    def _stop(self) -> None:
        self._state, self._probe_at = StageCondition.STOPPED, self._clock() + self._pause

    def _pause_over(self) -> bool:
        return self._clock() >= self._probe_at

    def _failed(self) -> int:
        return sum(code is not None for code in self._window)


def _speaks_against_stage(code: str) -> bool:
    return CODES[code].stage_fault if code in CODES else True
