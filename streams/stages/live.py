"""live: what is said in a recording while it is being made.

Consumes RecordingLive from uploads; puts out LiveTranscribed once the upload has ended and everything is heard, or
LiveEnded where it is not. Key: recording. Final segments are stored as they come, drafts only shown. Cost: one child
that decodes the growing file and the speech engine beside it, for as long as the recording is being made.

What fails here harms nothing: the upload goes on without it, and the transcribing step hears all of it afterwards. A
worker that takes over decodes from the first byte on, and listens from where the stored segments end. An upload whose
bytes bring no sound for LIVE_IDLE_SECONDS loses its slot, and is heard like any other once it has ended.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from providers.speech.live import Draft, Final, Listener, Relieved
from schemas.events import Event, LiveEnded, LiveTranscribed, RecordingLive
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.topics import Topic
from schemas.transcripts import Segment, Transcript
from stores.resumable import Following
from streams.context import Context
from streams.media.growing import Decoder
from streams.segments import shown, store
from streams.stage import Outcome, Stage

_SHOW_SECONDS = 0.25
"""Between two drafts that are shown."""
_LOOK_SECONDS = 1.0
_SAMPLE_BYTES = 2
_TAIL_SECONDS = 45.0
"""So long after its upload ends what was not heard by then is left to the transcribing step, which is faster."""


async def perform(ctx: Context, _: Event) -> Outcome:
    """Follows the upload, decodes and listens as it comes, until everything is heard."""
    speech, following = ctx.live_speech, Following(ctx.objects, ctx.arrivals, ctx.recording_id)
    hearing, pace = await Hearing.begin(ctx, speech.name), Pace()
    opened = speech.listen(start=hearing.said_until, first_id=hearing.count)
    async with ctx.growing() as decoder, opened as listener:
        whole = await _until_done(
            _feed(following, decoder, pace),
            _listen(decoder, listener, hearing, pace),
            hearing.follow(listener),
            late=_until_late(ctx, following, pace),
            showing=hearing.show(),
        )
    return await hearing.end(whole=whole)


async def _until_done(
    *work: Coroutine[Any, Any, None], late: Coroutine[Any, Any, None], showing: Coroutine[Any, Any, None]
) -> bool:
    """Whether the work was done before it was too late. Raises what any of it raises."""
    working = {asyncio.create_task(part) for part in work}
    clock, shown = asyncio.create_task(late), asyncio.create_task(showing)
    tasks = (*working, clock, shown)
    try:
        while working:
            done, _ = await asyncio.wait({*working, clock, shown}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if clock in done:
                return False
            working -= done
        return True
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until_late(ctx: Context, following: Following, pace: "Pace") -> None:
    """Returns when the upload has ended some time ago, or goes on without any sound."""
    ended_at: float | None = None
    while ended_at is None or time.monotonic() - ended_at < _TAIL_SECONDS:
        await asyncio.sleep(_LOOK_SECONDS)
        if ended_at is None and await following.over():
            ended_at = time.monotonic()
        if ended_at is None and pace.quiet_seconds > ctx.settings.live_idle_seconds:
            await ctx.note("Its bytes bring no sound any more: heard when the upload has ended.")
            return


async def _feed(following: Following, decoder: Decoder, pace: "Pace") -> None:
    async for chunk in following.chunks():
        pace.bytes_came()
        await decoder.feed(chunk)
    await decoder.end()


async def _listen(decoder: Decoder, listener: Listener, hearing: "Hearing", pace: "Pace") -> None:
    """Hands over the sound that follows what was heard before."""
    async for sound in decoder.pcm():
        with pace.sounding():
            if new := hearing.unheard(sound.pcm):
                await listener.feed(new)
    await listener.end()


class Pace:
    """Whether bytes that come still bring sound: who sends some now and then would hold a slot for hours.

    A recorder that sends nothing is left to the duty that closes uploads; an engine that is behind is not its doing.
    """

    def __init__(self) -> None:
        self._sound_at: float | None = time.monotonic()
        self._bytes_at = time.monotonic()

    @property
    def quiet_seconds(self) -> float:
        """For how long bytes have come since there was sound."""
        return 0.0 if self._sound_at is None else self._bytes_at - self._sound_at

    def bytes_came(self) -> None:
        """There are more bytes."""
        self._bytes_at = time.monotonic()

    @contextmanager
    def sounding(self) -> Iterator[None]:
        """There is sound, as long as the block goes on."""
        self._sound_at = None
        yield
        self._sound_at = time.monotonic()


class Hearing:
    """The transcript of a live recording, as far as it is: final segments, and a draft that may still change.

    `said_until` is where what an earlier attempt has stored ends, in seconds.
    """

    def __init__(self, ctx: Context, provider: str, earlier: Transcript) -> None:
        self._ctx = ctx
        self._provider = provider
        self._instead_of: str | None = None
        self._language = earlier.language
        self._fence = before_others(ctx.fence)
        self._segments: list[Segment] = []
        self._draft: Draft | None = None
        self._bytes = 0
        self.said_until = max((segment.end for segment in earlier.segments), default=0.0)
        self._known_bytes = round(self.said_until * SPEECH_SAMPLE_RATE) * _SAMPLE_BYTES
        self._news = asyncio.Event()

    @classmethod
    async def begin(cls, ctx: Context, provider: str) -> "Hearing":
        """A new version of the transcript, with what an earlier attempt has stored."""
        earlier = await ctx.transcripts.heard(ctx.recording_id)
        if earlier is None or earlier.complete:
            earlier = Transcript()
        hearing = cls(ctx, provider, earlier)
        await ctx.transcripts.begin(ctx.recording_id, hearing._fence, provider)
        await store(ctx, hearing._fence, hearing._segments, earlier.segments)
        return hearing

    @property
    def count(self) -> int:
        """How many segments are final."""
        return len(self._segments)

    def unheard(self, pcm: bytes) -> bytes:
        """What of the next sound was not heard before."""
        known = max(0, min(len(pcm), self._known_bytes - self._bytes))
        self._bytes += len(pcm)
        return pcm[known:]

    async def follow(self, listener: Listener) -> None:
        """Takes in what the listener hears, until it has heard everything."""
        async for said in listener.heard():
            if isinstance(said, Final):
                await store(self._ctx, self._fence, self._segments, [said.segment])
                self._language, self._draft = said.language, None
            elif isinstance(said, Relieved):
                await self._go_on_with(said)
            else:
                self._draft = said if said.text else None
            self._news.set()

    async def _go_on_with(self, relief: Relieved) -> None:
        self._provider, self._instead_of, self._draft = relief.provider, relief.code, None
        self._ctx.log.warning("falling back", to=relief.provider, error=f"{relief.code}: {relief.detail}")
        await self._ctx.note(f"{relief.code}: {relief.detail} Going on with {relief.provider} instead.")

    async def show(self) -> None:
        """Shows the watchers what is new, some times a second at most, for as long as it runs."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._ctx.progress(None, self._results(whole=False))
            await asyncio.sleep(_SHOW_SECONDS)

    def _results(self, *, whole: bool) -> dict[str, Any]:
        draft = self._draft.model_dump() if self._draft else None
        until = self._bytes / _SAMPLE_BYTES / SPEECH_SAMPLE_RATE
        live = {"draft": draft, "until": round(until, 3), "whole": whole}
        provider = self._provider if whole else None
        return {"live": live, **shown(self._segments, self._language, provider, self._instead_of)}

    async def end(self, *, whole: bool) -> Outcome:
        """Finishes the transcript, if it is whole."""
        ctx, self._draft = self._ctx, None
        if not whole:
            ended = LiveEnded(**ctx.about("live.ended"), segments=len(self._segments))
            return Outcome(self._results(whole=False), ended)
        self._language = self._language if self._segments else None
        await ctx.transcripts.finish(ctx.recording_id, self._fence, self._provider, self._language)
        transcribed = LiveTranscribed(**ctx.about("live.transcribed"), segments=len(self._segments))
        return Outcome(self._results(whole=True), transcribed)


def before_others(fence: str) -> str:
    """The fence of a live transcript: lower than that of any attempt of the same job to make it anew."""
    job, _, number = fence.rpartition("/")
    return f"{job}/00000000.{number}"


STAGE = Stage(
    name="live",
    consumes=Topic.UPLOADS,
    accepts=(RecordingLive,),
    perform=perform,
    limit=lambda settings: settings.live_hours * 3600,
    limited_by="LIVE_HOURS",
    preload=lambda _: ("streams.media.following",),
    needs=("live_speech",),
    in_children=True,
    endless=True,
    ready=False,
    slots=lambda settings: settings.live_concurrency,
)
