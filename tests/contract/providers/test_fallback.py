"""Deepgram refuses, and the offline engine takes over: the real stage, the real SDK, the real engine in its child."""

from pathlib import Path

from providers.child import Children
from providers.speech.deepgram import Deepgram
from providers.speech.moonshine import Moonshine
from schemas.pipeline import JobType
from schemas.time import now
from stores import keys, lifecycle
from streams.stages import transcribe
from tests.contract.providers import fake_deepgram as api
from tests.contract.providers.conftest import settings_for
from tests.contract.providers.local import status
from tests.unit.stores.jobs import a_recording, result_of
from tests.unit.streams.fakes import Providers, World
from tests.unit.streams.working import context_of


async def test_a_key_that_is_refused_costs_nobody_the_transcript(clip: bytes, tmp_path: Path) -> None:
    world, recording = World(), a_recording()
    await world.resources.recordings.create(recording)
    await world.objects.put(keys.speech_part(recording.id, 0), clip[: 32_000 * 10], "audio/pcm")
    job = lifecycle.requested_job(recording, JobType.TRANSCRIPTION, {}, 3, None, now())

    def heard(job):
        step = lifecycle.claim(job, "audio", job.facts[0]["id"], "earlier", 600, now())
        found = {"audio": {"parts": 1, "until": 10.0}}
        lifecycle.complete(job, "audio", step.fence, found, result_of(job, "audio"), now())

    await world.resources.jobs.create(job)
    await world.resources.jobs.change(job.id, heard)
    async with api.FakeDeepgram([(0, "never")]) as server, Children() as children:
        server.faults.append(status(401, api.BAD_KEY))
        providers = Providers(children, Deepgram(settings_for(server.url)), fallback=Moonshine(children))
        ctx = await context_of(world, job, "transcribe", tmp_path, providers)
        outcome = await transcribe.perform(ctx, None)
    found = await world.resources.transcripts.get(recording.id)
    assert found is not None
    assert (found.provider, found.complete, outcome.event.provider) == ("moonshine", True, "moonshine")
    assert "best of times" in found.text
    assert outcome.results["transcript"]["fallback"] == "provider_refused_key"
    assert any("moonshine" in line.message for line in (await ctx.job()).logs)
