"""The beginning of a live recording: its first bytes are durable, so its job is made, and watchers can watch it.

Nothing here keeps the upload back: what fails is tried again with the next request, and an upload that never becomes
live is taken in at its end like any other.
"""

from collections import OrderedDict

import structlog
from aiohttp import web

from api.intake import settle
from api.keys import ADMISSION, JOBS, RECORDINGS, SETTINGS
from schemas.problems import Problem
from schemas.recordings import Recording
from stores.errors import StoreUnavailable, promptly
from stores.intake import RecordingGone, go_live
from stores.resumable import Arrival

log = structlog.get_logger(__name__)

_KNOWN = 4096


class Beginnings:
    """Makes the jobs of live recordings, each once in this process."""

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._begun: OrderedDict[str, None] = OrderedDict()

    async def begin(self, upload: Arrival) -> None:
        """Sees to it that the job of a live upload is there, as far as that can be had within a moment."""
        if upload.id in self._begun:
            return
        try:
            async with promptly():
                await self._begin(upload)
        except (Problem, RecordingGone, StoreUnavailable) as error:
            log.info("a recording is not live yet", recording_id=upload.id, reason=str(error))

    async def begin_again(self, recording: Recording) -> None:
        """As `begin`, for a recording that was reopened and has no job yet under its new id."""
        try:
            async with promptly():
                await self._go_live(recording)
        except (Problem, RecordingGone, StoreUnavailable) as error:
            log.info("a reopened recording is not live yet", recording_id=recording.id, reason=str(error))

    async def _begin(self, upload: Arrival) -> None:
        app = self._app
        recording = await app[RECORDINGS].get(upload.id)
        if recording is None:
            raise RecordingGone(upload.id)
        if await app[JOBS].get(recording.job_id) is None:
            await self._go_live(recording)
        self._begun[upload.id] = None
        while len(self._begun) > _KNOWN:
            self._begun.popitem(last=False)

    async def _go_live(self, recording: Recording) -> None:
        app = self._app
        async with app[ADMISSION].place(recording.owner_id):
            job = await go_live(app[JOBS], app[RECORDINGS], recording, app[SETTINGS].step_attempts)
        await settle(app, job, whole=False)
        log.info("a recording is live", recording_id=recording.id, job_id=job.id)
