"""live follows an upload while it comes: drafts are shown, what is final is stored, and a failure does no harm."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from providers.speech.live import Draft, Final, Relieved
from schemas.failures import Permanent
from schemas.ids import new_id
from schemas.jobs import Failure, Status
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.recordings import RecordingStatus, Source
from schemas.time import after, now
from schemas.transcripts import Segment
from stores import keys, lifecycle
from stores.errors import LeaseLost
from stores.intake import accept, go_live
from stores.resumable import Arrival, Piece, Stored, following
from stores.resumable.arrival import close, grow
from streams.context import Context
from streams.stages import live, transcribe
from tests.unit.stores.jobs import a_recording, result_of, wake_of
from tests.unit.streams.fakes import Providers, World, eventually
from tests.unit.streams.test_transcribe import Echo

SECOND = SPEECH_SAMPLE_RATE * 2
END = None
SOUNDLESS = "."


@asynccontextmanager
async def decoder():
    """Makes a second of sound of each byte: the byte, again and again."""
    fed: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def pcm():
        while (data := await fed.get()) is not END:
            for byte in data.replace(SOUNDLESS.encode(), b""):
                yield SimpleNamespace(pcm=bytes([byte]) * SECOND)

    yield SimpleNamespace(feed=fed.put, end=lambda: fed.put(END), pcm=pcm)


class Ear:
    """Hears each second of sound as a word, first as a draft; `!` is a sound that it fails at."""

    name = "ear"

    def __init__(self) -> None:
        self.opened: list[tuple[float, int]] = []

    @asynccontextmanager
    async def listen(self, *, start: float = 0.0, first_id: int = 0):
        self.opened.append((start, first_id))
        fed: asyncio.Queue[bytes | None] = asyncio.Queue()

        async def heard():
            at, number = start, first_id
            while (pcm := await fed.get()) is not END:
                word = chr(pcm[0])
                if word == "!":
                    raise Permanent("provider_rejected", "No.")
                if word == "?":
                    yield Relieved(provider="other", code="provider_no_credit", detail="No more.")
                    continue
                yield Draft(start=at, end=at + 1, text=word)
                if word.isupper():
                    yield Final(segment=Segment(id=number, start=at, end=at + 1, text=word), language="en")
                    number += 1
                at += 1

        yield SimpleNamespace(feed=fed.put, end=lambda: fed.put(END), heard=heard)


class Bench:
    """A live recording that the test feeds, and attempts at its live step."""

    async def begin(self, tmp_path, **settings) -> "Bench":
        self.world, self.ear, self.tmp_path = World(**settings), Ear(), tmp_path
        self.jobs, self.arrivals = self.world.resources.jobs, self.world.resources.arrivals
        self.id, self.at = new_id(), 0
        nothing = {"status": RecordingStatus.AWAITING_UPLOAD, "content_type": None, "source": Source.TUS}
        self.recording = a_recording(id=self.id, object_key=keys.original(self.id), **nothing)
        await self.world.resources.recordings.create(self.recording)
        await self.arrivals.create(Arrival(self.id, "ada", None, "", after(60), now(), live=True))
        self.job_id = (await go_live(self.jobs, self.world.resources.recordings, self.recording, 3)).id
        return self

    async def come(self, words: str) -> None:
        name, body = f"{self.at:015d}-x", words.encode()
        await self.world.objects.put(keys.piece(self.id, name), body, "")
        stored = Stored(self.at, Piece(name, len(body)))
        await self.arrivals.change(self.id, lambda found: grow(found, "one", [stored], now(), after(60)))
        self.at += len(body)

    async def stop(self) -> None:
        await self.arrivals.change(self.id, lambda found: close(found, now(), now()))
        known = self.recording.model_copy(update={"content_type": "video/webm"})
        await accept(self.jobs, self.world.resources.recordings, known, 3)

    async def attempt(self, stage: str = "live", seconds: float = 60) -> Context:
        wake = wake_of(await self.jobs.get(self.job_id), stage)
        job, step = await self.jobs.change(
            self.job_id, lambda job: lifecycle.claim(job, stage, wake, new_id(), seconds, now())
        )
        intelligence = Providers(speech=Echo(), live=self.ear, decoder=decoder)
        return Context(self.world.resources, intelligence, job, step, lambda: self.tmp_path)

    async def work(self, seconds: float = 60) -> "asyncio.Task":
        self.ctx = await self.attempt(seconds=seconds)
        return asyncio.create_task(live.perform(self.ctx, None))

    async def complete(self, outcome, stage: str = "live", fence: int = 1) -> None:
        await self.jobs.change(
            self.job_id, lambda job: lifecycle.complete(job, stage, fence, outcome.results, outcome.event, now())
        )

    async def result(self, name: str):
        return (await self.jobs.get(self.job_id)).results.get(name, {})

    async def said(self) -> str:
        transcript = await self.world.resources.transcripts.get(self.id)
        return transcript.text if transcript else ""


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.002)
    monkeypatch.setattr(live, "_SHOW_SECONDS", 0.002)
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.002)


@pytest.fixture
async def bench(tmp_path, quick) -> Bench:
    return await Bench().begin(tmp_path)


@pytest.fixture
async def impatient(tmp_path, quick) -> Bench:
    return await Bench().begin(tmp_path, live_idle_seconds=0.05)


async def test_drafts_are_shown_and_what_is_final_is_stored_while_it_comes(bench):
    working = await bench.work()
    await bench.come("Ab")

    async def drafted():
        return ((await bench.result("live")).get("draft") or {}).get("text") == "b"

    await eventually(drafted)
    assert (await bench.result("transcript"))["segment_count"] == 1
    assert await bench.said() == "A"
    await bench.come("CD")
    await bench.stop()
    outcome = await working
    assert (outcome.event.type, outcome.event.segments) == ("live.transcribed", 3)
    assert outcome.results["live"] == {"draft": None, "until": 4.0, "whole": True}
    assert outcome.results["transcript"]["complete"]
    assert await bench.said() == "A C D"


async def test_whoever_takes_over_listens_from_where_the_stored_segments_end(bench):
    working = await bench.work(seconds=0)
    await bench.come("ABc")
    await eventually(lambda: _says(bench, "A B"))
    working.cancel()
    await bench.come("D")
    again = await bench.work()
    await eventually(lambda: _says(bench, "A B D"))
    await bench.stop()
    outcome = await again
    assert bench.ear.opened == [(0.0, 0), (2.0, 2)]
    transcript = await bench.world.resources.transcripts.get(bench.id)
    assert [(segment.id, segment.start) for segment in transcript.segments] == [(0, 0.0), (1, 1.0), (2, 3.0)]
    assert outcome.results["live"]["whole"]


async def test_what_was_put_right_meanwhile_is_not_taken_for_what_was_heard(bench):
    working = await bench.work(seconds=0)
    await bench.come("AB")
    await eventually(lambda: _says(bench, "A B"))
    transcripts = bench.world.resources.transcripts
    await transcripts.correct(bench.id, {}, {0: "Right"})
    working.cancel()
    again = await bench.work()
    await bench.come("C")
    await eventually(lambda: _says(bench, "Right B C"))
    await transcripts.correct(bench.id, {}, {0: None})
    await bench.stop()
    await again
    assert await bench.said() == "A B C"


async def _says(bench: Bench, text: str) -> bool:
    return await bench.said() == text


async def test_a_whole_transcript_is_taken_as_it_is_and_nobody_listens_again(bench):
    working = await bench.work()
    await bench.come("AB")
    await bench.stop()
    await bench.complete(await working)
    ctx = await bench.attempt("transcribe")
    outcome = await transcribe.perform(ctx, None)
    assert not ctx.speech.pieces
    event = outcome.event
    assert (event.type, event.provider, event.segments, event.words) == ("recording.transcribed", "ear", 2, 2)
    assert (event.language, event.duration_seconds) == ("en", 2.0)
    assert (await bench.world.resources.recordings.get(bench.id)).language == "en"


async def hears_anew(bench: Bench) -> None:
    """What follows when the live step has not heard everything."""
    await bench.attempt("audio")
    await bench.world.objects.put(keys.speech_part(bench.id, 0), b"anew", "audio/pcm")
    found = {"audio": {"parts": 1, "until": 1.0, "complete": True}}
    event = result_of(await bench.jobs.get(bench.job_id), "audio")
    await bench.jobs.change(bench.job_id, lambda job: lifecycle.complete(job, "audio", 1, found, event, now()))
    await transcribe.perform(await bench.attempt("transcribe"), None)
    assert await bench.said() == "anew"


async def test_what_the_listener_fails_at_is_heard_anew_in_the_end(bench):
    working = await bench.work()
    await bench.come("AB!")
    with pytest.raises(Permanent, match="provider_rejected"):
        await working
    failure = Failure(code="provider_rejected", detail="No.")
    await bench.jobs.change(bench.job_id, lambda job: lifecycle.fail(job, "live", 1, failure, now()))
    await bench.stop()
    await hears_anew(bench)


async def test_a_transcript_that_another_provider_went_on_with_says_so(bench):
    working = await bench.work()
    await bench.come("A?B")
    await bench.stop()
    outcome = await working
    assert await bench.said() == "A B"
    await bench.complete(outcome)
    adopted = await transcribe.perform(await bench.attempt("transcribe"), None)
    for found in (outcome.results["transcript"], adopted.results["transcript"]):
        assert (found["provider"], found["fallback"]) == ("other", "provider_no_credit")
    assert adopted.event.provider == "other"
    logs = (await bench.jobs.get(bench.job_id)).logs
    assert any("Going on with other instead." in line.message for line in logs)


async def test_what_is_not_heard_soon_after_the_end_is_heard_anew(bench, monkeypatch):
    monkeypatch.setattr(live, "_TAIL_SECONDS", 0)
    monkeypatch.setattr(Ear, "listen", _deaf)
    working = await bench.work()
    await bench.come("AB")
    await bench.stop()
    outcome = await working
    assert (outcome.event.type, outcome.results["live"]["whole"]) == ("live.ended", False)
    await bench.complete(outcome)
    await hears_anew(bench)


async def test_bytes_that_bring_no_sound_do_not_keep_their_slot(impatient):
    bench = impatient
    working = await bench.work()
    await bench.come("AB")
    await eventually(lambda: _says(bench, "A B"))

    async def let_go():
        await bench.come(SOUNDLESS)
        return working.done()

    await eventually(let_go)
    outcome = await working
    assert (outcome.event.type, outcome.results["live"]["whole"]) == ("live.ended", False)
    assert any("no sound any more" in line.message for line in (await bench.jobs.get(bench.job_id)).logs)
    await bench.complete(outcome)
    await bench.stop()
    await hears_anew(bench)


async def test_a_recorder_that_sends_nothing_keeps_its_slot_until_it_is_closed(impatient):
    bench = impatient
    working = await bench.work()
    await bench.come("AB")
    await eventually(lambda: _says(bench, "A B"))
    looked = 0
    over = bench.arrivals.get

    async def counted(recording_id):
        nonlocal looked
        looked += 1
        return await over(recording_id)

    bench.arrivals.get = counted
    await eventually(lambda: looked > 100)
    assert not working.done()
    await bench.stop()
    assert (await working).results["live"]["whole"]


@asynccontextmanager
async def _deaf(self, **_):
    async def nothing(*_):
        await asyncio.Event().wait()

    async def heard():
        await nothing()
        yield

    yield SimpleNamespace(feed=nothing, end=nothing, heard=heard)


async def test_an_attempt_that_was_left_behind_writes_nothing_over_what_is_heard_anew(bench):
    working = await bench.work(seconds=0)
    await bench.come("A")
    await eventually(lambda: _says(bench, "A"))
    await bench.stop()
    await hears_anew(bench)
    ctx = await bench.attempt("live")
    with pytest.raises(LeaseLost):
        await live.Hearing.begin(ctx, "ear")
    working.cancel()
    assert await bench.said() == "anew"
    assert (await bench.jobs.get(bench.job_id)).step("live").status is Status.RUNNING
