"""Where a watcher waits for news of one job: one place, in which the latest state replaces an older one."""

import asyncio
from typing import NamedTuple

from schemas.jobs import Job, JobView, view


class Frame(NamedTuple):
    """One state of a job, as the bytes that every watcher of it is sent."""

    version: int
    ended: bool
    body: bytes


def frame_of(job: Job | JobView) -> Frame:
    """The frame of a job's state. Made once an event, whatever the number of watchers."""
    shown = view(job) if isinstance(job, Job) else job
    return Frame(shown.version, shown.status.ended, shown.model_dump_json().encode())


class Slot:
    """Holds the newest frame that its watcher has not taken. Versions only grow; an ending is never replaced."""

    def __init__(self) -> None:
        self.seen = 0
        self._waiting: Frame | None = None
        self._news = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the service is shutting down: nothing more will come."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Offers a frame; one that is not newer than what was taken or waits is dropped. Never blocks."""
        held = self._waiting
        if frame.version <= max(self.seen, held.version if held else 0):
            return
        if held and held.ended and not frame.ended:
            return
        self._waiting = frame
        self._news.set()

    def close(self) -> None:
        """Wakes the watcher up for the last time."""
        self._closed = True
        self._news.set()

    async def take(self, seconds: float) -> Frame | None:
        """The newest frame as soon as there is one; None after `seconds` without, or when the slot is closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return None
        frame, self._waiting = self._waiting, None
        if not self._closed:
            self._news.clear()
        if frame is not None:
            self.seen = frame.version
        return frame
