"""The face of every live speech-to-text provider: sound goes in while it is being made, drafts and final segments out.

Positions are seconds from the start of the recording: the first sample that is fed lies at the `start` with which the
listener was opened. One that takes over in the middle of a recording is opened with where its sound begins, and with
the id that its first segment is to have.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pydantic import Field

from schemas.failures import StepFailure
from schemas.model import Frozen
from schemas.transcripts import Segment

_MOST_WAITING = 1000


class Draft(Frozen):
    """What is being said, as far as it is understood. Replaces the draft before; a Final ends it."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    text: str


class Final(Frozen):
    """A segment that will not change any more. `language` is a BCP 47 tag of all that was said so far."""

    segment: Segment
    language: str


class Relieved(Frozen):
    """From here on `provider` listens, since another has failed: `code` and `detail` say at what."""

    provider: str
    code: str
    detail: str


class Listener(Protocol):
    """Listens to one recording. One task feeds it and another one reads what it heard."""

    async def feed(self, pcm: bytes) -> None:
        """Takes the next sound: signed 16-bit little-endian mono at 16 kHz, cut anywhere, silence included.

        Waits while the provider is behind. Raises what heard() raises, once the listener has failed.
        """

    def heard(self) -> AsyncIterator[Draft | Final | Relieved]:
        """Each final segment, in order and once, and the newest draft: older ones that nobody read are left out.

        Ends after end(), when everything is final. Raises Retryable and Permanent, the final segments before it: what
        they cover is done, and a listener of another provider can be opened for the sound after them. To be read by
        one reader, once.
        """

    async def end(self) -> None:
        """No more sound comes. Returns when everything is final, whether it was read yet or not.

        Raises what heard() raises. Harmless when repeated.
        """


class LiveSpeech(Protocol):
    """One way of turning speech into text while it is being said. Safe to share between tasks."""

    @property
    def name(self) -> str:
        """The provider's name as a transcript carries it."""

    def listen(self, *, start: float = 0.0, first_id: int = 0) -> AbstractAsyncContextManager[Listener]:
        """A listener whose first sample lies at `start` seconds, and whose first segment has the id `first_id`.

        Leaving the block ends its work at once and closes whatever it opened.
        """


class Said:
    """What a listener heard and nobody read yet: the final segments, and the newest draft after them."""

    def __init__(self) -> None:
        self._finals: deque[Final] = deque()
        self._draft: Draft | None = None
        self._ended = False
        self._failure: StepFailure | None = None
        self._changed = asyncio.Condition()

    @property
    def failure(self) -> StepFailure | None:
        """Why nothing more comes, where it is not the end."""
        return self._failure

    async def put(self, said: Draft | Final) -> None:
        """Adds it. A Final waits while far too many have not been read."""
        async with self._changed:
            if isinstance(said, Final):
                await self._changed.wait_for(lambda: len(self._finals) < _MOST_WAITING)
                self._finals.append(said)
                self._draft = None
            else:
                self._draft = said
            self._changed.notify_all()

    async def close(self, failure: StepFailure | None = None) -> None:
        """Nothing more comes: everything was said, or it failed. The first time counts."""
        async with self._changed:
            if not self._ended:
                self._ended, self._failure = True, failure
            self._changed.notify_all()

    async def closed(self) -> None:
        """Returns when nothing more comes. Raises the failure."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended)
        if self._failure is not None:
            raise self._failure

    async def read(self) -> AsyncIterator[Draft | Final]:
        """See Listener.heard."""
        while (said := await self._next()) is not None:
            yield said
        if self._failure is not None:
            raise self._failure

    async def _next(self) -> Draft | Final | None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._finals or self._draft or self._ended)
            said: Draft | Final | None
            if self._finals:
                said = self._finals.popleft()
            else:
                said, self._draft = self._draft, None
            self._changed.notify_all()
            return said
