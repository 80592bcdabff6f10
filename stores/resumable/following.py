"""The bytes of a live upload in their order, as they come: from parts, from pieces, and in the end from the object.

Only what counts is read, so what was read once is what will be in the object. While it is read pieces become parts and
parts the object; whoever comes too late for one finds the same bytes in the next.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import accumulate

from schemas.failures import Retryable
from stores import keys
from stores.objects import ObjectMissing, Objects
from stores.resumable.arrival import Arrival
from stores.resumable.arrivals import Arrivals

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 60.0
"""How long something may be missing that counts: between pieces and object there may be a large part to be stored."""


class Following:
    """One reader of one upload. `read` counts the bytes that were handed out, `ended` says that no more will come."""

    def __init__(self, objects: Objects, arrivals: Arrivals, recording_id: str) -> None:
        self._objects, self._arrivals = objects, arrivals
        self._id = recording_id
        self._missed_at: float | None = None
        self.read = 0
        self.ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, from the first on; ends when the upload has ended and all were handed out.

        Raises StoreUnavailable; Retryable (source_unreadable) where something that counts is not there.
        """
        while not self.ended:
            arrival = await self._arrivals.get(self._id)
            try:
                async for chunk in self._rest_of(arrival) if arrival else self._rest_of_object():
                    self.read += len(chunk)
                    self._missed_at = None
                    yield chunk
            except ObjectMissing:
                self._miss()
            else:
                self.ended = arrival is None or (arrival.whole and self.read == arrival.length)
            if not self.ended:
                await asyncio.sleep(_LOOK_SECONDS)

    async def over(self) -> bool:
        """Whether the upload has ended, however much of it was handed out."""
        arrival = await self._arrivals.get(self._id)
        return arrival is None or arrival.whole

    def _miss(self) -> None:
        self._missed_at = self._missed_at or time.monotonic()
        if time.monotonic() - self._missed_at > _PATIENCE_SECONDS:
            raise Retryable("source_unreadable", "What has come of the upload cannot be read.")

    async def _rest_of(self, arrival: Arrival) -> AsyncIterator[bytes]:
        """What follows the bytes that were read, as far as it counts."""
        end = 0
        for key, start, size in _objects_of(arrival):
            begin, end = end, end + size
            if end > self.read:
                skipped = self.read - begin
                async for chunk in self._from(key, start + skipped, size - skipped):
                    yield chunk

    async def _rest_of_object(self) -> AsyncIterator[bytes]:
        """What follows in the finished object."""
        stat = await self._objects.stat(keys.original(self._id))
        if stat is None:
            raise ObjectMissing(self._id)
        if stat.size_bytes > self.read:
            async for chunk in self._from(keys.original(self._id), self.read):
                yield chunk

    async def _from(self, key: str, start: int, length: int | None = None) -> AsyncIterator[bytes]:
        async with self._objects.open(key, start, length) as body:
            async for chunk in body:
                yield chunk


def _objects_of(arrival: Arrival) -> list[tuple[str, int, int]]:
    """The keys of what can be read, in order, with where in each it begins and how long it is.

    What a reopened recording began with lies in its object, whether that is still the old one or the new, longer one.
    """
    copied = arrival.parts[: arrival.reopened or 0]
    starts = accumulate((part.size for part in copied), initial=0)
    begun = [(keys.original(arrival.id), start, part.size) for start, part in zip(starts, copied, strict=False)]
    kept = [(keys.kept_part(arrival.id, part.number), 0, part.size) for part in arrival.parts[len(copied) :]]
    return begun + kept + [(keys.piece(arrival.id, piece.name), 0, piece.size) for piece in arrival.tail]
