"""Run twice on one event equals once, for every stage: what a lost attempt left is written over, not added to."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from schemas.analyses import ActionItem, ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.events import read_event
from schemas.media import Probe, Rendition, RenditionKind, Scene
from schemas.pipeline import PIPELINES
from schemas.time import now
from schemas.transcripts import Segment, Transcript
from stores import keys, lifecycle
from stores.resumable import Arrival, Piece
from streams.context import Context
from streams.documents.messages import Opened, PageRead, Sheet
from streams.media.messages import AudioDone, MediaFile, Picture, Progress, RenderDone, ScenesFound, SpeechPart
from streams.stages import STAGES
from tests.unit.stores.jobs import START, a_document, a_job, a_lecture, a_live_job, a_recording, result_of, wake_of
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.test_live import Ear, decoder
from tests.unit.streams.test_transcribe import Echo


class Children:
    """Children that make small files in the place of media, in the order in which the real ones do."""

    async def run(self, _limited, _most, entry, _url, *args):
        made = {
            "extract_audio": self._audio,
            "render": self._render,
            "find_scenes": self._scenes,
            "read_pdf": self._read,
        }
        for message in made[entry.__name__](args[0]):
            yield message

    def _file(self, folder, name):
        (folder / name).write_bytes(name.encode())
        return folder / name

    def _audio(self, folder):
        yield Probe(container="webm", has_video=True, has_audio=True)
        for number in range(2):
            yield SpeechPart(number, number, number + 1, self._file(folder, f"{number}.pcm"))
        yield Progress(0.5)
        files = [MediaFile.at(self._file(folder, name)) for name in ("speech.wav", "audio.m4a")]
        yield AudioDone(has_audio=True, duration_seconds=2, audio_seconds=2, wav=files[0], m4a=files[1])

    def _render(self, folder):
        yield Progress(0.5)
        pictures = [Picture(number, self._file(folder, f"{number}.jpg"), 16, 9) for number in range(3)]
        yield RenderDone(
            duration_seconds=2,
            has_video=True,
            width=16,
            height=9,
            video=MediaFile.at(self._file(folder, "video.mp4"), copied=True),
            poster=pictures[0],
            thumbnails=tuple(pictures[1:]),
            scenes=(Scene(at=1, score=50),),
        )

    def _read(self, folder):
        yield Opened(pages=2, language="en")
        for number in (1, 2):
            sheet = Sheet(self._file(folder, f"{number}.jpg"), 16, 9)
            yield PageRead(number, "Do it.", sheet, self._file(folder, "poster.jpg") if number == 1 else None)

    def _scenes(self, threshold):
        yield Progress(0.5)
        yield ScenesFound(has_video=True, scenes=(Scene(at=1, score=threshold),))


class Lectures:
    """A source that always has the same file."""

    @asynccontextmanager
    async def open(self, _url):
        async def chunks():
            yield b"RIFF\0\0\0\0WAVE"

        yield SimpleNamespace(head=b"RIFF\0\0\0\0WAVE", chunks=chunks, fraction=0.5, sound_alone=True)


class Fixed:
    """An analyst that always finds the same."""

    name = "fixed"

    async def analyse(self, material):
        return Analyses(
            summary=Summary(text="What is there.", provider="fixed"),
            action_items=ActionItems(items=(ActionItem(text="Do it.", at=0),), provider="fixed"),
            key_points=KeyPoints(provider="fixed"),
            sentiment=Sentiment(provider="fixed"),
        )


async def before(stage: str, world: World, job):
    """What the stages before have left."""
    resources = world.resources
    if stage == "transcribe":
        for number in range(2):
            await world.objects.put(keys.speech_part(job.recording_id, number), b"word", "audio/pcm")
    if stage == "live":
        await world.objects.put(keys.piece(job.recording_id, "one"), b"AB", "")
        come = {"tail": (Piece("one", 2),), "live": True, "length": 2}
        await resources.arrivals.create(
            Arrival(job.recording_id, "ada", metadata="", expires_at=START, updated_at=START, **come)
        )
    if stage == "pages":
        await world.objects.put(keys.original(job.recording_id), b"x" * 1000, "application/pdf")
    if stage == "export":
        await made(world, job.recording_id)
    if stage in ("analyse", "export"):
        segment = Segment(id=0, start=0, end=1, text="Do it.")
        await resources.transcripts.begin(job.recording_id, "0", "echo")
        await resources.transcripts.write(job.recording_id, "0", 0, [segment])
        await resources.transcripts.finish(job.recording_id, "0", "echo", "en")
    for needed in {"transcribe": ["audio"], "analyse": ["audio", "transcribe"]}.get(stage, []):
        results = {"audio": {"parts": 2, "until": 2.0}} if needed == "audio" else {}

        def complete(job, needed=needed, results=results):
            step = lifecycle.claim(job, needed, wake_of(job, needed), "earlier", 600, now())
            lifecycle.complete(job, needed, step.fence, results, result_of(job, needed), now())

        await resources.jobs.change(job.id, complete)


async def made(world: World, recording_id: str):
    """A rendition, and analyses."""
    key = keys.rendition(recording_id, "video.mp4")
    size = await world.objects.put(key, b"film" * 1000, "video/mp4")
    video = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=size, key=key)
    await world.resources.recordings.add_rendition(recording_id, "render", "0", video)
    await world.resources.analyses.put(recording_id, "0", await Fixed().analyse(Transcript()))


def a_job_with(stage: str, recording):
    """The job of an upload, or the one in which the stage is asked for by name."""
    asked = [job_type for job_type, plans in PIPELINES.items() if plans[0].stage == stage and len(plans) == 1]
    if stage == "live":
        return a_live_job(recording)
    if recording.to_be_downloaded:
        return lifecycle.lecture_job(recording, "ada", 3, START)
    if STAGES[stage].accepts:
        return a_job(recording)
    return lifecycle.requested_job(recording, asked[0], {}, 3, None, START)


async def run(recording, asked, stage: str, attempts: int, folder):
    """What is there after the last attempt has completed and those before it were lost at their very end."""
    world = World()
    resources, analyst = world.resources, Fixed()
    await resources.recordings.create(recording)
    job = await resources.jobs.create(asked.model_copy(deep=True))
    await before(stage, world, job)
    for _ in range(attempts):
        wake = wake_of(await resources.jobs.get(job.id), stage)
        job, step = await resources.jobs.change(
            job.id, lambda job, wake=wake: lifecycle.claim(job, stage, wake, "one", 0, now())
        )
        intelligence = Providers(Children(), Echo(), analyst, downloads=Lectures(), live=Ear(), decoder=decoder)
        event = read_event(next(fact for fact in job.facts if fact["id"] == wake))
        ctx = Context(resources, intelligence, job, step, lambda: folder)
        outcome = await STAGES[stage].perform(ctx, event)
    job, _ = await resources.jobs.change(
        job.id, lambda job: lifecycle.complete(job, stage, step.fence, outcome.results, outcome.event, now())
    )
    stored = await resources.recordings.get(recording.id)
    return {
        "recording": stored.model_dump(exclude={"updated_at", "fences", "revision"}),
        "transcript": await resources.transcripts.get(recording.id),
        "pages": await resources.pages.get(recording.id),
        "analyses": await resources.analyses.get(recording.id),
        "objects": world.objects.stored,
        "facts": [(fact["type"], fact["id"]) for fact in job.facts],
        "results": job.results,
        "event": outcome.event.model_dump(exclude={"occurred_at"}),
    }


@pytest.mark.parametrize("stage", STAGES)
async def test_run_twice_on_one_event_equals_once(stage, tmp_path):
    made = {"download": a_lecture, "pages": a_document}
    recording = made.get(stage, a_recording)()
    job = a_job_with(stage, recording)
    once = await run(recording, job, stage, 1, tmp_path)
    assert await run(recording, job, stage, 2, tmp_path) == once
    assert once["facts"][-1][0] == result_of(job, stage).type
