"""When a provider fails for good, the fallback does the work in the same attempt, and everybody can see that it did."""

import pytest

from providers.speech import Heard
from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.failures import Busy, Permanent, Retryable
from schemas.jobs import Failure
from schemas.time import now
from schemas.transcripts import Segment
from stores import keys, lifecycle
from stores.errors import StoreUnavailable
from stores.transcripts import SEGMENTS_A_PAGE
from streams.stages import analyse, transcribe
from tests.unit.stores.jobs import a_job, a_recording, result_of, wake_of
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.test_transcribe import Echo
from tests.unit.streams.working import context_of

REFUSED = Permanent("provider_refused_key", "No such key.")
AWAY = Retryable("provider_unavailable", "It is away.", 60.0)


class Failing:
    """A provider that says something, and then fails; it has taken in the first sound by then."""

    name = "failing"

    def __init__(self, failure: Exception, says: int = 0) -> None:
        self.failure, self.says, self.asked = failure, says, 0

    async def transcribe(self, pcm):
        self.asked += 1
        async for _ in pcm:
            break
        if self.says:
            segments = [Segment(id=n, start=n, end=n + 1, text="wrong") for n in range(self.says)]
            yield Heard(segments=tuple(segments), until=1, language="fr")
        raise self.failure

    async def analyse(self, transcript):
        self.asked += 1
        raise self.failure


class Offline:
    """An analyst that always has an answer."""

    name = "offline"

    async def analyse(self, transcript):
        return Analyses(
            summary=Summary(text=transcript.text, provider=self.name),
            action_items=ActionItems(provider=self.name),
            key_points=KeyPoints(provider=self.name),
            sentiment=Sentiment(provider=self.name),
        )


async def at(stage: str, folder, providers: Providers, attempts: int = 3):
    """The context of the first of so many attempts at a stage, with what the stages before it leave."""
    world, recording = World(), a_recording()
    await world.resources.recordings.create(recording)
    job = await world.resources.jobs.create(a_job(recording, attempts=attempts, at=now()))
    for number in range(2):
        await world.objects.put(keys.speech_part(recording.id, number), b"word", "audio/pcm")
    if stage == "analyse":
        await world.resources.transcripts.begin(recording.id, "0", "echo")
        await world.resources.transcripts.write(recording.id, "0", 0, [Segment(id=0, start=0, end=1, text="Well.")])
        await world.resources.transcripts.finish(recording.id, "0", "echo", "en")
    for needed in ("audio", "transcribe")[: 2 if stage == "analyse" else 1]:
        found = {"audio": {"parts": 2, "until": 2.0}} if needed == "audio" else {}

        def complete(job, needed=needed, found=found):
            step = lifecycle.claim(job, needed, wake_of(job, needed), "earlier", 600, now())
            lifecycle.complete(job, needed, step.fence, found, result_of(job, needed), now())

        await world.resources.jobs.change(job.id, complete)
    return world, await context_of(world, job, stage, folder, providers)


@pytest.mark.parametrize(("failure", "attempts"), [(REFUSED, 3), (REFUSED, 1), (AWAY, 1)])
@pytest.mark.parametrize("says", [0, 1, SEGMENTS_A_PAGE * 2 + 1])
async def test_the_transcript_is_the_fallbacks_alone(tmp_path, failure, attempts, says):
    echo = Echo()
    world, ctx = await at("transcribe", tmp_path, Providers(speech=Failing(failure, says), fallback=echo), attempts)
    outcome = await transcribe.perform(ctx, None)
    found = await world.resources.transcripts.get(ctx.recording_id)
    assert (found.text, found.language, found.provider, found.complete) == ("word word", "en", "echo", True)
    assert echo.pieces == [b"word", b"word"]
    assert outcome.event.provider == "echo"
    shown = outcome.results["transcript"]
    assert (shown["provider"], shown["fallback"], shown["segment_count"]) == ("echo", failure.code, 2)
    assert any(failure.code in line.message and "echo" in line.message for line in (await ctx.job()).logs)


async def test_the_analyses_name_who_made_them(tmp_path):
    world, ctx = await at("analyse", tmp_path, Providers(analyst=Failing(REFUSED), fallback=Offline()))
    outcome = await analyse.perform(ctx, None)
    found = await world.resources.analyses.get(ctx.recording_id)
    assert (found.summary.text, found.summary.provider) == ("Well.", "offline")
    assert outcome.event.provider == "offline"
    assert (outcome.results["analyses"]["provider"], outcome.results["analyses"]["fallback"]) == (
        "offline",
        REFUSED.code,
    )
    assert any(REFUSED.code in line.message for line in (await ctx.job()).logs)


async def test_while_there_are_attempts_left_the_provider_is_asked_again(tmp_path):
    echo = Echo()
    _, ctx = await at("transcribe", tmp_path, Providers(speech=Failing(AWAY), fallback=echo), 2)
    with pytest.raises(Retryable) as caught:
        await transcribe.perform(ctx, None)
    assert caught.value is AWAY
    assert echo.pieces == []


async def test_waits_for_the_provider_count_where_there_is_a_fallback(tmp_path):
    echo = Echo()
    world, ctx = await at("transcribe", tmp_path, Providers(speech=Failing(AWAY), fallback=echo), 3)
    waiting = Failure(code=AWAY.code, detail=AWAY.detail)
    for tried in (1, 2):
        with pytest.raises(Retryable):
            await transcribe.perform(ctx, None)
        fence = (await ctx.job()).step("transcribe").fence
        job, _ = await world.resources.jobs.change(
            ctx.job_id, lambda job, fence=fence: lifecycle.put_off(job, "transcribe", fence, waiting, 0, now())
        )
        assert (job.step("transcribe").attempt, job.step("transcribe").returns) == (0, tried)
        ctx = await context_of(world, job, "transcribe", tmp_path, Providers(speech=Failing(AWAY), fallback=echo))
    outcome = await transcribe.perform(ctx, None)
    assert outcome.event.provider == "echo"


@pytest.mark.parametrize(
    "failure",
    [
        Permanent("undecodable", "It is no sound."),
        Permanent("upstream_failed", "There is no sound."),
        Retryable("child_crashed", "It crashed."),
        Retryable("speech_engine_failed", "It failed."),
        StoreUnavailable("object store", "away"),
        Busy("not_ready", "Not now."),
        LookupError("nobody foresaw it"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_what_is_not_the_providers_fault_stays_what_it_is(tmp_path, failure):
    echo = Echo()
    _, ctx = await at("transcribe", tmp_path, Providers(speech=Failing(failure), fallback=echo), 1)
    with pytest.raises(type(failure)) as caught:
        await transcribe.perform(ctx, None)
    assert caught.value is failure
    assert echo.pieces == []


async def test_without_a_fallback_the_failure_stands(tmp_path):
    _, ctx = await at("analyse", tmp_path, Providers(analyst=Failing(REFUSED)), 1)
    with pytest.raises(Permanent) as caught:
        await analyse.perform(ctx, None)
    assert caught.value is REFUSED


async def test_a_fallback_that_fails_too_says_so_itself(tmp_path):
    last = Retryable("speech_engine_failed", "It failed as well.")
    _, ctx = await at("transcribe", tmp_path, Providers(speech=Failing(REFUSED), fallback=Failing(last)), 1)
    with pytest.raises(Retryable) as caught:
        await transcribe.perform(ctx, None)
    assert caught.value is last


async def test_a_provider_that_works_is_not_replaced(tmp_path):
    unused = Failing(REFUSED)
    _, ctx = await at("transcribe", tmp_path, Providers(speech=Echo(), fallback=unused), 1)
    outcome = await transcribe.perform(ctx, None)
    assert (outcome.results["transcript"]["provider"], outcome.results["transcript"]["fallback"]) == ("echo", None)
    assert unused.asked == 0
