"""The real Deepgram SDK against a local server: what is asked, how the answer is read, and every way to fail."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from providers.speech import Heard
from providers.speech.deepgram import Deepgram, _Upload
from schemas.failures import Permanent, Retryable, StepFailure
from tests.contract.providers import fake_deepgram as api
from tests.contract.providers.conftest import in_pieces, settings_for
from tests.contract.providers.local import Fault, cut, slam, status, text

SOUND = b"\1\2" * 16_000 * 3
TALK = [(4, "Hello"), (4, "there."), (1, "Good"), (1, "morning."), (4, "Bye.")]


@pytest.fixture
async def server() -> AsyncIterator[api.FakeDeepgram]:
    async with api.FakeDeepgram(TALK) as served:
        yield served


async def ask(server: api.FakeDeepgram) -> list[Heard]:
    deepgram = Deepgram(settings_for(server.url))
    return [heard async for heard in deepgram.transcribe(in_pieces(SOUND, 10_001))]


async def failure(server: api.FakeDeepgram, fault: Fault) -> StepFailure:
    server.faults.append(fault)
    with pytest.raises(StepFailure) as caught:
        await ask(server)
    assert server.asked == 1, "the runner retries, not the SDK"
    assert "secret-of-deepgram" not in str(caught.value)
    return caught.value


async def test_asks_for_speakers_punctuation_and_language(server: api.FakeDeepgram) -> None:
    await ask(server)
    wanted = {"diarize", "smart_format", "punctuate", "detect_language"}
    assert {server.query[name] for name in wanted} == {"true"}
    assert server.query["model"] == "nova-3"
    assert (server.query["encoding"], server.query["sample_rate"], server.query["channels"]) == (
        "linear16",
        "16000",
        "1",
    )
    assert server.headers["Authorization"] == "Token secret-of-deepgram"
    assert server.body == SOUND


async def test_a_change_of_speaker_starts_a_segment_and_labels_go_by_appearance(server: api.FakeDeepgram) -> None:
    [heard] = await ask(server)
    said = [(segment.speaker, segment.text) for segment in heard.segments]
    assert said == [("Speaker 1", "Hello there."), ("Speaker 2", "Good morning."), ("Speaker 1", "Bye.")]
    assert heard.segments[0].words[0].confidence == 0.98
    assert not heard.segments[0].words[0].estimated


async def test_the_sound_goes_up_while_it_is_still_being_made(server: api.FakeDeepgram) -> None:
    arrived = asyncio.Event()

    async def first_piece(request: api.web.Request) -> api.web.StreamResponse:
        await request.content.readany()
        arrived.set()
        await request.read()
        return api.web.json_response(api.answer_of([], 2.0, "en"))

    async def sound() -> AsyncIterator[bytes]:
        yield bytes(32_000)
        await asyncio.wait_for(arrived.wait(), 10)
        yield bytes(32_000)

    server.faults.append(first_piece)
    [heard] = [heard async for heard in Deepgram(settings_for(server.url)).transcribe(sound())]
    assert heard == Heard(until=2.0)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Timeout]:
    """The clock of each request, once it has been set."""
    found: list[asyncio.Timeout] = []
    wait = _Upload._wait

    def noted(upload: _Upload, seconds: float) -> None:
        wait(upload, seconds)
        found.append(upload.deadline())

    monkeypatch.setattr(_Upload, "_wait", noted)
    return found


async def test_slow_sound_is_no_slow_provider(server: api.FakeDeepgram, clocks: list[asyncio.Timeout]) -> None:
    """However long the sound takes: the clock stands while it is waited for."""
    ends: list[float | None] = []

    async def sound() -> AsyncIterator[bytes]:
        yield SOUND[:32_000]
        for _ in range(2):
            ends.append(clocks[-1].when())
            yield SOUND[:32_000]

    assert [heard.until async for heard in Deepgram(settings_for(server.url)).transcribe(sound())] == [3.0]
    assert ends == [None, None]
    assert clocks[-1].when() is not None, "and runs while the answer is"


async def test_too_many_requests_are_retried_when_the_provider_says(server: api.FakeDeepgram) -> None:
    error = await failure(server, status(429, api.TOO_MANY, {"Retry-After": "17"}))
    assert isinstance(error, Retryable)
    assert (error.code, error.retry_after) == ("provider_rate_limited", 17.0)


async def test_too_many_requests_without_a_date_are_retried_by_our_own_backoff(server: api.FakeDeepgram) -> None:
    error = await failure(server, status(429, api.TOO_MANY))
    assert isinstance(error, Retryable)
    assert (error.code, error.retry_after) == ("provider_rate_limited", None)


async def test_a_service_that_is_overloaded_is_given_the_time_it_asks_for(server: api.FakeDeepgram) -> None:
    error = await failure(server, status(503, api.OVERLOADED, {"Retry-After": "9"}))
    assert isinstance(error, Retryable)
    assert (error.code, error.retry_after) == ("provider_unavailable", 9.0)


async def test_an_answer_that_comes_before_all_of_the_sound_has_gone_up_counts(server: api.FakeDeepgram) -> None:
    answered = asyncio.Event()

    async def at_once(request: api.web.Request) -> api.web.StreamResponse:
        answered.set()
        return api.web.json_response(api.BAD_KEY, status=401)

    async def sound() -> AsyncIterator[bytes]:
        yield bytes(32_000)
        await asyncio.wait_for(answered.wait(), 10)
        for _ in range(200):
            yield bytes(320_000)

    server.faults.append(at_once)
    with pytest.raises(Permanent) as caught:
        async for _ in Deepgram(settings_for(server.url)).transcribe(sound()):
            pass
    assert caught.value.code == "provider_refused_key"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (status(408, api.SLOW_UPLOAD), "provider_unavailable"),
        (status(500, api.SERVER_ERROR), "provider_unavailable"),
        (text("<html>Bad Gateway</html>", 502, "text/html"), "provider_unavailable"),
        (slam, "provider_unavailable"),
        (cut, "provider_unavailable"),
        (text('{"metadata": {"request_id"'), "provider_broken_answer"),
        (text('{"request_id": "later"}'), "provider_broken_answer"),
        (text('{"metadata": {}, "results": {"channels": []}}'), "provider_broken_answer"),
        (text("[]"), "provider_broken_answer"),
        (text("null"), "provider_broken_answer"),
    ],
)
async def test_trouble_on_the_other_side_is_worth_another_try(
    server: api.FakeDeepgram, fault: Fault, code: str
) -> None:
    error = await failure(server, fault)
    assert isinstance(error, Retryable)
    assert error.code == code


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (status(401, api.BAD_KEY), "provider_refused_key"),
        (status(403, api.BAD_KEY), "provider_refused_key"),
        (status(402, api.NO_CREDIT), "provider_no_credit"),
        (status(400, api.BAD_AUDIO), "provider_refused"),
        (status(404, api.NO_MODEL), "provider_refused"),
        (text("Payload Too Large", 413, "text/plain"), "provider_refused"),
    ],
)
async def test_a_refusal_is_final_and_says_why(server: api.FakeDeepgram, fault: Fault, code: str) -> None:
    error = await failure(server, fault)
    assert isinstance(error, Permanent)
    assert error.code == code


async def test_a_hang_ends_with_the_timeout(server: api.FakeDeepgram, clocks: list[asyncio.Timeout]) -> None:
    asking = asyncio.create_task(failure(server, server.hang))
    await asyncio.wait_for(server.hanging.wait(), 60)
    clocks[-1].reschedule(asyncio.get_running_loop().time())
    error = await asking
    assert isinstance(error, Retryable)
    assert error.code == "provider_timeout"


async def test_nobody_listening_is_worth_another_try() -> None:
    deepgram = Deepgram(settings_for("http://127.0.0.1:1"))
    with pytest.raises(Retryable) as caught:
        async for _ in deepgram.transcribe(in_pieces(SOUND)):
            pass
    assert caught.value.code == "provider_unavailable"


async def test_cancelling_hangs_up(server: api.FakeDeepgram) -> None:
    server.faults.append(server.hang)
    asking = asyncio.create_task(ask(server))
    await asyncio.wait_for(server.hanging.wait(), 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
