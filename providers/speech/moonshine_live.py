"""Offline live speech to text for English: Moonshine's streams, one child process a recording. No key, no network.

What the engine's streams leave to do, each measured (moonshine-voice 0.1.0): they keep all sound in memory, so a stream
is replaced by a fresh one every minute, at a line's end, and is given again what was not final; told to stop, they cut
the last half second off, so the end is heard by the batch call. Each update hears all of the growing line again, for a
twentieth of its length on one core; so the longer a line, the more has to come before the next. A process takes 220 MB,
nearly all of it the model, and half a second of a core to start. Four streams in one process took 236 MB: one that
served several recordings would save that, for a protocol of its own and for losing all of them with any of them.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple, Protocol

import numpy as np
import structlog

from providers.child import Children
from providers.child_limits import renew_cpu
from providers.inlet import Inlet
from providers.speech.live import Draft, Final, Said
from providers.speech.moonshine import Line, Segments, Sound, cut, engine, hear, is_warm_up, samples, translated
from schemas.failures import Retryable, StepFailure
from schemas.media import SPEECH_SAMPLE_RATE

_STREAM_SECONDS = 60.0
_SHORTEST_SECONDS = 0.1
_BYTES_A_SECOND = SPEECH_SAMPLE_RATE * 2
_LEAST_BYTES, _MOST_BYTES = _BYTES_A_SECOND * 3 // 4, _BYTES_A_SECOND * 10
_NEW_SHARE, _MOST_NEW_SECONDS = 0.25, 2.0
"""How much of a growing line has to be new before it is heard again, and how much is enough for any."""
_PAUSE_SECONDS, _PAUSE_LOUDNESS = 0.25, 0.25
"""It is heard at once when the newest sound is so quiet for so long, by the loudness of all that is not final."""

_SETTLED_SECONDS = 0.05
"""When nothing came for so long, no more of it comes right now."""

_PIECES_WAITING = 16
_CPU_SECONDS_A_MINUTE = 300
_NEVER = 1e9

log = structlog.get_logger(__name__)


class MoonshineLive:
    """Live speech to text in a child process a recording. `children` need no limit of processor time: see renew_cpu."""

    name = "moonshine"

    def __init__(self, children: Children) -> None:
        self._children = children

    @asynccontextmanager
    async def listen(self, *, start: float = 0.0, first_id: int = 0) -> AsyncIterator["MoonshineListener"]:
        """See LiveSpeech. The language is always English: the model knows no other."""
        listener = MoonshineListener()
        working = asyncio.create_task(listener.work(self._children, start, first_id))
        try:
            yield listener
        finally:
            working.cancel()
            await asyncio.wait([working])


class MoonshineListener:
    """See Listener."""

    def __init__(self) -> None:
        self._inlet, self._said = Inlet(), Said()

    async def feed(self, pcm: bytes) -> None:
        """See Listener."""
        await self._inlet.put(pcm)
        if self._said.failure is not None:
            raise self._said.failure

    def heard(self) -> AsyncIterator[Draft | Final]:
        """See Listener."""
        return self._said.read()

    async def end(self) -> None:
        """See Listener."""
        await self._inlet.end()
        await self._said.closed()

    async def work(self, children: Children, start: float, first_id: int) -> None:
        """Runs the child to its end; cancelling kills it."""
        failure: StepFailure | None = None
        try:
            async with aclosing(children.run(follow, start, first_id, inputs=self._inlet.slices())) as all_said:
                async for said in all_said:
                    await self._said.put(said)
        except StepFailure as error:
            failure = error
        except Exception:
            log.exception("listening broke off")
            failure = Retryable("child_crashed", "The speech engine's process met an error that nobody foresaw.")
        finally:
            self._inlet.close()
            await self._said.close(failure)


def follow(pieces: Iterator[bytes], start: float, first_id: int) -> Iterator[Draft | Final]:
    """The child's side of MoonshineLive.listen. Raises Retryable(speech_engine_failed)."""
    ear, minutes = LiveEar(EngineStream, hear, start, first_id), -1
    for sound, last in gathered(pieces):
        if ear.seconds // 60 > minutes:
            minutes = int(ear.seconds // 60)
            renew_cpu(_CPU_SECONDS_A_MINUTE)
        yield from ear.finish(samples(sound)) if last else ear.hear(samples(sound))


def gathered(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The sound, of whole samples, in as large pieces as there are at once: each is worth one look of the engine.

    Then what is left, marked as the last one.

    A recorder's chunk comes in many pieces, one right after the other, and much may wait while the engine is busy.
    """
    waiting: queue.Queue[bytes | Exception | None] = queue.Queue(_PIECES_WAITING)
    threading.Thread(target=_read, args=(pieces, waiting), daemon=True).start()
    sound = bytearray()
    while True:
        try:
            piece = waiting.get(timeout=_SETTLED_SECONDS if len(sound) >= _LEAST_BYTES else None)
        except queue.Empty:
            yield _whole_samples(sound), False
            continue
        if isinstance(piece, Exception):
            raise piece
        if piece is None:
            break
        sound += piece
        if len(sound) >= _MOST_BYTES:
            yield _whole_samples(sound), False
    yield _whole_samples(sound), True


def _read(pieces: Iterator[bytes], waiting: "queue.Queue[bytes | Exception | None]") -> None:
    try:
        for piece in pieces:
            waiting.put(piece)
        waiting.put(None)
    except Exception as error:  # noqa: BLE001 - the edge of a thread: it is raised where the pieces are read
        waiting.put(error)


def _whole_samples(sound: bytearray) -> bytes:
    """Takes them out of `sound`; half a sample stays."""
    whole = bytes(sound[: len(sound) // 2 * 2])
    del sound[: len(whole)]
    return whole


class Lines(NamedTuple):
    """The lines of a stream in order, in seconds from its start: those that are complete, and those that still grow."""

    complete: list[Line]
    growing: list[Line]


class LineStream(Protocol):
    """A stream of the engine."""

    def add(self, sound: Sound) -> None:
        """Takes in more sound."""

    def lines(self) -> Lines:
        """All lines so far, as they are understood now."""

    def close(self) -> None:
        """Lets go of it."""


class EngineStream:
    """A LineStream of the real engine. Raises Retryable(speech_engine_failed)."""

    def __init__(self) -> None:
        with translated():
            self._stream = engine().create_stream(update_interval=_NEVER)
            self._stream.start()

    def add(self, sound: Sound) -> None:
        """See LineStream."""
        with translated():
            self._stream.add_audio(sound.tolist(), SPEECH_SAMPLE_RATE)

    def lines(self) -> Lines:
        """See LineStream."""
        with translated():
            told = self._stream.update_transcription().lines
        lines = [Line(line.start_time, line.start_time + line.duration, line.text) for line in told]
        complete = next((number for number, line in enumerate(told) if not line.is_complete), len(told))
        return Lines(lines[:complete], lines[complete:])

    def close(self) -> None:
        """See LineStream."""
        self._stream.close()


class LiveEar:
    """The sound that is not final yet, the stream that hears it, and what was said of it."""

    def __init__(
        self,
        open_stream: Callable[[], LineStream],
        whole: Callable[[Sound], list[Line]],
        start: float = 0.0,
        first_id: int = 0,
    ) -> None:
        self._open, self._whole = open_stream, whole
        self._start = start
        self._segments = Segments(first_id)
        self._kept: Sound = np.zeros(0, np.float32)
        self._heard = 0
        self._opened_at, self._done = 0, 0
        self._next_look = 0
        self._stream = open_stream()

    @property
    def seconds(self) -> float:
        """How much sound came so far."""
        return self._heard / SPEECH_SAMPLE_RATE

    def hear(self, sound: Sound) -> Iterator[Draft | Final]:
        """Takes in sound and says what is new, if it is time to look."""
        self._keep(sound)
        self._stream.add(sound)
        if self._heard >= self._next_look or self._paused():
            yield from self._update()

    def finish(self, sound: Sound) -> Iterator[Final]:
        """Takes in the last sound and says what is left, all of it final."""
        self._keep(sound)
        self._stream.close()
        if len(self._kept) >= _SHORTEST_SECONDS * SPEECH_SAMPLE_RATE:
            offset = self._heard - len(self._kept)
            yield from self._finals(_without_warm_up(self._whole(self._kept), carried=offset > 0), offset)

    def _paused(self) -> bool:
        """Whether nobody speaks right now: what was said may be complete."""
        newest = self._kept[-round(_PAUSE_SECONDS * SPEECH_SAMPLE_RATE) :]
        return _loudness(newest) < _PAUSE_LOUDNESS * _loudness(self._kept)

    def _keep(self, sound: Sound) -> None:
        self._kept = np.concatenate([self._kept, sound])
        self._heard += len(sound)

    def _update(self) -> Iterator[Draft | Final]:
        lines = self._stream.lines()
        complete = lines.complete[self._done :]
        yield from self._finals(self._new(complete, first=self._done == 0), self._opened_at)
        self._done = len(lines.complete)
        yield from self._drafts(self._new(lines.growing, first=not lines.complete))
        self._forget(lines)
        self._next_look = self._heard + round(_wait_for(lines) * SPEECH_SAMPLE_RATE)
        if self._age > _STREAM_SECONDS and (complete or not lines.growing):
            self._stream.close()
            self._renew()

    def _new(self, lines: list[Line], *, first: bool) -> list[Line]:
        return _without_warm_up(lines, carried=first and self._opened_at > 0)

    def _finals(self, lines: list[Line], offset: int) -> Iterator[Final]:
        for line in lines:
            yield Final(segment=self._segments.make(line, self._start + offset / SPEECH_SAMPLE_RATE), language="en")

    def _drafts(self, lines: list[Line]) -> Iterator[Draft]:
        if lines:
            offset = self._start + self._opened_at / SPEECH_SAMPLE_RATE
            text = " ".join(line.tidy for line in lines)
            yield Draft(start=round(offset + lines[0].start, 3), end=round(offset + lines[-1].end, 3), text=text)

    @property
    def _age(self) -> float:
        """Seconds of sound that the stream has taken in."""
        return (self._heard - self._opened_at) / SPEECH_SAMPLE_RATE

    def _forget(self, lines: Lines) -> None:
        """Keeps the sound of what is not final."""
        done = cut([*lines.complete, *lines.growing], len(lines.complete), self._age)
        keep = self._heard - self._opened_at - round(done * SPEECH_SAMPLE_RATE)
        self._kept = self._kept[max(len(self._kept) - keep, 0) :]

    def _renew(self) -> None:
        self._stream, self._done = self._open(), 0
        self._opened_at = self._heard - len(self._kept)
        self._stream.add(self._kept)


def _loudness(sound: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0


def _wait_for(lines: Lines) -> float:
    """How many seconds are to come before the next look at the stream."""
    if not lines.growing:
        return 0.0
    return min(_NEW_SHARE * (lines.growing[-1].end - lines.growing[0].start), _MOST_NEW_SECONDS)


def _without_warm_up(lines: list[Line], *, carried: bool) -> list[Line]:
    if carried and lines and is_warm_up(lines[0]):
        lines = lines[1:]
    return [line for line in lines if line.says_something]
