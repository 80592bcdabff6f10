"""What every live speech provider does: Moonshine in a child, and the real Deepgram SDK against a local websocket."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from providers.child import Children
from providers.speech import Draft, LiveSpeech
from providers.speech.deepgram_live import DeepgramLive
from providers.speech.moonshine_live import MoonshineLive
from tests.contract.providers.conftest import CLIP_TEXT, settings_for
from tests.contract.providers.fake_deepgram_live import FakeLiveDeepgram
from tests.contract.providers.listening import listen
from tests.contract.providers.test_speech import word_error_rate

SECONDS = 12
FIRST_WORDS = " ".join(CLIP_TEXT.split()[:30])
"""What is said of the clip in that time: its last words come right at the end of it."""


@pytest.fixture
def part(clip: bytes) -> bytes:
    return clip[: 32_000 * SECONDS]


@pytest.fixture(params=["moonshine", "deepgram"])
async def speech(request: pytest.FixtureRequest, part: bytes) -> AsyncIterator[LiveSpeech]:
    if request.param == "moonshine":
        async with Children() as children:
            yield MoonshineLive(children)
            assert children.pids == ()
    else:
        words, step = FIRST_WORDS.split(), SECONDS / 30
        said = [(0, word, number * step, number * step + step * 0.9) for number, word in enumerate(words)]
        async with FakeLiveDeepgram(part, said) as server:
            yield DeepgramLive(settings_for(server.url))
            if server.asked:
                await asyncio.wait_for(server.idle.wait(), 10)


async def test_words_are_final_at_their_times(speech: LiveSpeech, part: bytes) -> None:
    everything = await listen(speech, part, 7_777, start=600.0, first_id=7)
    segments = [final.segment for final in everything.finals]
    assert word_error_rate(FIRST_WORDS, everything.text) < 0.25
    assert [segment.id for segment in segments] == list(range(7, 7 + len(segments)))
    assert {final.language for final in everything.finals} == {"en"}
    assert all(before.end <= after.start + 0.001 for before, after in pairwise(segments))
    assert 600.0 <= segments[0].start < 602.0
    assert 600.0 + SECONDS - 2 < segments[-1].end <= 600.0 + SECONDS + 0.5
    for segment in segments:
        assert " ".join(word.text for word in segment.words) == segment.text
        assert segment.start <= segment.words[0].start <= segment.words[-1].end <= segment.end


async def test_silence_says_nothing(speech: LiveSpeech) -> None:
    assert (await listen(speech, bytes(32_000 * 4))).heard == []


async def test_hardly_any_sound_is_no_failure(speech: LiveSpeech) -> None:
    assert (await listen(speech, bytes(1_001))).heard == []


async def test_what_is_being_said_is_a_draft_and_leaving_then_ends_what_was_begun(
    speech: LiveSpeech, part: bytes
) -> None:
    async with asyncio.timeout(60), speech.listen(start=600.0) as listener:
        await listener.feed(part[: 32_000 * 5 // 2])
        draft = await anext(aiter(listener.heard()))
    assert isinstance(draft, Draft)
    assert draft.text.startswith("It w")
    assert 600.0 <= draft.start < draft.end < 603.0
