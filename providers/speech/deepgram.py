"""Deepgram's pre-recorded speech-to-text: who said which words when, in the language that is spoken.

The sound goes up as raw 16 kHz samples while it is still being extracted: nothing is spooled. The answer comes when
all of it was heard, in one piece. One request a recording (Deepgram takes 2 GB: 17 hours of this), never repeated here:
the runner retries. Costs money by the minute.
"""

import asyncio
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from providers import answers
from providers.speech.face import Heard
from schemas.media import SPEECH_SAMPLE_RATE
from schemas.settings import Settings
from schemas.transcripts import Segment, Word

if TYPE_CHECKING:
    from deepgram import AsyncDeepgramClient
    from deepgram.listen.v1.media.client import AsyncMediaClient as MediaClient
    from httpx import AsyncClient

_BYTES_A_SECOND = SPEECH_SAMPLE_RATE * 2
_SHORTEST_SECONDS = 0.1
_SECONDS_A_SECOND = 0.2
"""How much longer than provider_timeout_seconds the answer may take, for each second of sound."""
_PAUSE_SECONDS = 1.0
_LONG_SEGMENT_SECONDS = 10.0
_LONGEST_SEGMENT_SECONDS = 30.0
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "\uff01", "\uff1f", "।")
_WITHOUT_SPACES = ("zh", "ja", "th")


class Deepgram:
    """Speech to text by Deepgram. Holds no connection between calls."""

    name = "deepgram"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model = settings.deepgram_model
        self._patience = settings.provider_timeout_seconds

    async def transcribe(self, pcm: AsyncIterator[bytes]) -> AsyncGenerator[Heard, None]:
        """See SpeechToText. One Heard, with every segment."""
        upload = _Upload(pcm, self._patience)
        if await upload.has_sound():
            yield understand(await self._ask(upload), upload.seconds)
        else:
            yield Heard(until=upload.seconds)

    async def _ask(self, upload: "_Upload") -> object:
        http, client = await asyncio.to_thread(client_of, self._settings)  # the first import takes a second
        import httpx
        from deepgram.core.api_error import ApiError
        from deepgram.core.parse_error import ParsingError

        try:
            async with http, upload.deadline(), aclosing(upload.pieces()) as body:
                return await self._send(client.listen.v1.media, body)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise answers.timed_out("Deepgram") from error
        except httpx.HTTPError as error:
            raise answers.unreachable("Deepgram", error) from error
        except ApiError as error:
            raise _explain(error) from error
        except (ParsingError, ValueError) as error:
            raise answers.broken("Deepgram", type(error).__name__) from error

    async def _send(self, client: "MediaClient", body: AsyncIterator[bytes]) -> object:
        return await client.transcribe_file(
            request=body,
            model=self._model,
            encoding="linear16",
            diarize=True,
            smart_format=True,
            punctuate=True,
            detect_language=True,
            request_options={
                "max_retries": 0,
                "additional_query_parameters": {"sample_rate": SPEECH_SAMPLE_RATE, "channels": 1},
            },
        )


def client_of(settings: Settings) -> tuple["AsyncClient", "AsyncDeepgramClient"]:
    """The SDK's client, and the connections that it uses: to be closed. Blocks: the first import takes a second."""
    # Said by websockets of the old names that the SDK imports: nobody here can do anything about it.
    old_names = r"websockets\.(legacy|exceptions\.InvalidStatusCode) is deprecated"
    warnings.filterwarnings("ignore", old_names, DeprecationWarning)
    import httpx
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment

    base_url = settings.deepgram_base_url.rstrip("/")
    sockets = base_url.replace("http", "ws", 1)
    place = DeepgramClientEnvironment(base=base_url, agent_rest=base_url, production=sockets, agent=sockets)
    http = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=settings.provider_timeout_seconds))
    key = settings.deepgram_api_key.get_secret_value()
    return http, AsyncDeepgramClient(api_key=key, environment=place, httpx_client=http)


class _Upload:
    """The sound on its way up. The clock runs while Deepgram is to take a piece or to answer, not while we wait."""

    def __init__(self, pcm: AsyncIterator[bytes], patience: float) -> None:
        self._pcm = pcm
        self._patience = patience
        self._clock = asyncio.timeout(patience)
        self._first = b""
        self._sent = 0

    @property
    def seconds(self) -> float:
        """How much sound came so far."""
        return round((self._sent or len(self._first)) / _BYTES_A_SECOND, 3)

    async def has_sound(self) -> bool:
        """Waits for the first tenth of a second: less than that is not worth a request, and would be refused."""
        async for piece in self._pcm:
            self._first += piece
            if len(self._first) >= _SHORTEST_SECONDS * _BYTES_A_SECOND:
                return True
        return False

    def deadline(self) -> asyncio.Timeout:
        """The clock, as the context in which the request is made."""
        return self._clock

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body of the request."""
        yield self._next(self._first)
        self._clock.reschedule(None)
        async for piece in self._pcm:
            yield self._next(piece)
            self._clock.reschedule(None)
        self._wait(self._patience + self.seconds * _SECONDS_A_SECOND)

    def _next(self, piece: bytes) -> bytes:
        self._wait(self._patience)
        self._sent += len(piece)
        return piece

    def _wait(self, seconds: float) -> None:
        self._clock.reschedule(asyncio.get_running_loop().time() + seconds)


class Read(BaseModel):
    """A part of an answer: only what is used of it is checked. The SDK itself checks nothing."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class SaidWord(Read):
    """A word, in seconds from the start of the request's sound. Speakers are numbers within the request."""

    word: str
    punctuated_word: str | None = None
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    confidence: float | None = Field(default=None, ge=0, le=1)
    speaker: int | None = None

    @property
    def text(self) -> str:
        """The word as it is written."""
        return self.punctuated_word or self.word


class Alternative(Read):
    """What was understood. The languages are told where several may be spoken."""

    words: tuple[SaidWord, ...]
    transcript: str = ""
    languages: tuple[str, ...] | None = None


class _Channel(Read):
    alternatives: tuple[Alternative, ...] = Field(min_length=1)
    detected_language: str | None = None


class _Results(Read):
    channels: tuple[_Channel, ...] = Field(min_length=1)


class _Answer(Read):
    results: _Results


def understand(answer: object, seconds: float) -> Heard:
    """Deepgram's answer for so many seconds of sound, as segments. Raises Retryable when it is not such an answer."""
    try:
        channel = _Answer.model_validate(answer).results.channels[0]
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise answers.broken("Deepgram", f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
    words = channel.alternatives[0].words
    language = (channel.detected_language or "en") if words else None
    return Heard(segments=tuple(segments_of(words, language or "", {})), until=seconds, language=language)


class _LiveChannel(Read):
    alternatives: tuple[Alternative, ...] = Field(min_length=1)


class Result(Read):
    """What is understood of a stretch of sound, in seconds from the connection's first. A final one ends it."""

    start: float = Field(ge=0)
    duration: float = Field(ge=0)
    is_final: bool = False
    channel: _LiveChannel

    @property
    def said(self) -> Alternative:
        """What was most likely said."""
        return self.channel.alternatives[0]


def result_of(answer: object) -> Result:
    """A message of the type Results. Raises Retryable when it is none."""
    try:
        return Result.model_validate(answer)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise answers.broken("Deepgram", f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def segments_of(
    words: Sequence[SaidWord], language: str, labels: dict[int, str], *, first_id: int = 0, offset: float = 0.0
) -> Iterator[Segment]:
    """The words as segments, with `offset` seconds added to their times. New speakers are added to `labels`."""
    between = "" if language.partition("-")[0] in _WITHOUT_SPACES else " "
    for number, run in enumerate(_runs(words), first_id):
        speaker = run[0].speaker
        yield Segment(
            id=number,
            start=_at(run[0].start, offset),
            end=_at(max(run[-1].end, run[0].start), offset),
            speaker=None if speaker is None else labels.setdefault(speaker, f"Speaker {len(labels) + 1}"),
            text=between.join(word.text for word in run),
            words=tuple(_word(word, offset) for word in run),
        )


def _runs(words: Sequence[SaidWord]) -> Iterator[list[SaidWord]]:
    """The words of each segment: one speaker, no pause within, and a new one at a sentence's end when it gets long."""
    run: list[SaidWord] = []
    for word in words:
        if run and _breaks(run, word):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _breaks(run: Sequence[SaidWord], word: SaidWord) -> bool:
    last, length = run[-1], word.end - run[0].start
    return (
        word.speaker != last.speaker
        or word.start - last.end > _PAUSE_SECONDS
        or length > _LONGEST_SEGMENT_SECONDS
        or (length > _LONG_SEGMENT_SECONDS and last.text.endswith(_SENTENCE_ENDS))
    )


def _word(said: SaidWord, offset: float) -> Word:
    end = max(said.end, said.start)
    return Word(text=said.text, start=_at(said.start, offset), end=_at(end, offset), confidence=said.confidence)


def _at(seconds: float, offset: float) -> float:
    return round(seconds + offset, 6)


def _explain(error: Any) -> Exception:
    status = error.status_code or 0
    if status < 400:
        return answers.broken("Deepgram", "the body is not JSON")
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("err_msg") or body.get("message") or body.get("details") or ""
    return answers.refusal("Deepgram", status, str(message), answers.retry_after(error.headers))
