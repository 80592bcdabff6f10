"""Where a watcher waits for news of one job: one place, in which the latest state replaces an older one."""

import asyncio

from api.frames import Frame


class Slot:
    """Holds the newest frame that its watcher has not taken. Versions only grow; an ending is never replaced."""

    def __init__(self) -> None:
        self.seen = 0
        self.waiting: Frame | None = None
        self._news = asyncio.Event()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Offers a frame; one that is not newer than what was taken or waits is dropped. Never blocks."""
        if newer(frame, self.seen, self.waiting):
            self.waiting = frame
            self._news.set()

    def gone(self, job_id: str) -> None:  # noqa: ARG002 - there is but one
        """Sends the watcher away: the job is gone."""
        self.close()

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
        frame, self.waiting = self.waiting, None
        if not self._closed:
            self._news.clear()
        if frame is not None:
            self.seen = frame.version
        return frame


def newer(frame: Frame, seen: int, held: Frame | None) -> bool:
    """Whether a frame is to take the place of the one that is held, for a watcher who has seen that version."""
    if held is None:
        return frame.version > seen
    return frame.version > held.version and (frame.ended or not held.ended)
