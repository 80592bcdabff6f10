"""transcribe: what is said in a recording, while its audio is still being read.

Consumes AudioAvailable and AudioExtracted from audio, or LiveTranscribed from live, whichever comes first; puts out
RecordingTranscribed. Key: recording. Segments are stored and shown as they become final. Cost: the speech engine's;
offline about a fifteenth of the recording's length on two cores, in one child process. Nothing where the live step has
heard all of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from providers.choose import speech_preload
from providers.speech import SpeechToText
from schemas.events import UNKNOWN, AudioAvailable, AudioExtracted, Event, LiveTranscribed, RecordingTranscribed
from schemas.failures import Permanent
from schemas.jobs import Job, Status
from schemas.pipeline import LIVE
from schemas.time import now
from schemas.topics import Topic
from schemas.transcripts import Segment, Transcript
from stores import keys
from streams.context import Context
from streams.fallback import with_fallback
from streams.segments import shown, store
from streams.stage import Outcome, Stage

_LOOK_SECONDS = 0.1


async def perform(ctx: Context, _: Event) -> Outcome:
    """Feeds the parts of the audio to the provider and stores each segment as it comes.

    What was heard of a live recording is taken as it is, if it is whole.
    """
    if (transcript := await _heard_live(ctx)) is not None:
        return await _adopted(ctx, transcript)
    segments: list[Segment] = []

    async def heard_by(speech: SpeechToText, instead_of: str | None) -> Outcome:
        await ctx.transcripts.begin(ctx.recording_id, ctx.fence, speech.name)
        segments.clear()  # what another provider said, and begin has cleared
        return await _transcribed(ctx, segments, speech, instead_of)

    return await with_fallback(ctx, ctx.speech, ctx.speech_fallback, heard_by)


async def _heard_live(ctx: Context) -> Transcript | None:
    """The transcript that the live step has made, once that has ended; None where there is none, or not all of it."""
    job = await ctx.job()
    while _is_heard(job):
        await asyncio.sleep(_LOOK_SECONDS)
        job = await ctx.job()
    if not job.results.get("live", {}).get("whole"):
        return None
    transcript = await ctx.transcripts.get(ctx.recording_id)
    return transcript if transcript and transcript.complete else None


def _is_heard(job: Job) -> bool:
    """Whether a worker is at the job's live step."""
    steps = [step for step in job.steps if step.name == LIVE and step.status is Status.RUNNING]
    return any(step.lease_until is not None and step.lease_until > now() for step in steps)


async def _adopted(ctx: Context, transcript: Transcript) -> Outcome:
    provider, segments = transcript.provider or UNKNOWN, transcript.segments
    await ctx.write_recording({"language": transcript.language})
    job = await ctx.job()
    event = RecordingTranscribed(
        **ctx.about("recording.transcribed"),
        language=transcript.language,
        provider=provider,
        segments=len(segments),
        words=sum(len(segment.text.split()) for segment in segments),
        duration_seconds=job.results["live"]["until"],
    )
    instead_of = job.results.get("transcript", {}).get("fallback")
    return Outcome(shown(segments, transcript.language, provider, instead_of), event)


async def _transcribed(ctx: Context, segments: list[Segment], speech: SpeechToText, instead_of: str | None) -> Outcome:
    language: str | None = None
    audio = _Audio(ctx)
    async with aclosing(speech.transcribe(audio.pcm())) as all_heard:
        async for heard in all_heard:
            language = heard.language or language
            await store(ctx, ctx.fence, segments, heard.segments)
            await ctx.progress(audio.fraction(heard.until), shown(segments, language) if heard.segments else None)
    language = language if segments else None
    await ctx.transcripts.finish(ctx.recording_id, ctx.fence, speech.name, language)
    await ctx.write_recording({"language": language})
    event = RecordingTranscribed(
        **ctx.about("recording.transcribed"),
        language=language,
        provider=speech.name,
        segments=len(segments),
        words=sum(len(segment.text.split()) for segment in segments),
        duration_seconds=audio.seconds,
    )
    return Outcome(shown(segments, language, speech.name, instead_of), event)


class _Audio:
    """The audio of the step's recording, as the stage before stores it, part by part."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.seconds = 0.0
        self._complete = False

    async def pcm(self) -> AsyncIterator[bytes]:
        """The parts in order, each as soon as it is there. Raises Permanent when the rest will never come."""
        number = 0
        while (available := await self._available()) > number or not self._complete:
            for part in range(number, available):
                yield await self._ctx.objects.read(keys.speech_part(self._ctx.recording_id, part))
            if available <= number:  # fewer when the stage before has started over: its parts come out the same
                await asyncio.sleep(_LOOK_SECONDS)
            number = max(number, available)

    async def _available(self) -> int:
        job = await self._ctx.job()
        audio = job.results.get("audio", {})
        self.seconds = float(audio.get("until", 0))
        self._complete = _audio_status(job) is Status.COMPLETED
        if _audio_status(job) in (Status.FAILED, Status.CANCELLED):
            raise Permanent("upstream_failed", "The audio could not be read to its end.")
        return int(audio.get("parts", 0))

    def fraction(self, until: float) -> float | None:
        """How much of the audio is done; None while its length is not known."""
        return until / self.seconds if self._complete and self.seconds else None


def _audio_status(job: Job) -> Status:
    return job.step("audio").status


STAGE = Stage(
    name="transcribe",
    consumes=Topic.AUDIO,
    accepts=(AudioAvailable, AudioExtracted, LiveTranscribed),
    perform=perform,
    limit=lambda settings: settings.media_step_seconds,
    preload=speech_preload,
    needs=("speech",),
    in_children=True,
)
