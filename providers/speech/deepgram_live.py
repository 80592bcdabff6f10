"""Deepgram's live speech-to-text over a websocket: who says which words when, while they are being said.

The sound is kept until its final text has come. A connection that breaks is replaced, and the new one is sent what is
kept: Deepgram's final results follow each other without a gap or an overlap, so no word is lost, and none comes twice.
Speakers are numbered afresh by each connection: after a break the numbers are taken for the same people. One connection
a recording, kept alive while no sound comes. Costs money by the minute of sound.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from providers import answers
from providers.speech.deepgram import Result, client_of, result_of, segments_of
from providers.speech.kept import KeptSound
from providers.speech.live import Draft, Final, Said
from schemas.failures import Retryable, StepFailure
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.settings import Settings

if TYPE_CHECKING:
    from deepgram.listen.v1.socket_client import AsyncV1SocketClient as Socket

_PIECE_SAMPLES = SPEECH_SAMPLE_RATE // 4
_MOST_KEPT_SECONDS = 60.0
_LONGEST_PAUSE = 30.0
_UNANSWERED_SECONDS = 3.0
"""So much sound is answered by any connection that lives; less may be waiting for more to come."""

_CLOSING_SECONDS = 2.0
_ENDPOINTING_MS = "300"
"""A pause that ends what is said: by default every breath does."""

_MULTILINGUAL = ("nova-2", "nova-3")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds: between signs of life (Deepgram ends a connection on which nothing came for ten),
    for an answer, and before each new connection, while none of them brings anything final.
    """

    keep_alive: float = 4.0
    answer: float = 15.0
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)


class Left(NamedTuple):
    """Sound that nobody has made final: where it starts, in seconds, and the id that its first segment is to have."""

    start: float
    first_id: int
    pcm: bytes


class DeepgramLive:
    """Live speech to text by Deepgram. Holds no connection but those of its listeners."""

    name = "deepgram"

    def __init__(self, settings: Settings, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience()

    @asynccontextmanager
    async def listen(self, *, start: float = 0.0, first_id: int = 0) -> AsyncIterator["DeepgramListener"]:
        """See LiveSpeech. heard() raises the codes of providers/answers, once new connections are given up."""
        listener = DeepgramListener(self._settings, self._patience, start, first_id)
        working = asyncio.create_task(listener.work())
        try:
            yield listener
        finally:
            working.cancel()
            if not (await asyncio.wait([working], timeout=_CLOSING_SECONDS))[0]:
                working.cancel()  # it was saying good-bye to one that does not answer
                await asyncio.wait([working])


class DeepgramListener:
    """See Listener."""

    def __init__(self, settings: Settings, patience: Patience, start: float, first_id: int) -> None:
        self._settings, self._patience = settings, patience
        self._start, self._next_id = start, first_id
        self._kept, self._said = KeptSound(), Said()
        self._changed = asyncio.Condition()
        self._ended = self._over = False
        self._labels: dict[int, str] = {}
        self._language = "en"

    async def feed(self, pcm: bytes) -> None:
        """See Listener. What it raises at is kept all the same: see left()."""
        for begin in range(0, len(pcm), 2 * SPEECH_SAMPLE_RATE):
            async with self._changed:
                await self._changed.wait_for(lambda: self._kept.seconds < _MOST_KEPT_SECONDS or self._over)
                self._kept.add(pcm[begin : begin + 2 * SPEECH_SAMPLE_RATE])
                self._changed.notify_all()
        if self._said.failure is not None:
            raise self._said.failure

    def heard(self) -> AsyncIterator[Draft | Final]:
        """See Listener."""
        return self._said.read()

    async def end(self) -> None:
        """See Listener."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()
        await self._said.closed()

    def left(self) -> "Left":
        """What it leaves to another listener once it has failed: the sound that is not final, less what was taken."""
        start = self._start + self._kept.begins / SPEECH_SAMPLE_RATE
        return Left(start, self._next_id, self._kept.take())

    async def work(self) -> None:
        """Listens to the end, over as many connections as it takes; cancelling closes the one that is open."""
        failure: StepFailure | None = None
        try:
            await self._listen()
        except StepFailure as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the edge of a task; not its text, which may hold the key
            log.error("listening broke off", error=type(error).__name__)  # noqa: TRY400
            failure = answers.broken("Deepgram", type(error).__name__)
        finally:
            self._over = True
            await self._said.close(failure)
            async with self._changed:
                self._changed.notify_all()

    async def _listen(self) -> None:
        tries = 0
        while True:
            begins = self._kept.begins
            try:
                return await self._connection()
            except Retryable as failure:
                tries = 0 if self._kept.begins > begins else tries
                if tries == len(self._patience.pauses) or (failure.retry_after or 0) > _LONGEST_PAUSE:
                    raise
                log.info("connecting to Deepgram again", error=str(failure))
                await asyncio.sleep(max(self._patience.pauses[tries], failure.retry_after or 0))
                tries += 1

    async def _connection(self) -> None:
        """One connection, from the sound that is kept to the end. Raises StepFailure when it does not get there."""
        with _translated():
            http, client = await asyncio.to_thread(client_of, self._settings)
            async with http, client.listen.v1.connect(**_options(self._settings)) as socket:
                line = _Line(socket, self._kept.begins, self._patience.answer)
                sender = asyncio.create_task(self._send(line))
                try:
                    await self._receive(line)
                finally:
                    sender.cancel()
                    await asyncio.wait([sender])

    async def _send(self, line: "_Line") -> None:
        """Sends the sound as it comes, and says the end. A connection that is gone is _receive's to notice."""
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            while (sound := await self._sound_after(line.sent)) is not None:
                await line.send(sound)
            await line.close()

    async def _sound_after(self, position: int) -> bytes | None:
        """The next piece of sound; none when nothing came for a while, None when nothing will come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.keep_alive), self._changed:
                await self._changed.wait_for(lambda: self._kept.ends > position or self._ended)
        sound = self._kept.piece(position, _PIECE_SAMPLES)
        return None if not sound and self._ended else sound

    async def _receive(self, line: "_Line") -> None:
        while (result := await line.result()) is not None:
            if result.is_final:
                await self._finish(line, result)
            elif result.said.words:
                await self._said.put(_draft(result, self._start + line.offset))

    async def _finish(self, line: "_Line", result: Result) -> None:
        """Makes what was said final, and only then lets go of its sound."""
        self._language = next(iter(result.said.languages or ()), self._language)
        offset = self._start + line.offset
        segments = segments_of(result.said.words, self._language, self._labels, first_id=self._next_id, offset=offset)
        for segment in segments:
            self._next_id = segment.id + 1
            await self._said.put(Final(segment=segment, language=self._language))
        async with self._changed:
            final = line.begins + round((result.start + result.duration) * SPEECH_SAMPLE_RATE)
            self._kept.release(min(final, line.sent))
            self._changed.notify_all()


class _Line:
    """One connection: what it was sent, and what it answered. `begins` is the number of the first sample it is sent."""

    def __init__(self, socket: "Socket", begins: int, patience: float) -> None:
        self._socket, self._patience = socket, patience
        self.begins = self.sent = self._answered = begins
        self._flushed = True
        self.closing = False

    @property
    def offset(self) -> float:
        """Where its time starts, in seconds of the listener's sound."""
        return self.begins / SPEECH_SAMPLE_RATE

    async def send(self, sound: bytes) -> None:
        """Sends a piece; none: that it is still wanted, and at first that what it has heard is to be made final."""
        if sound:
            await self._socket.send_media(sound)
            self.sent += len(sound) // 2
        elif not self._flushed:
            await self._socket.send_finalize()
        else:
            await self._socket.send_keep_alive()
        self._flushed = not sound

    async def close(self) -> None:
        """No more comes: what was sent is to be made final."""
        self.closing = True
        await self._socket.send_close_stream()

    async def result(self) -> Result | None:
        """The next result; None once the connection was closed as it should be. Raises Retryable."""
        while True:
            answer = await self._answer()
            kind = answer.get("type") if isinstance(answer, dict) else getattr(answer, "type", None)
            self._answered = self.sent
            if answer is None or (kind == "Metadata" and self.closing):
                return None
            if kind == "Results":
                return result_of(answer)
            if kind == "Error":
                raise answers.unreachable("Deepgram", ConnectionError("it reported an error"))

    async def _answer(self) -> Any:
        from websockets.exceptions import ConnectionClosedOK

        while True:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._socket.recv()
            except TimeoutError as error:
                unanswered = (self.sent - self._answered) / SPEECH_SAMPLE_RATE
                if self.closing or unanswered > _UNANSWERED_SECONDS:
                    raise answers.timed_out("Deepgram") from error
            except ConnectionClosedOK:
                if self.closing:
                    return None
                raise


def _draft(result: Result, offset: float) -> Draft:
    words = result.said.words
    start, end = round(words[0].start + offset, 6), round(words[-1].end + offset, 6)
    return Draft(start=start, end=max(start, end), text=result.said.transcript)


def _options(settings: Settings) -> dict[str, Any]:
    """What the connection is asked for. The languages of the newer models are told apart; others hear English."""
    language = {"language": "multi"} if settings.deepgram_model.startswith(_MULTILINGUAL) else {}
    return {
        "model": settings.deepgram_model,
        "encoding": "linear16",
        "sample_rate": str(SPEECH_SAMPLE_RATE),
        "channels": "1",
        "interim_results": "true",
        "diarize": "true",
        "smart_format": "true",
        "punctuate": "true",
        "endpointing": _ENDPOINTING_MS,
        **language,
    }


@contextmanager
def _translated() -> Iterator[None]:
    from deepgram.core.api_error import ApiError
    from websockets.exceptions import WebSocketException

    try:
        yield
    except TimeoutError as error:
        raise answers.timed_out("Deepgram") from error
    except ApiError as error:
        raise answers.refusal("Deepgram", error.status_code or 0, "the live connection was refused") from error
    except (OSError, WebSocketException) as error:
        raise answers.unreachable("Deepgram", error) from error
    except ValueError as error:
        raise answers.broken("Deepgram", type(error).__name__) from error
