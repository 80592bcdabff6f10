"""The sound and the settings of the provider suites."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest

from schemas.settings import Settings

CLIP = Path(__file__).parents[2] / "media" / "screen-vp8.webm"
CLIP_TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of "
    "darkness, it was the spring of hope, it was the winter of despair. We had everything before us, we had nothing "
    "before us, we were all going direct to heaven, we were all going direct the other way. In short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its being received, for good "
    "or for evil, in the superlative degree of comparison only."
)


@pytest.fixture(scope="session")
def clip() -> bytes:
    """The sound of the recorded clip as speech engines get it."""
    return b"".join(_samples(CLIP))


def _samples(path: Path) -> Iterator[bytes]:
    resampler = av.AudioResampler("s16", "mono", 16000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            yield from (out.to_ndarray().tobytes() for out in resampler.resample(frame))
        yield from (out.to_ndarray().tobytes() for out in resampler.resample(None))


def settings_for(url: str, patience: float = 20.0) -> Settings:
    """Settings with both keys, and both services at one address."""
    return Settings.model_validate(
        {
            "deepgram_api_key": "secret-of-deepgram",
            "deepgram_base_url": url,
            "gemini_api_key": "secret-of-gemini",
            "gemini_base_url": url,
            "provider_timeout_seconds": patience,
        }
    )


async def in_pieces(sound: bytes, size: int = 32_000) -> AsyncIterator[bytes]:
    """The sound as it comes out of a decoder: piece by piece."""
    for start in range(0, len(sound), size):
        yield sound[start : start + size]
