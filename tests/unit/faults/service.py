"""The API as a process on the ground: its handlers on the stores as it reaches them, until it dies."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from aiohttp import FormData, StreamReader, hdrs, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from api import keys
from api.admission import Admission
from api.metrics import Metrics
from api.progress import Progress
from stores.erasure import Erasures
from stores.uploads import Uploads
from tests.unit.faults.ground import Ground
from tests.unit.faults.mortal import Death, Mortal, living

Call = Callable[["Service"], Awaitable[Any]]


class Service:
    """One API process."""

    def __init__(self, ground: Ground, mortal: Mortal) -> None:
        self.ground, self.mortal = ground, mortal
        stores = ground.resources(mortal)
        self._app = web.Application()
        self._app[keys.SETTINGS] = ground.settings
        self._app[keys.JOBS], self._app[keys.RECORDINGS] = stores.jobs, stores.recordings
        self._app[keys.TRANSCRIPTS], self._app[keys.OBJECTS] = stores.transcripts, stores.objects
        self._app[keys.OUTBOX] = stores.outbox
        self._app[keys.ERASURES] = Erasures(ground.database)
        awaited = Uploads(ground.database).awaited_by_owner
        self._app[keys.ADMISSION] = Admission(ground.settings, stores.jobs.open_by_owner, awaited)
        self._app[keys.METRICS] = metrics = Metrics()
        self._app[keys.PROGRESS] = Progress(ground.settings, stores.jobs, metrics)

    def request(self, **path: str) -> web.Request:
        """A request of ada's, to a route with those names in its path."""
        return self._made("POST", path)

    def form(self, name: str, body: bytes, **path: str) -> web.Request:
        """One that sends a file."""
        form = FormData()
        form.add_field("file", body, filename=name)
        payload = form()
        stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
        written = bytearray()

        async def write(chunk: bytes) -> None:
            written.extend(chunk)

        async def send() -> None:
            await payload.write(SimpleNamespace(write=write))
            stream.feed_data(bytes(written))
            stream.feed_eof()

        self._sending = asyncio.create_task(send())
        return self._made("POST", path, headers={hdrs.CONTENT_TYPE: payload.content_type}, payload=stream)

    def _made(self, method: str, path: dict[str, str], **more: Any) -> web.Request:
        request = make_mocked_request(method, "/", app=self._app, match_info=path, **more)
        request[keys.CALLER] = "ada"
        return request


async def answered(ground: Ground, call: Call, end: float = float("inf")) -> tuple[Any, Mortal]:
    """What the call is answered, and the life of the API that it was made to. None where that died before."""
    mortal = Mortal(end)
    async with living():
        asked = asyncio.create_task(call(Service(ground, mortal)))
        try:
            answer = await asyncio.wait_for(asyncio.shield(_or_death(asked, mortal)), 30)
        except Death:
            answer = None
    return answer, mortal


async def _or_death(asked: "asyncio.Task[Any]", mortal: Mortal) -> Any:
    """A client hears of a death at once, though tasks of the dead may wait for ever."""
    while not asked.done():
        if mortal.dead:
            raise Death
        await asyncio.sleep(0)
    return asked.result()
