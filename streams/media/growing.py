"""A recording that is still being made, into speech audio: one child process decodes it while it grows.

Nothing is written to disk. Between the recorder and the child, and between the child and the reader, little waits: who
is faster waits for the other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import structlog

from providers.child import Children
from providers.inlet import Inlet
from schemas.failures import Permanent, Retryable, StepFailure
from schemas.media import SPEECH_SAMPLE_RATE
from streams.media.following import CPU_SECONDS_A_MINUTE, follow
from streams.media.messages import LiveSound, LiveTracks

_SOUNDS_WAITING = 16

log = structlog.get_logger(__name__)


class Decoder:
    """Decodes one growing recording. One task feeds it, another one reads its sound."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._inlet = Inlet()
        self._sounds: asyncio.Queue[LiveSound | None] = asyncio.Queue(_SOUNDS_WAITING)
        self._samples = 0
        self._failure: StepFailure | None = None
        self.has_sound: bool | None = None
        """Whether the recording has a sound track; None until enough of it came to know."""

    async def feed(self, data: bytes) -> None:
        """Takes the next bytes of the recording, cut anywhere. Waits while the child is behind.

        Bytes after all sound has come out (there is none, or the child has failed: pcm() says why) are dropped.
        """
        await self._inlet.put(data)

    async def end(self) -> None:
        """The recording is complete: pcm() ends when all of it is decoded. Harmless when repeated."""
        await self._inlet.end()

    async def pcm(self) -> AsyncIterator[LiveSound]:
        """The sound, each piece as soon as it can be had; without holes: gaps in the recording's clock are silence.

        Sample N of all of it lies at N / SPEECH_SAMPLE_RATE seconds of the recording, as in the WAV that is made of the
        whole recording later. Ends after end(), or at once where there is no sound. Raises Permanent (not_media,
        no_streams, picture_too_large, media_too_long, undecodable, memory_limit, cpu_limit) or
        Retryable (child_crashed). To be read once.
        """
        while (sound := await self._sounds.get()) is not None:
            yield sound
        if self._failure is not None:
            raise self._failure

    async def work(self) -> None:
        """Runs the child to its end; cancelling kills it."""
        try:
            async with aclosing(self._children.run(follow, inputs=self._inlet.slices())) as messages:
                async for message in messages:
                    await self._take(message)
        except StepFailure as failure:
            self._failure = _explained(failure)
        except Exception:
            log.exception("decoding a growing recording broke off")
            self._failure = Retryable("child_crashed", "The decoder of the recording met an error that nobody foresaw.")
        finally:
            self._inlet.close()
        await self._sounds.put(None)

    def leave(self) -> None:
        """Nobody waits any more for what will not come."""
        while not self._sounds.empty():
            self._sounds.get_nowait()
        self._sounds.put_nowait(None)

    async def _take(self, message: object) -> None:
        """Believes the child no more than it must: it decodes what is hostile."""
        if isinstance(message, LiveTracks):
            self.has_sound = message.has_sound
        elif isinstance(message, LiveSound) and message.start == self._samples / SPEECH_SAMPLE_RATE:
            self._samples += len(message.pcm) // 2
            await self._sounds.put(message)
        else:
            raise Retryable("child_crashed", "The decoder of the recording said what none of ours would.")


@asynccontextmanager
async def growing(children: Children) -> AsyncIterator[Decoder]:
    """A decoder, with its child, for the length of the block: WebM, or MP4 in fragments, as browsers record it.

    The child gives itself processor time as it gets on, so `children` need no limit of it: a long recording would meet
    one. Leaving the block kills it, whatever it does.
    """
    decoder = Decoder(children)
    working = asyncio.create_task(decoder.work())
    try:
        yield decoder
    finally:
        working.cancel()
        await asyncio.wait([working])
        decoder.leave()


def _explained(failure: StepFailure) -> StepFailure:
    if failure.code != "cpu_limit":
        return failure
    detail = f"Decoding takes more than {CPU_SECONDS_A_MINUTE} seconds of processor time for a minute of the recording."
    return Permanent("cpu_limit", detail)
