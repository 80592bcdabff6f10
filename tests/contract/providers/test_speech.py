"""What every speech-to-text provider does, asked of Moonshine's real model and of the real Deepgram SDK."""

import re
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from providers.child import Children
from providers.speech import Heard, SpeechToText
from providers.speech.deepgram import Deepgram
from providers.speech.moonshine import Moonshine
from schemas.failures import Permanent, Retryable
from tests.contract.providers.conftest import CLIP_TEXT, in_pieces, settings_for
from tests.contract.providers.fake_deepgram import FakeDeepgram


@pytest.fixture(params=["moonshine", "deepgram"])
async def speech(request: pytest.FixtureRequest) -> AsyncIterator[SpeechToText]:
    if request.param == "moonshine":
        async with Children() as children:
            yield Moonshine(children)
            assert children.pids == ()
    else:
        async with FakeDeepgram([(0, word) for word in CLIP_TEXT.split()]) as server:
            yield Deepgram(settings_for(server.url))


async def hear(speech: SpeechToText, sound: bytes, size: int = 32_000) -> list[Heard]:
    return [heard async for heard in speech.transcribe(in_pieces(sound, size))]


async def test_the_words_of_the_clip_match_what_is_said(speech: SpeechToText, clip: bytes) -> None:
    heard = await hear(speech, clip)
    segments = [segment for one in heard for segment in one.segments]
    assert word_error_rate(CLIP_TEXT, " ".join(segment.text for segment in segments)) < 0.12
    assert [segment.id for segment in segments] == list(range(len(segments)))
    assert heard[-1].language == "en"


async def test_times_ascend_and_stay_within_the_sound(speech: SpeechToText, clip: bytes) -> None:
    heard = await hear(speech, clip)
    length = len(clip) / 32_000
    assert heard[-1].until == pytest.approx(length, abs=0.01)
    assert all(before.until <= after.until for before, after in pairwise(heard))
    segments = [segment for one in heard for segment in one.segments]
    assert all(before.end <= after.start + 0.001 for before, after in pairwise(segments))
    for segment in segments:
        borders = [moment for word in segment.words for moment in (word.start, word.end)]
        assert borders == sorted(borders)
        assert segment.start <= borders[0]
        assert borders[-1] <= segment.end <= length + 0.5
        assert " ".join(word.text for word in segment.words) == segment.text


async def test_silence_has_no_segments_and_no_language(speech: SpeechToText) -> None:
    heard = await hear(speech, bytes(32_000 * 8))
    assert heard[-1] == Heard(until=8.0)
    assert not any(one.segments for one in heard)


@pytest.mark.parametrize("length", [0, 1, 2, 1_001], ids=lambda length: f"{length} bytes")
async def test_hardly_any_sound_is_no_failure(speech: SpeechToText, length: int) -> None:
    heard = await hear(speech, bytes(length))
    assert [one.segments for one in heard] == [()]
    assert heard[0].until == pytest.approx(length / 32_000, abs=0.001)


async def test_where_the_pieces_are_cut_makes_no_difference(speech: SpeechToText, clip: bytes) -> None:
    part = clip[: 32_000 * 12]
    assert await hear(speech, part, size=7_777) == await hear(speech, part, size=len(part))


class StoreAway(Retryable):
    """As the stores say it: the runner tells it by its type."""


@pytest.mark.parametrize(
    "failure",
    [Permanent("upstream_failed", "The recording ends here."), StoreAway("store_unavailable", "Away."), LookupError()],
    ids=lambda failure: type(failure).__name__,
)
async def test_what_breaks_the_sound_comes_through_as_it_was(
    speech: SpeechToText, clip: bytes, failure: Exception
) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield clip[: 32_000 * 2]
        raise failure

    with pytest.raises(type(failure)) as caught:
        async for _ in speech.transcribe(breaks()):
            pass
    assert caught.value is failure


def word_error_rate(wanted: str, got: str) -> float:
    """Edits to get from what was said to what was heard, per word said."""
    wanted_words, got_words = (re.findall(r"[a-z']+", text.lower()) for text in (wanted, got))
    row = list(range(len(got_words) + 1))
    for number, word in enumerate(wanted_words, 1):
        previous, row[0] = row[0], number
        for column, other in enumerate(got_words, 1):
            edits = min(row[column] + 1, row[column - 1] + 1, previous + (word != other))
            previous, row[column] = row[column], edits
    return row[-1] / len(wanted_words)
