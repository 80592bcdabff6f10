"""Where Deepgram's live line fails for good another provider goes on: here the same, of another server."""

from collections.abc import AsyncIterator

import pytest

from providers.speech import Relieved
from providers.speech.deepgram_live import DeepgramLive
from providers.speech.relay import Relay
from tests.contract.providers import fake_deepgram as api
from tests.contract.providers.conftest import settings_for
from tests.contract.providers.fake_deepgram_live import FakeLiveDeepgram
from tests.contract.providers.listening import Everything, listen
from tests.contract.providers.local import Fault, slam, status
from tests.contract.providers.test_deepgram_live import QUICK, SOUND, WORDS, spoken


@pytest.fixture
async def first() -> AsyncIterator[FakeLiveDeepgram]:
    async with FakeLiveDeepgram(SOUND, WORDS) as served:
        yield served


@pytest.fixture
async def second() -> AsyncIterator[FakeLiveDeepgram]:
    async with FakeLiveDeepgram(SOUND, WORDS) as served:
        yield served


def relay(first: FakeLiveDeepgram, second: FakeLiveDeepgram) -> Relay:
    return Relay(DeepgramLive(settings_for(first.url), QUICK), DeepgramLive(settings_for(second.url)))


def relieved(everything: Everything) -> list[str]:
    return [one.code for one in everything.heard if isinstance(one, Relieved)]


@pytest.mark.parametrize("at", [0.0, 4.0, 13.1])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (status(401, api.BAD_KEY), "provider_refused_key"),
        (status(402, api.NO_CREDIT), "provider_no_credit"),
        (status(429, api.TOO_MANY), "provider_rate_limited"),
        (slam, "provider_unavailable"),
    ],
)
async def test_the_other_goes_on_from_the_last_final_word(
    first: FakeLiveDeepgram, second: FakeLiveDeepgram, fault: Fault, code: str, at: float
) -> None:
    if at:
        first.cuts.append(at)
        first.faults.append(first.answer)
    first.faults.extend([fault] * 10)
    everything = await listen(relay(first, second), SOUND, 7_777, start=100.0, first_id=7)
    assert spoken(everything) == [text for _, text, _, _ in WORDS]
    starts = [word.start for final in everything.finals for word in final.segment.words]
    assert starts == pytest.approx([100.0 + start for _, _, start, _ in WORDS], abs=0.05)
    assert [final.segment.id for final in everything.finals] == list(range(7, 7 + len(everything.finals)))
    assert relieved(everything) == [code]
    assert second.asked == 1


async def test_a_line_that_hangs_is_relieved_though_nothing_more_is_fed(
    first: FakeLiveDeepgram, second: FakeLiveDeepgram
) -> None:
    first.mute = True
    everything = Everything()
    async with relay(first, second).listen() as listener:
        await listener.feed(SOUND[: 32_000 * 5])
        async for one in listener.heard():
            everything.heard.append(one)
            if spoken(everything):
                break
    assert relieved(everything) == ["provider_timeout"]
    assert spoken(everything)[0] == "word0"


async def test_while_nothing_fails_the_other_is_not_asked(first: FakeLiveDeepgram, second: FakeLiveDeepgram) -> None:
    first.cuts.extend([1.0, 4.5])
    everything = await listen(relay(first, second), SOUND)
    assert spoken(everything) == [text for _, text, _, _ in WORDS]
    assert (relieved(everything), second.asked) == ([], 0)


async def test_what_the_other_fails_at_is_the_failure(first: FakeLiveDeepgram, second: FakeLiveDeepgram) -> None:
    for server, fault in ((first, status(401, api.BAD_KEY)), (second, status(402, api.NO_CREDIT))):
        server.faults.append(fault)
    with pytest.raises(Exception, match="provider_no_credit"):
        await listen(relay(first, second), SOUND)
