"""In which order a stage serves what waits for it: one caller after the other, each caller's own first come first.

So a thousand uploads of one do not hold up the first of another. What waits here is not acknowledged on Kafka.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items by caller. Holds at most `most`: `put` waits for room.

    With a `share`, no more than so many items of one caller are out at a time: taken, and not let go of yet. The others
    wait, and who comes after them is served.
    """

    def __init__(self, most: int, share: int | None = None) -> None:
        self._most, self._share = most, share
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._out: Counter[str] = Counter()
        self._count = 0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        """What waits, in no order."""
        return chain.from_iterable(self._waiting.values())

    @property
    def ready(self) -> int:
        """How many items could be taken at once."""
        return sum(min(len(items), self.left(caller)) for caller, items in self._waiting.items())

    def left(self, caller: str) -> int:
        """How many more items of the caller may be out."""
        return self._most if self._share is None else max(self._share - self._out[caller], 0)

    async def put(self, caller: str, item: T) -> None:
        """Adds an item of the caller. Waits while the queue is full."""
        while self._count >= self._most:
            await self._change()
        self._waiting.setdefault(caller, deque()).append(item)
        self._count += 1
        self._changed.set()

    async def get(self) -> T:
        """The next item: of the caller whose turn it is. Waits while there is none that may be taken."""
        while (caller := self._next()) is None:
            await self._change()
        items = self._waiting.pop(caller)
        item = items.popleft()
        if items:
            self._waiting[caller] = items
        self._out[caller] += 1
        self._count -= 1
        self._changed.set()
        return item

    def let_go(self, caller: str) -> None:
        """An item of the caller is done with."""
        self._out -= Counter((caller,))  # which forgets who has none
        self._changed.set()

    def _next(self) -> str | None:
        return next((caller for caller in self._waiting if self.left(caller)), None)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


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
