"""A whole recording through a live listener, and what it heard."""

import asyncio
from dataclasses import dataclass, field

from providers.speech import Draft, Final, Listener, LiveSpeech, Relieved


@dataclass
class Everything:
    """Each thing that was heard, in order."""

    heard: list[Draft | Final | Relieved] = field(default_factory=list)

    @property
    def finals(self) -> list[Final]:
        return [one for one in self.heard if isinstance(one, Final)]

    @property
    def text(self) -> str:
        return " ".join(final.segment.text for final in self.finals)


async def listen(
    speech: LiveSpeech,
    sound: bytes,
    size: int = 8_000,
    *,
    start: float = 0.0,
    first_id: int = 0,
    into: Everything | None = None,
) -> Everything:
    """Feeds the sound piece by piece, ends it, and raises what feeding or reading raised."""
    everything = into or Everything()
    async with speech.listen(start=start, first_id=first_id) as listener:
        endings = await asyncio.gather(
            _feed(listener, sound, size), _read(listener, everything), return_exceptions=True
        )
    for ending in endings:
        if ending is not None:
            raise ending
    return everything


async def _feed(listener: Listener, sound: bytes, size: int) -> None:
    for begin in range(0, len(sound), size):
        await listener.feed(sound[begin : begin + size])
    await listener.end()


async def _read(listener: Listener, everything: Everything) -> None:
    async for one in listener.heard():
        everything.heard.append(one)
