"""The real Deepgram SDK against a local websocket server: what is asked, and what happens when the line breaks."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from aiohttp import web

from providers.speech import Final, Listener
from providers.speech.deepgram_live import DeepgramLive, Patience
from schemas.failures import Permanent, Retryable, StepFailure
from tests.contract.providers import fake_deepgram as api
from tests.contract.providers.conftest import settings_for
from tests.contract.providers.fake_deepgram_live import FakeLiveDeepgram
from tests.contract.providers.listening import Everything, listen
from tests.contract.providers.local import Fault, slam, status

SOUND = Random(6).randbytes(32_000 * 20)
WORDS = [(number % 2, f"word{number}", number * 0.5 + 0.05, number * 0.5 + 0.45) for number in range(40)]
QUICK = Patience(keep_alive=0.05, answer=0.3, pauses=(0.0, 0.01, 0.01))


@pytest.fixture
async def server() -> AsyncIterator[FakeLiveDeepgram]:
    async with FakeLiveDeepgram(SOUND, WORDS) as served:
        yield served


def deepgram(server: FakeLiveDeepgram) -> DeepgramLive:
    return DeepgramLive(settings_for(server.url), QUICK)


def spoken(everything: Everything) -> list[str]:
    return [word.text for final in everything.finals for word in final.segment.words]


async def failure(server: FakeLiveDeepgram) -> StepFailure:
    with pytest.raises(StepFailure) as caught:
        await listen(deepgram(server), SOUND[: 32_000 * 5])
    assert "secret-of-deepgram" not in str(caught.value)
    return caught.value


async def test_asks_for_drafts_speakers_and_punctuation(server: FakeLiveDeepgram) -> None:
    everything = await listen(deepgram(server), SOUND)
    wanted = {"interim_results", "diarize", "smart_format", "punctuate"}
    assert {server.query[name] for name in wanted} == {"true"}
    assert (server.query["model"], server.query["language"]) == ("nova-3", "multi")
    assert (server.query["encoding"], server.query["sample_rate"], server.query["channels"]) == (
        "linear16",
        "16000",
        "1",
    )
    assert server.headers["Authorization"] == "Token secret-of-deepgram"
    assert {final.segment.speaker for final in everything.finals} == {"Speaker 1", "Speaker 2"}
    assert everything.finals[0].segment.words[0].confidence == 0.98


async def test_a_line_that_is_cut_loses_no_word_and_says_none_twice(server: FakeLiveDeepgram) -> None:
    server.cuts.extend([1.0, 4.5, 0.2, 7.7])
    everything = await listen(deepgram(server), SOUND, start=100.0)
    assert server.asked == 5
    assert spoken(everything) == [text for _, text, _, _ in WORDS]
    starts = [word.start for final in everything.finals for word in final.segment.words]
    assert starts == pytest.approx([100.0 + start for _, _, start, _ in WORDS], abs=0.05)
    assert [final.segment.id for final in everything.finals] == list(range(len(everything.finals)))


async def test_a_line_is_kept_alive_and_brought_up_to_date_while_nothing_comes(server: FakeLiveDeepgram) -> None:
    async with deepgram(server).listen() as listener, asyncio.timeout(10):
        await listener.feed(SOUND[:32_000])
        assert (await anext(_finals(listener))).segment.text == "word0"
        await server.kept_alive.wait()
    assert server.told[0] == "Finalize"


async def _finals(listener: Listener) -> AsyncIterator[Final]:
    async for one in listener.heard():
        if isinstance(one, Final):
            yield one


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (status(401, api.BAD_KEY), "provider_refused_key"),
        (status(402, api.NO_CREDIT), "provider_no_credit"),
        (status(400, api.BAD_AUDIO), "provider_refused"),
    ],
)
async def test_a_refusal_is_final(server: FakeLiveDeepgram, fault: Fault, code: str) -> None:
    server.faults.append(fault)
    error = await failure(server)
    assert isinstance(error, Permanent)
    assert (error.code, server.asked) == (code, 1)


async def nonsense(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str('{"type": "Results", "channel"')
    await socket.receive()
    return socket


async def incomplete(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_json({"type": "Results", "start": 0.0, "channel": {"alternatives": []}})
    await socket.receive()
    return socket


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (slam, "provider_unavailable"),
        (status(429, api.TOO_MANY), "provider_rate_limited"),
        (status(503, api.OVERLOADED), "provider_unavailable"),
        (nonsense, "provider_broken_answer"),
        (incomplete, "provider_broken_answer"),
    ],
)
async def test_trouble_is_given_up_after_some_connections(server: FakeLiveDeepgram, fault: Fault, code: str) -> None:
    server.faults.extend([fault] * 10)
    error = await failure(server)
    assert isinstance(error, Retryable)
    assert (error.code, server.asked) == (code, 1 + len(QUICK.pauses))


async def test_a_line_that_says_nothing_is_given_up(server: FakeLiveDeepgram) -> None:
    server.mute = True
    error = await failure(server)
    assert (error.code, server.asked) == ("provider_timeout", 1 + len(QUICK.pauses))


async def test_what_was_final_before_a_failure_is_still_heard(server: FakeLiveDeepgram) -> None:
    server.cuts.append(4.0)
    server.faults.extend([server.answer, status(401, api.BAD_KEY)])
    everything = Everything()
    with pytest.raises(Permanent):
        await listen(deepgram(server), SOUND, into=everything)
    assert spoken(everything) == [text for _, text, _, end in WORDS if end < 3.0]
