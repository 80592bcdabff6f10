"""transcribe follows the audio part by part while it is being made, and stores what it hears page by page."""

import asyncio

import pytest

from providers.speech import Heard
from schemas.events import RecordingTranscribed
from schemas.failures import Permanent
from schemas.jobs import Failure
from schemas.time import now
from schemas.transcripts import Segment
from stores import keys, lifecycle
from stores.transcripts import SEGMENTS_A_PAGE
from streams.context import Context
from streams.stages import transcribe
from tests.unit.stores.jobs import a_job, a_recording, available, result_of, wake_of
from tests.unit.streams.fakes import Providers, World, eventually, many_turns


class Echo:
    """A speech engine that hears every piece of sound as `per_piece` segments of one word each: the piece itself."""

    name = "echo"

    def __init__(self, per_piece: int = 1) -> None:
        self.pieces: list[bytes] = []
        self._per_piece = per_piece

    async def transcribe(self, pcm):
        number = 0
        async for piece in pcm:
            self.pieces.append(piece)
            segments = tuple(
                Segment(id=number + i, start=number + i, end=number + i + 1, text=piece.decode())
                for i in range(self._per_piece)
            )
            number += self._per_piece
            yield Heard(segments=segments, until=number, language="en")
        yield Heard(until=number)


class Bench:
    """A running audio step, whose results the test writes, and a transcribe step beside it."""

    async def begin(self, tmp_path, speech=None) -> "Bench":
        self.world, self.speech = World(), speech or Echo()
        self.jobs = self.world.resources.jobs
        recording = a_recording()
        await self.world.resources.recordings.create(recording)
        job = await self.jobs.create(a_job(recording, at=now()))
        self.id, self.recording_id = job.id, recording.id
        await self.change(lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 600, now()))
        await self.change(lambda job: lifecycle.put_out(job, "audio", 1, available(job), now()))
        wake = wake_of(await self.jobs.get(self.id), "transcribe")
        step = await self.change(lambda job: lifecycle.claim(job, "transcribe", wake, "two", 600, now()))
        job = await self.jobs.get(self.id)
        self.ctx = Context(self.world.resources, Providers(speech=self.speech), job, step, lambda: tmp_path)
        self.work = asyncio.create_task(transcribe.perform(self.ctx, available(job)))
        return self

    async def change(self, transition):
        return (await self.jobs.change(self.id, transition))[1]

    async def store_parts(self, *parts: bytes, first: int = 0, fence: int = 1) -> None:
        for number, part in enumerate(parts, start=first):
            await self.world.objects.put(keys.speech_part(self.recording_id, number), part, "audio/pcm")
            found = {"audio": {"parts": number + 1, "until": number + 1.0, "complete": False}}
            await self.change(lambda job, found=found: lifecycle.report(job, "audio", fence, None, found, now()))

    async def complete_audio(self, parts: int, fence: int = 1) -> None:
        found = {"audio": {"parts": parts, "until": float(parts), "complete": True}}
        event = result_of(await self.jobs.get(self.id), "audio")
        await self.change(lambda job: lifecycle.complete(job, "audio", fence, found, event, now()))

    async def shown(self):
        return (await self.jobs.get(self.id)).results.get("transcript")

    async def transcript(self):
        return await self.world.resources.transcripts.get(self.recording_id)


@pytest.fixture
async def bench(tmp_path):
    bench = await Bench().begin(tmp_path)
    yield bench
    bench.work.cancel()
    await asyncio.wait([bench.work])


async def test_words_are_there_before_the_audio_is(bench):
    await bench.store_parts(b"a", b"b")
    await eventually(lambda: bench.speech.pieces == [b"a", b"b"])
    await many_turns()
    early = await bench.transcript()
    assert (early.text, early.complete, bench.work.done()) == ("a b", False, False)
    assert (await bench.jobs.get(bench.id)).results["transcript"]["segment_count"] == 2
    await bench.store_parts(b"c", first=2)
    await bench.complete_audio(3)
    outcome = await bench.work
    whole = await bench.transcript()
    assert (whole.text, whole.complete, whole.language, whole.provider) == ("a b c", True, "en", "echo")
    event = outcome.event
    assert (event.segments, event.words, event.duration_seconds) == (3, 3, 3)
    assert outcome.results["transcript"]["complete"] is True
    assert (await bench.world.resources.recordings.get(bench.recording_id)).language == "en"


async def test_audio_that_starts_over_is_not_heard_twice(bench):
    await bench.store_parts(b"a", b"b", b"c")
    await eventually(lambda: len(bench.speech.pieces) == 3)
    await bench.change(lambda job: lifecycle.give_back(job, "audio", 1, 0, now()))
    await bench.change(lambda job: lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 600, now()))
    await bench.store_parts(b"a", fence=2)
    await asyncio.wait([bench.work], timeout=3 * transcribe._LOOK_SECONDS)
    await bench.store_parts(b"b", b"c", b"d", first=1, fence=2)
    await bench.complete_audio(4, fence=2)
    await bench.work
    assert bench.speech.pieces == [b"a", b"b", b"c", b"d"]


async def test_audio_that_fails_fails_the_transcript_too(bench):
    await bench.store_parts(b"a")
    await eventually(bench.shown)
    broken = Failure(code="no_media", detail="Broken.")
    await bench.change(lambda job: lifecycle.fail(job, "audio", 1, broken, now()))
    with pytest.raises(Permanent, match="upstream_failed"):
        await bench.work


async def test_a_recording_without_sound_has_an_empty_transcript(bench):
    await bench.complete_audio(0)
    outcome = await bench.work
    found = await bench.transcript()
    assert (found.text, found.language, found.complete) == ("", None, True)
    assert isinstance(outcome.event, RecordingTranscribed)
    assert (outcome.event.segments, outcome.event.language) == (0, None)


async def test_a_long_transcript_fills_its_pages_in_order(tmp_path):
    bench = await Bench().begin(tmp_path, Echo(per_piece=SEGMENTS_A_PAGE - 7))
    await bench.store_parts(b"a", b"b", b"c", b"d")
    await bench.complete_audio(4)
    outcome = await bench.work
    found = await bench.transcript()
    assert [segment.id for segment in found.segments] == list(range(4 * (SEGMENTS_A_PAGE - 7)))
    assert len(outcome.results["transcript"]["segments"]) == 20
