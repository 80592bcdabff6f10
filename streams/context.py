"""What a stage is given: its job, the stores bound to its fence, a folder, children, and a way to say how far it is."""

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import structlog

from providers.child import Children
from providers.choose import analyst, analyst_fallback, live_speech, speech_fallback, speech_to_text
from providers.language import Analyst
from providers.sources import Downloads
from providers.speech import SpeechToText
from providers.speech.live import LiveSpeech
from schemas.events import Event, event_id
from schemas.failures import Retryable
from schemas.jobs import Job, Step
from schemas.media import Rendition, RenditionKind
from schemas.recordings import Recording
from schemas.settings import Settings
from schemas.time import now
from stores import keys, lifecycle
from stores.errors import LeaseLost
from stores.jobs import Jobs
from stores.recordings import fence_of
from stores.resumable import Arrivals
from streams.media.growing import Decoder, growing
from streams.resources import Resources
from streams.waiting import patient

M = TypeVar("M")

_REPORT_SECONDS = 0.25


class Context:
    """One attempt at one step; `known` is its job as it was seen last.

    Every write goes through the step's fence and raises LeaseLost when it is old. Work that is done is not thrown away
    because documents or Kafka are away: it waits for documents, and what it puts out is owed. An object store that is
    away is an error: the step is given back.
    """

    def __init__(
        self,
        resources: Resources,
        intelligence: "Intelligence",
        job: Job,
        step: Step,
        make_workdir: Callable[[], Path],
    ) -> None:
        self.settings: Settings = resources.settings
        self.job_id, self.recording_id, self.owner_id = job.id, job.recording_id, job.owner_id
        self.stage = step.name
        self.payload = job.payload
        self.last_try = step.attempt + step.returns >= step.max_attempts
        self.fence = fence_of(job, step.fence)
        self._recordings = patient(resources.recordings)
        self.transcripts = patient(resources.transcripts)
        self.pages = patient(resources.pages)
        self.analyses = patient(resources.analyses)
        self.arrivals: Arrivals = patient(resources.arrivals)
        self.objects = resources.objects
        self.log = structlog.get_logger("tidemark.stage").bind(stage=step.name, job_id=job.id, fence=step.fence)
        self._intelligence = intelligence
        self._jobs: Jobs = patient(resources.jobs)
        self._outbox = resources.outbox
        self._step_fence = step.fence
        self._make_workdir = make_workdir
        self.known = job
        self._reported = 0.0

    @cached_property
    def workdir(self) -> Path:
        """A folder of this attempt alone, which goes with it."""
        return self._make_workdir()

    @property
    def speech(self) -> SpeechToText:
        """Speech to text, for a stage that `needs` it."""
        return self._intelligence.speech

    @property
    def live_speech(self) -> LiveSpeech:
        """Speech to text while it is being said, for a stage that `needs` it."""
        return self._intelligence.live_speech

    @property
    def analyst(self) -> Analyst:
        """Analyses of transcripts, for a stage that `needs` them."""
        return self._intelligence.analyst

    @property
    def speech_fallback(self) -> SpeechToText | None:
        """What takes the place of `speech` when that fails for good; None where nothing is to."""
        return self._intelligence.speech_fallback

    @property
    def analyst_fallback(self) -> Analyst | None:
        """What takes the place of `analyst` when that fails for good; None where nothing is to."""
        return self._intelligence.analyst_fallback

    @property
    def downloads(self) -> Downloads:
        """What opens addresses that people named."""
        return self._intelligence.downloads

    async def recording(self) -> Recording:
        """The recording as it is now. Raises LeaseLost when it is gone."""
        recording = await self._recordings.get(self.recording_id)
        if recording is None:
            raise LeaseLost(f"recording {self.recording_id} is gone")
        return recording

    async def job(self) -> Job:
        """The job as it is now. Raises LeaseLost when it is gone."""
        job = await self._jobs.get(self.job_id)
        if job is None:
            raise LeaseLost(f"job {self.job_id} is gone")
        return job

    async def progress(self, fraction: float | None, results: dict[str, Any] | None = None) -> None:
        """Says how far the step is, from 0 to 1, and what it has found so far.

        Without results it does nothing when the last report was a moment ago.
        """
        if results is None and time.monotonic() - self._reported < _REPORT_SECONDS:
            return
        percent = None if fraction is None else round(fraction * 100, 1)
        await self._change(
            lambda job: lifecycle.report(job, self.stage, self._step_fence, percent, results or {}, now())
        )
        self._reported = time.monotonic()
        await self._outbox.announce(self.known)

    async def note(self, message: str) -> None:
        """Adds a line to the job's log, for a person."""
        await self._change(lambda job: lifecycle.note(job, self.stage, self._step_fence, message, now()))
        await self._outbox.announce(self.known)

    async def put_out(self, event: Event) -> None:
        """Puts a fact on its topic before the step has ended. A repeat puts out the same event."""
        await self._change(lambda job: lifecycle.put_out(job, self.stage, self._step_fence, event, now()))
        try:
            await self._outbox.settle(self.known)
        except Retryable as error:
            self.log.warning("outbox left to the sweeper", error=str(error))

    async def write_recording(self, fields: dict[str, Any]) -> None:
        """Sets fields of the recording. A repeat is harmless."""
        await self._recordings.write(self.recording_id, self.stage, self.fence, fields)

    async def store_rendition(
        self, kind: RenditionKind, path: Path, name: str, content_type: str, *, copied: bool = False
    ) -> Rendition:
        """Stores a finished file as a rendition of the recording, in the place of an earlier one of that kind."""
        key = keys.rendition(self.recording_id, name)
        size = await self.objects.put(key, path, content_type)
        rendition = Rendition(kind=kind, content_type=content_type, size_bytes=size, key=key, copied=copied)
        await self._recordings.add_rendition(self.recording_id, self.stage, self.fence, rendition)
        return rendition

    def about(self, event_type: str) -> dict[str, Any]:
        """What every event of this step says of itself: the same at every attempt."""
        return {
            "id": event_id(event_type, self.job_id),
            "recording_id": self.recording_id,
            "owner_id": self.owner_id,
            "job_id": self.job_id,
        }

    def run_child(self, entry: Callable[..., Iterator[M]], *args: Any) -> AsyncGenerator[M, None]:
        """Runs a generator function in a child process of this step: see providers/child."""
        return self._intelligence.children.run(entry, *args)

    def growing(self) -> AbstractAsyncContextManager[Decoder]:
        """What decodes a recording in a child of this step while it grows: see streams/media/growing."""
        return self._intelligence.growing()

    async def _change(self, transition: Callable[[Job], None]) -> None:
        self.known, _ = await self._jobs.change(self.job_id, transition, known=self.known)


class Intelligence:
    """The children and providers that one stage of one process works with: a provider is made when it is asked for.

    `ears` are children of their own for what listens while others decode.
    """

    ears: Children | None = None

    def __init__(self, settings: Settings, children: Children, ears: Children | None = None) -> None:
        self.children, self.ears = children, ears
        self._settings = settings

    async def warm(self) -> None:
        """Starts the idle children that are not there. Raises OSError. Harmless when repeated."""
        for children in filter(None, (self.children, self.ears)):
            await children.warm()

    def growing(self) -> AbstractAsyncContextManager[Decoder]:
        """A decoder for a recording that grows."""
        return growing(self.children)

    @cached_property
    def downloads(self) -> Downloads:
        """The sources of lectures, within the limits of the settings."""
        return Downloads(self._settings)

    @cached_property
    def speech(self) -> SpeechToText:
        """The speech provider of the settings. Raises SettingsError where there is none."""
        return speech_to_text(self._settings, self.children)

    @cached_property
    def live_speech(self) -> LiveSpeech:
        """The live speech provider of the settings. Raises SettingsError where there is none."""
        return live_speech(self._settings, self.ears or self.children)

    @cached_property
    def speech_fallback(self) -> SpeechToText | None:
        """What the settings name for when `speech` fails."""
        return speech_fallback(self._settings, self.children)

    @cached_property
    def analyst(self) -> Analyst:
        """The language provider of the settings."""
        return analyst(self._settings)

    @cached_property
    def analyst_fallback(self) -> Analyst | None:
        """What the settings name for when `analyst` fails."""
        return analyst_fallback(self._settings)
