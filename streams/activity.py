"""Activity, kept up to date from the public facts: a subscriber of the topics, as any downstream team could write one.

Facts are taken in groups: what has come while the last group was being counted. A message is acknowledged after it is
counted, and counting knows what it has had, so a worker that dies loses nothing and counts nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from pydantic import ValidationError

from schemas.events import read_event
from stores.activity import Activity, Fact
from streams.runner import Message
from streams.waiting import until_stores_answer

log = structlog.get_logger(__name__)

_MOST = 500
"""Messages that wait here, and that are counted together."""
_PAUSE_SECONDS = 0.5
"""Between two groups, so that busy accounts are written now and then, and not at every fact."""


class ActivityLog:
    """Counts what happens, for as long as messages come."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    async def consume(self, messages: AsyncIterator[Message], ack: Callable[[Any], Awaitable[Any]]) -> None:
        """Takes messages for as long as there are any. What is not counted when it is cancelled comes again."""
        waiting: asyncio.Queue[Message] = asyncio.Queue(_MOST)
        keeping = asyncio.create_task(self._keep(waiting, ack))
        try:
            async for message in messages:
                await waiting.put(message)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self, waiting: "asyncio.Queue[Message]", ack: Callable[[Any], Awaitable[Any]]) -> None:
        while True:
            group = [await waiting.get()]
            while not waiting.empty():
                group.append(waiting.get_nowait())
            await self._count(group)
            for message in group:
                await ack(message)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _count(self, group: list[Message]) -> None:
        facts = [fact for message in group if (fact := _fact(message)) is not None]
        try:
            await until_stores_answer(lambda: self._activity.add(facts))
        except Exception:  # a day that cannot be read must not stop the days of everybody else
            log.exception("activity not counted", events=[fact.event.id for fact in facts])


def _fact(message: Message) -> Fact | None:
    """The message's event; None for one that is none: the stages bury it."""
    place = message.message
    try:
        event = read_event(message.value)
    except ValidationError:
        log.debug("no event", topic=place.topic, partition=place.partition, offset=place.offset)
        return None
    return Fact(event, f"{place.topic.rsplit('.', 1)[-1]}-{place.partition}", place.offset)
