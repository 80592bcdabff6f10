"""Sends the plan's uploads at their times, each on its own, and keeps what became of them at the door."""

import asyncio
import time
from dataclasses import dataclass

from bench.chaos.caller import Caller, GaveUp
from bench.chaos.clips import Clip
from bench.chaos.doors import DOORS, Accepted, Refused
from bench.chaos.plan import Plan, Upload


@dataclass(frozen=True)
class Sent:
    """An upload and what the door said: an Accepted, a Refused, or why the client gave up."""

    upload: Upload
    clip: Clip
    answer: Accepted | Refused | str


class Uploader:
    """Everything that was sent so far is in `sent`."""

    def __init__(self, callers: list[Caller], clips: dict[str, Clip]) -> None:
        self._callers = callers
        self._clips = clips
        self.sent: list[Sent] = []
        self.started = 0

    async def send_all(self, plan: Plan) -> None:
        """Returns when the last one was accepted, refused or given up."""
        begin = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for upload in plan.uploads:
                await asyncio.sleep(max(0.0, begin + upload.at - time.monotonic()))
                group.create_task(self.send(upload))

    async def send(self, upload: Upload) -> Sent:
        """Sends one."""
        clip = self._clips[upload.clip]
        self.started += 1
        answer: Accepted | Refused | str
        try:
            answer = await DOORS[upload.door](self._callers[upload.caller], clip)
        except GaveUp as error:
            answer = str(error)
        self.sent.append(Sent(upload, clip, answer))
        return self.sent[-1]
