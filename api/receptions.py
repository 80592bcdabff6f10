"""Who is in the middle of sending to this process: one request an upload at a time.

A client whose connection died does not know that the request before still waits here. So whoever comes back ends one
that has heard nothing for a few seconds, or whose connection is known to be gone; of two that really send, the second
is turned away. Between processes the upload's document does the same (stores/resumable).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from api.checksums import Checksum
from api.flow import Room
from api.metrics import Metrics
from api.reception import Content, Reception
from schemas.problems import Problem
from schemas.settings import Settings
from stores.resumable import Arrival, Assembly

_PATIENCE_SECONDS = 5.0
"""How long somebody waits for the end of a request that is about to end."""


@dataclass
class _Sender:
    request: web.Request
    reception: Reception
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lost(self) -> bool:
        """Whether its connection is gone."""
        return self.request.transport is None or self.request.transport.is_closing()

    def end(self) -> None:
        """Breaks its connection off: what came is kept as always."""
        if self.request.transport:
            self.request.transport.abort()


class Receptions:
    """The requests that send to uploads."""

    def __init__(
        self, assembly: Assembly, settings: Settings, metrics: Metrics, began: Callable[[Arrival], Awaitable[None]]
    ) -> None:
        self._assembly = assembly
        self._began = began
        self._seconds = settings.resumable_upload_hours * 3600
        self._metrics = metrics
        self._room = Room()
        self._senders: dict[str, _Sender] = {}

    @property
    def expiry_seconds(self) -> float:
        """How long an upload lasts after the last bytes."""
        return self._seconds

    def sending(self, upload_id: str) -> Reception | None:
        """What is being received for the upload at this moment."""
        sender = self._senders.get(upload_id)
        return sender.reception if sender else None

    async def calm(self, upload_id: str) -> None:
        """Ends a sender that is not there any more, and waits for one that is about to end."""
        sender = self._senders.get(upload_id)
        if sender is None or not (sender.lost or sender.reception.stale):
            return
        sender.end()
        await _ended(sender)

    async def admit(self, upload_id: str) -> None:
        """Returns when nobody else sends. Raises Problem upload_locked."""
        await self.calm(upload_id)
        if upload_id in self._senders:
            raise Problem("upload_locked", "Another request is in the middle of it.", retry_after=1)

    async def stop(self, upload_id: str) -> None:
        """Ends a sender, whatever it does."""
        if sender := self._senders.get(upload_id):
            sender.end()
            await _ended(sender)

    async def take(
        self,
        request: web.Request,
        upload: Arrival,
        *,
        size: int | None,
        most: int,
        check: Checksum | None,
        content: Content | None = None,
    ) -> Arrival:
        """Takes in a request's body, or `content`: see Reception.take. Raises Problem upload_locked, too."""
        await self.admit(upload.id)
        reception = Reception(
            self._assembly,
            self._room,
            upload,
            size=size,
            most=most,
            seconds=self._seconds,
            check=check,
            began=self._began,
        )
        sender = self._senders[upload.id] = _Sender(request, reception)
        try:
            return await reception.take(content or request.content)
        finally:
            self._metrics.upload_bytes.inc(reception.came)
            del self._senders[upload.id]
            sender.done.set()


async def _ended(sender: _Sender) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await sender.done.wait()
    except TimeoutError as error:
        raise Problem("upload_locked", "Another request is still being stored.", retry_after=2) from error
