"""In which order a stage serves what waits for it: one caller after the other, each caller's own first come first.

So a thousand uploads of one do not hold up the first of another. What waits here is not acknowledged on Kafka.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by caller. Holds at most `most`: `put` waits for room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """What waits, in no order."""
        return chain.from_iterable(self._waiting.values())

    async def put(self, caller: str, item: T) -> None:
        """Adds an item of the caller. Waits while the queue is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._count < self._most)
            self._waiting.setdefault(caller, deque()).append(item)
            self._count += 1
            self._changed.notify_all()

    async def get(self) -> T:
        """The next item: of the caller whose turn it is. Waits while there is none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._count > 0)
            caller, items = self._waiting.popitem(last=False)
            item = items.popleft()
            if items:
                self._waiting[caller] = items
            self._count -= 1
            self._changed.notify_all()
            return item


class Acks:
    """Acknowledges messages of a partition in their order, however out of order they are done.

    Faust commits what follows the highest acknowledged offset, although an earlier one may still be in somebody's
    hands; so an offset is acknowledged only when all before it are.
    """

    def __init__(self, ack: Callable[[Any], Awaitable[Any]]) -> None:
        self._ack = ack
        self._open: dict[tuple[str, int], OrderedDict[int, tuple[Any, bool]]] = {}

    def took(self, message: Any) -> None:
        """A message was taken. One from before those that are open says that the partition was read anew."""
        place = message.message
        taken = self._open.setdefault((place.topic, place.partition), OrderedDict())
        if taken and place.offset <= next(reversed(taken)):
            taken.clear()
        taken[place.offset] = (message, False)

    def holds(self, message: Any) -> bool:
        """Whether the message was taken, and neither done nor read anew since."""
        place = message.message
        return self._open.get((place.topic, place.partition), {}).get(place.offset, (None, True)) == (message, False)

    async def done(self, message: Any) -> None:
        """A message needs nothing more. Harmless for one that somebody else has been given meanwhile."""
        place = message.message
        taken = self._open.get((place.topic, place.partition), OrderedDict())
        if taken.get(place.offset, (None, False))[0] is not message:
            return
        taken[place.offset] = (message, True)
        while taken and next(iter(taken.values()))[1]:
            _, (first, _) = taken.popitem(last=False)
            await self._ack(first)
