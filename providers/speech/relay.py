"""Live speech by one provider, and by another one from where the first has failed: no word is lost, none comes twice.

What the first had made final stays. The sound after that, which it keeps for its own new connections, goes to the
second, and then all that follows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from providers.speech.deepgram_live import DeepgramListener, DeepgramLive
from providers.speech.live import Draft, Final, Listener, LiveSpeech, Relieved
from schemas.failures import StepFailure


class Relay:
    """Live speech by `first`; by `second` once a listener of that has given up for a reason of its provider."""

    def __init__(self, first: DeepgramLive, second: LiveSpeech) -> None:
        self._first, self._second = first, second
        self.name = first.name

    @asynccontextmanager
    async def listen(self, *, start: float = 0.0, first_id: int = 0) -> AsyncIterator["RelayListener"]:
        """See LiveSpeech."""
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._first.listen(start=start, first_id=first_id))
            yield RelayListener(first, self._second, stack)


class RelayListener:
    """See Listener."""

    def __init__(self, first: DeepgramListener, relief: LiveSpeech, stack: AsyncExitStack) -> None:
        self._first, self._relief, self._stack = first, relief, stack
        self._second: Listener | None = None
        self._turning = asyncio.Lock()

    async def feed(self, pcm: bytes) -> None:
        """See Listener."""
        if self._second is not None:
            await self._second.feed(pcm)
            return
        try:
            await self._first.feed(pcm)
        except StepFailure as failure:
            await self._relieve(failure)

    async def heard(self) -> AsyncIterator[Draft | Final | Relieved]:
        """See Listener; and once, between the last segment of the first and what the second hears: Relieved."""
        try:
            async for first in self._first.heard():
                yield first
        except StepFailure as failure:
            second = await self._relieve(failure)
            yield Relieved(provider=self._relief.name, code=failure.code, detail=failure.detail)
        else:
            return
        async for said in second.heard():
            yield said

    async def end(self) -> None:
        """See Listener."""
        second = self._second
        if second is None:
            try:
                await self._first.end()
            except StepFailure as failure:
                second = await self._relieve(failure)
        if second is not None:
            await second.end()

    async def _relieve(self, failure: StepFailure) -> Listener:
        """The second, which has been given all that the first still keeps. Raises a failure that is no provider's."""
        if not failure.by_provider:
            raise failure
        async with self._turning:
            left = self._first.left()
            second = self._second
            if second is None:
                relief = self._relief.listen(start=left.start, first_id=left.first_id)
                second = await self._stack.enter_async_context(relief)
            await second.feed(left.pcm)
            self._second = second
        return second
