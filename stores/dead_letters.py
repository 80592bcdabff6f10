"""The dead letters on their topic: writing down a message that cannot be read, and reading letters by number.

A letter's number is its offset on the one partition of `tidemark.dead-letters`. Readers belong to no group and commit
nothing. A value there that is no letter is shown as what it is, and keeps no other from being read.
"""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from pydantic import ValidationError

from schemas.events import UNKNOWN, DeadLetter, event_id, read_event
from schemas.letters import Letter
from schemas.settings import Settings
from schemas.topics import Topic
from stores.errors import ANSWER_SECONDS, StoreUnavailable, unanswered

MOST_BYTES = 64 * 1024
"""How much of an unreadable message a letter keeps: all of it, escaped, could exceed what Kafka takes."""
MOST_KEY_BYTES = 1024
_DETAIL_LENGTH = 500
UNREADABLE = "unreadable_event"
_PARTITION = 0
_BATCH = 100
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Place:
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


def unreadable(stage: str, place: Place, key: bytes | None, value: bytes | None, detail: str) -> DeadLetter:
    """The letter about a message that `stage` could not read; at every repeat the same."""
    whole = value or b""
    original, encoding = _kept(whole)
    return DeadLetter(
        id=event_id("dead.letter", place.topic, str(place.partition), str(place.offset)),
        recording_id=UNKNOWN,
        owner_id=UNKNOWN,
        job_id=UNKNOWN,
        stage=stage,
        code=UNREADABLE,
        detail=detail[:_DETAIL_LENGTH],
        attempts=1,
        original_topic=place.topic,
        original=original,
        original_key=key[:MOST_KEY_BYTES].decode(errors="replace") if key is not None else None,
        encoding=encoding,
        cut=len(whole) > MOST_BYTES or len(key or b"") > MOST_KEY_BYTES,
    )


def original_bytes(letter: Letter | DeadLetter) -> bytes:
    """The value of the message that the letter is about: byte for byte, unless it was cut."""
    text = str(letter.original)
    return base64.b64decode(text) if letter.encoding == "base64" else text.encode()


class DeadLetters:
    """Reads the dead letters. Methods raise StoreUnavailable, and end within a few seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def newest(self, limit: int, before: int | None = None) -> list[Letter]:
        """Up to `limit` letters, newest first; those with numbers below `before`, where that is given."""
        return await asyncio.to_thread(self._newest, limit, before)

    async def get(self, number: int) -> Letter | None:
        """The letter of that number; None where there is none, or no longer."""
        found = await self.newest(1, number + 1)
        return found[0] if found and found[0].number == number else None

    def _newest(self, limit: int, before: int | None) -> list[Letter]:
        until = monotonic() + ANSWER_SECONDS
        with _reading(self._settings) as consumer:
            first, after = consumer.get_watermark_offsets(_partition(), timeout=ANSWER_SECONDS)
            end = after if before is None else min(before, after)
            start = max(first, end - limit)
            messages = list(_messages(consumer, start, end, until)) if start < end else []
        return [_letter(message) for message in reversed(messages)]


def _partition(offset: int = 0) -> TopicPartition:
    return TopicPartition(Topic.DEAD_LETTERS.value, _PARTITION, offset)


@contextmanager
def _reading(settings: Settings) -> Iterator[Consumer]:
    """A consumer of no group. Kafka's errors are translated."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "group.id": "tidemark-operators",  # wanted by the client; without a subscription or commit nobody joins it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
            "queued.max.messages.kbytes": 32_768,
            "log_level": 2,
        },
        logger=None,
    )
    try:
        yield consumer
    except KafkaException as error:
        raise StoreUnavailable("event log", error) from error
    finally:
        consumer.close()


def _messages(consumer: Consumer, start: int, end: int, until: float) -> Iterator[Message]:
    """The messages from `start` on and before `end`. Raises StoreUnavailable when they are not there in time."""
    consumer.assign([_partition(start)])
    while (left := until - monotonic()) > 0:
        for message in consumer.consume(_BATCH, timeout=min(left, _LOOK_SECONDS)):
            error, number = message.error(), message.offset()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if error is not None or number is None or number >= end:
                return
            yield message
            if number == end - 1:
                return
    raise unanswered(store="event log")


def _letter(message: Message) -> Letter:
    number, value = message.offset() or 0, message.value() or b""
    at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
    try:
        event = read_event(value)
    except ValidationError as error:
        return _no_letter(number, at, value, f"{error.error_count()} fields do not fit a dead letter.")
    if not isinstance(event, DeadLetter):
        return _no_letter(number, at, value, f"This is no dead letter, but an event {event.type}.")
    fields = event.model_dump(include=set(Letter.model_fields))
    about_job = event.job_id != UNKNOWN
    return Letter(
        **{
            **fields,
            "number": number,
            "at": at,
            "job_id": event.job_id if about_job else None,
            "recording_id": event.recording_id if about_job else None,
            "original_topic": event.original_topic or None,
        }
    )


def _no_letter(number: int, at: datetime, value: bytes, detail: str) -> Letter:
    original, encoding = _kept(value)
    return Letter(
        number=number,
        at=at,
        code=UNREADABLE,
        detail=detail,
        original=original,
        encoding=encoding,
        cut=len(value) > MOST_BYTES,
    )


def _kept(value: bytes) -> tuple[str, Literal["text", "base64"]]:
    """What a letter keeps of a value: as text where it is text, or where it was cut and is only to be looked at."""
    try:
        return value[:MOST_BYTES].decode(errors="replace" if len(value) > MOST_BYTES else "strict"), "text"
    except UnicodeDecodeError:
        return base64.b64encode(value).decode(), "base64"
