"""Offline speech to text for English: Moonshine's tiny model, which its wheel carries. No key, no network.

Caveats of the engine (moonshine-voice 0.1.0), each measured: its streams keep all sound in memory, and lose the last
lines when told not to; its word times need a model that the wheel does not have. So the sound goes through its batch
call block by block: small blocks first so that the first words come fast, larger ones later because each cut costs
some work twice. Memory stays flat and the cost per minute constant, however long the recording is.
"""

import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from providers.child import Children
from providers.speech.face import Heard
from providers.speech.words import share_out
from schemas.failures import Retryable
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.transcripts import Segment

if TYPE_CHECKING:
    from moonshine_voice.transcriber import Transcriber

Sound = NDArray[np.float32]

_REPEATED_COMMA = re.compile(r",(?:\s*,)+")
"""A habit of the model."""
_ONE_THREAD = "MOONSHINE_ORT_SINGLE_THREAD"
"""Its threads spend more of the processor on waiting for each other than on the model: a minute of a clip took 4.8 s of
it with two threads on two cores, 2.5 s with one, and no longer by the clock."""
_BLOCK_SECONDS = (6, 8, 16, 24)
_SAMPLE_BYTES = 2
_FULL_SCALE = 32768
_SHORTEST_SECONDS = 0.1
_STILL_SPEAKING_SECONDS = 0.6
"""A line that ends this close to the block's end may go on in the next block."""
_LEAD_SECONDS = 0.2
_QUIET_TAIL_SECONDS = 1.0
_LONGEST_CARRY_SECONDS = 20
_WARM_UP_SECONDS = 0.45
"""At the start of its sound the voice detector takes up to this much for speech, whatever it is."""


class Moonshine:
    """Speech to text in a child process. Hearing takes about a twentieth of the sound's length on two cores."""

    name = "moonshine"

    def __init__(self, children: Children) -> None:
        self._children = children

    async def transcribe(self, pcm: AsyncIterator[bytes]) -> AsyncGenerator[Heard, None]:
        """See SpeechToText. The language is always English: the model knows no other."""
        async with aclosing(self._children.run(listen, inputs=pcm)) as said:
            async for heard in said:
                yield heard


@cache
def engine() -> "Transcriber":
    """The model, loaded once a process (half a second, 200 MB); preload it to have it warm in a spare child."""
    import moonshine_voice
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber

    os.environ[_ONE_THREAD] = "1"  # it reads this as it loads
    model = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    return Transcriber(model, ModelArch.TINY, options={"return_audio_data": "false"})


def listen(pieces: Iterator[bytes]) -> Iterator[Heard]:
    """The child's side of Moonshine.transcribe: blocks, works, one Heard a block."""
    ear = Ear(hear)
    for sound, last in blocks(pieces):
        yield ear.hear(sound, last=last)


def blocks(pieces: Iterator[bytes]) -> Iterator[tuple[Sound, bool]]:
    """The sound in blocks of _BLOCK_SECONDS, the last size repeated; then what is left, marked as the last one."""
    waiting = bytearray()
    sizes = iter(_BLOCK_SECONDS)
    size = next(sizes) * SPEECH_SAMPLE_RATE * _SAMPLE_BYTES
    for piece in pieces:
        waiting += piece
        while len(waiting) >= size:
            yield samples(bytes(waiting[:size])), False
            del waiting[:size]
            size = next(sizes, _BLOCK_SECONDS[-1]) * SPEECH_SAMPLE_RATE * _SAMPLE_BYTES
    yield samples(bytes(waiting[: len(waiting) // _SAMPLE_BYTES * _SAMPLE_BYTES])), True


def samples(pcm: bytes) -> Sound:
    """The sound as the engine takes it, of whole samples."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)


class Line(NamedTuple):
    """One line as the engine gives it, in seconds from the start of the sound that it was given."""

    start: float
    end: float
    text: str

    @property
    def says_something(self) -> bool:
        """Whether there is a word in it."""
        return any(letter.isalnum() for letter in self.text)

    @property
    def tidy(self) -> str:
        """The text without the habits of the model."""
        return _REPEATED_COMMA.sub(",", " ".join(self.text.split()))


class Segments:
    """Makes segments of lines, in order. The engine pads lines, so that neighbours overlap: here they do not."""

    def __init__(self, first_id: int = 0) -> None:
        self._id = first_id
        self._said_until = 0.0
        self.count = 0

    def make(self, line: Line, offset: float) -> Segment:
        """The segment of a line; `offset` is where the sound starts that the line's times count from, in seconds."""
        start = round(max(offset + line.start, self._said_until), 3)
        end = round(max(offset + line.end, start), 3)
        text = line.tidy
        segment = Segment(id=self._id, start=start, end=end, text=text, words=share_out(text, start, end))
        self._id += 1
        self.count += 1
        self._said_until = end
        return segment


class Ear:
    """What is heard but not final yet: the sound since the last final line, and where it starts."""

    def __init__(self, engine: Callable[[Sound], list[Line]]) -> None:
        self._engine = engine
        self._sound: Sound = np.zeros(0, np.float32)
        self._offset = 0
        self._carried = False
        self._segments = Segments()

    def hear(self, sound: Sound, *, last: bool) -> Heard:
        """Takes in a block and says what became final with it; with `last` everything does."""
        self._sound = np.concatenate([self._sound, sound])
        lines = self._lines()
        seconds = len(self._sound) / SPEECH_SAMPLE_RATE
        final = lines if last else _finished(lines, seconds)
        segments = tuple(self._segments.make(line, self._offset / SPEECH_SAMPLE_RATE) for line in final)
        self._forget(seconds if last else cut(lines, len(final), seconds))
        return Heard(
            segments=segments, until=self._offset / SPEECH_SAMPLE_RATE, language="en" if self._segments.count else None
        )

    def _lines(self) -> list[Line]:
        if len(self._sound) < _SHORTEST_SECONDS * SPEECH_SAMPLE_RATE or not self._sound.any():
            return []  # zeros are a gap that was filled: the engine finds nothing in them either, but takes its time
        lines = self._engine(self._sound)
        if self._carried and lines and is_warm_up(lines[0]):
            lines = lines[1:]
        return [line for line in lines if line.says_something]

    def _forget(self, seconds: float) -> None:
        samples = min(len(self._sound), round(seconds * SPEECH_SAMPLE_RATE))
        self._sound = self._sound[samples:]
        self._offset += samples
        self._carried = self._carried or samples > 0


def hear(sound: Sound) -> list[Line]:
    """What the engine makes of the sound, as a whole. Raises Retryable(speech_engine_failed)."""
    with translated():
        transcript = engine().transcribe_without_streaming(sound, SPEECH_SAMPLE_RATE)
    return [Line(line.start_time, line.start_time + line.duration, line.text) for line in transcript.lines]


@contextmanager
def translated() -> Iterator[None]:
    """Turns what the engine raises inside the block into Retryable(speech_engine_failed)."""
    from moonshine_voice.errors import MoonshineError

    try:
        yield
    except MoonshineError as error:
        said = f"The speech engine could not hear a part of the sound: {error}"
        raise Retryable("speech_engine_failed", said) from error


def is_warm_up(line: Line) -> bool:
    """Whether it is what the voice detector takes for speech at the start of any sound."""
    return line.start < _LEAD_SECONDS / 2 and line.end - line.start < _WARM_UP_SECONDS


def _finished(lines: list[Line], seconds: float) -> list[Line]:
    """The lines that the next block cannot change; all of them when too much would have to be carried over."""
    finished = [line for line in lines if line.end < seconds - _STILL_SPEAKING_SECONDS]
    too_long = len(finished) < len(lines) and seconds - lines[len(finished)].start > _LONGEST_CARRY_SECONDS
    return lines if too_long else finished


def cut(lines: list[Line], finished: int, seconds: float) -> float:
    """How much of the sound is done with: up to just before the first unfinished line, or all but a quiet tail."""
    said = lines[finished - 1].end if finished else 0.0
    if finished == len(lines):
        return max(said, seconds - _QUIET_TAIL_SECONDS, 0.0)
    begins = lines[finished].start
    return max(min(said, begins), begins - _LEAD_SECONDS, 0.0)
