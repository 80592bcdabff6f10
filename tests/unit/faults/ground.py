"""What outlives processes, and the processes that live on it: workers, one after the other, and what they leave.

The stages are those of the product in what wakes them; their work is small but goes everywhere that real work goes.
"""

import asyncio
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.events import AudioAvailable, Event
from schemas.failures import Permanent
from schemas.jobs import Job
from schemas.media import RenditionKind
from schemas.settings import Settings
from schemas.topics import Topic
from schemas.transcripts import Segment
from stores import keys
from stores.alarms import Alarms
from stores.analyses import AnalysesStore
from stores.jobs import Jobs
from stores.outbox import Outbox
from stores.recordings import Recordings
from stores.resumable import Arrivals
from stores.transcripts import Transcripts
from streams.context import Context
from streams.leases import Leases
from streams.resources import Resources
from streams.runner import Runner
from streams.stage import Outcome, Stage
from streams.stages import STAGES
from streams.sweeper import Sweeper
from tests.unit.faults.mortal import Bucket, Documents, Kafka, Log, Mortal, living
from tests.unit.stores.jobs import result_of
from tests.unit.stores.memory import MemoryDatabase
from tests.unit.streams.fakes import NO_INTELLIGENCE, World
from tests.work import jobs_of

_STEP_SECONDS = 3.0
_ROUNDS = 150


class Clock:
    """In the place of `datetime` where the program asks what time it is. It can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self, zone: Any) -> datetime:
        return datetime.now(zone) + self._ahead

    def pass_by(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


class Ground:
    """Documents, objects and the log of one installation, and its time. `broken` are stages that fail."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.settings = Settings().model_copy(update={"retry_delay_seconds": 0.0, "shutdown_grace_seconds": 0.0})
        self.database = MemoryDatabase()
        self.objects: dict[str, bytes] = {}
        self.log = Log()
        self.broken: set[str] = set()
        self._consuming: list[asyncio.Task[None]] = []
        self.jobs, self.recordings = Jobs(self.database), Recordings(self.database)

    async def work(self, end: float = math.inf) -> Mortal:
        """The life of a worker: until its end, or until nothing is left to be done."""
        mortal = Mortal(end)
        async with living():
            sweeper = self._start(mortal)
            for _ in range(_ROUNDS):
                await mortal.quiet()
                if mortal.dead or not await self.alarms():
                    return mortal
                self.clock.pass_by(_STEP_SECONDS if await self._open() else 1000)
                sweeping = asyncio.create_task(sweeper.sweep())
                await mortal.quiet()
                assert mortal.dead or sweeping.done()
        raise AssertionError(f"it never comes to rest: {await self.alarms()}")

    def _start(self, mortal: Mortal) -> Sweeper:
        resources, stages = self.resources(mortal), self._stages()
        kafka = resources.publisher
        for stage in stages.values():
            group, topics = f"tidemark-{stage.name}", tuple({stage.consumes.value, Topic.JOBS.value})
            runner = Runner(stage, resources, NO_INTELLIGENCE, f"worker {id(mortal)}")
            messages = kafka.messages(group, topics)
            consuming = runner.consume(messages, lambda message, group=group: kafka.ack(group, message))
            self._consuming.append(asyncio.create_task(consuming))
        return Sweeper(resources, stages)

    def resources(self, mortal: Mortal) -> Resources:
        """The stores as a process reaches them."""
        database, kafka = Documents(self.database, mortal), Kafka(self.log, mortal)
        jobs, recordings = Jobs(database), Recordings(database)
        return replace(
            World().resources,
            settings=self.settings,
            jobs=jobs,
            recordings=recordings,
            transcripts=Transcripts(database),
            analyses=AnalysesStore(database),
            arrivals=Arrivals(database),
            objects=Bucket(self.objects, mortal),
            publisher=kafka,
            outbox=Outbox(jobs, recordings, kafka, pause=0),
            leases=Leases(jobs, self.settings.lease_seconds),
        )

    def _stages(self) -> dict[str, Stage]:
        async def broken(ctx: Context, event: Event) -> Outcome:
            raise Permanent("no_media", "Broken.")

        work = {"audio": audio, "render": render, "transcribe": transcribe, "analyse": analyse}
        return {
            name: replace(STAGES[name], perform=broken if name in self.broken else perform)
            for name, perform in work.items()
        }

    async def _open(self) -> bool:
        return bool(await self.jobs.open_by_owner())

    async def alarms(self) -> list[datetime]:
        """The moments of every alarm that is set."""
        far = datetime(2200, 1, 1, tzinfo=UTC)
        return [look.at for alarm in await Alarms(self.database).due(far, 100) for look in alarm.looks]

    async def job_of(self, recording_id: str) -> Job | None:
        recording = await self.recordings.get(recording_id)
        return await self.jobs.get(recording.job_id) if recording else None

    async def left(self, recording_id: str) -> dict[str, Any]:
        """What there is of a recording, in the same words whatever its ids, and however often it was tried."""
        recording, jobs = await self.recordings.get(recording_id), await jobs_of(self.jobs, recording_id)
        transcript = await Transcripts(self.database).get(recording_id)
        analyses = await AnalysesStore(self.database).get(recording_id)
        found = {
            "recording": recording and recording.model_dump(mode="json", include=_OF_RECORDING),
            "jobs": [[job.job_type, job.status, [s.status for s in job.steps], job.results] for job in jobs],
            "transcript": transcript and transcript.model_dump(mode="json"),
            "analyses": analyses and analyses.model_dump(mode="json"),
            "objects": {key: body.hex() for key, body in sorted(self.objects.items())},
            "facts": sorted({(event.type, event.id) for event in self.log.facts}),
        }
        for number, job in enumerate(jobs):
            for fact in job.facts:
                found["facts"] = [(kind, "id" if known == fact["id"] else known) for kind, known in found["facts"]]
            found = json.loads(json.dumps(found).replace(job.id, f"job {number}"))
        return json.loads(json.dumps(found).replace(recording_id, "recording"))

    async def nothing_is_owed(self) -> None:
        """No job owes anything, nobody holds a step, and nobody will look again; the newest state has been told."""
        assert await self.alarms() == []
        told = {}
        for event in self.log.topics.get(Topic.PROGRESS.value, []):
            told[event.job_id] = max(told.get(event.job_id, 0), event.job.version)
        async for document in self.database["jobs"].find({}):
            job = await self.jobs.get(document["_id"])
            assert (job.outbox, job.announce, job.owes_since, job.sweep_at) == ([], False, None, None)
            assert job.status.ended
            assert [step.owner or step.lease_until for step in job.steps] == [None] * len(job.steps)
            assert len({fact["id"] for fact in job.facts}) == len(job.facts)
            assert told[job.id] == job.version
        told_as = {}
        for event in self.log.facts:
            if event.type != "job.requested":
                assert told_as.setdefault((event.job_id, event.type), event.id) == event.id, "one fact, one id"


_OF_RECORDING = {"status", "error", "renditions", "duration_seconds", "has_audio", "size_bytes", "content_type", "etag"}


async def audio(ctx: Context, event: Event) -> Outcome:
    await ctx.progress(0.1, {"parts": 0})
    await ctx.objects.put(keys.speech_part(ctx.recording_id, 0), b"sound", "audio/pcm")
    prefix = keys.speech_prefix(ctx.recording_id)
    await ctx.put_out(AudioAvailable(**ctx.about("audio.available"), parts_prefix=prefix, sample_rate=16_000))
    await ctx.write_recording({"duration_seconds": 3.0, "has_audio": True})
    return Outcome({"parts": 1}, result_of(await ctx.job(), "audio"))


async def render(ctx: Context, event: Event) -> Outcome:
    video = ctx.workdir / "video.mp4"
    video.write_bytes(b"film")
    await ctx.store_rendition(RenditionKind.VIDEO, video, "video.mp4", "video/mp4")
    return Outcome({"rendered": True}, result_of(await ctx.job(), "render"))


async def transcribe(ctx: Context, event: Event) -> Outcome:
    text = (await ctx.objects.read(keys.speech_part(ctx.recording_id, 0))).decode()
    await ctx.transcripts.begin(ctx.recording_id, ctx.fence, "fake")
    await ctx.transcripts.write(ctx.recording_id, ctx.fence, 0, [Segment(id=0, start=0, end=1, text=text)])
    await ctx.progress(0.5, {"segments": 1})
    await ctx.transcripts.finish(ctx.recording_id, ctx.fence, "fake", "en")
    return Outcome({"words": 1}, result_of(await ctx.job(), "transcribe"))


async def analyse(ctx: Context, event: Event) -> Outcome:
    transcript = await ctx.transcripts.get(ctx.recording_id)
    found = Analyses(
        summary=Summary(text=transcript.text, provider="fake"),
        action_items=ActionItems(items=(), provider="fake"),
        key_points=KeyPoints(provider="fake"),
        sentiment=Sentiment(provider="fake"),
    )
    await ctx.analyses.put(ctx.recording_id, ctx.fence, found)
    return Outcome({"summary": transcript.text}, result_of(await ctx.job(), "analyse"))
