"""Dead letters on real Kafka: read by number, newest first, whatever lies among them."""

import time

import pytest

from schemas.events import DeadLetter, event_id
from schemas.jobs import AttemptRecord
from schemas.settings import Settings
from schemas.time import now
from schemas.topics import Topic
from stores.dead_letters import MOST_BYTES, DeadLetters, Place, original_bytes, unreadable
from stores.errors import StoreUnavailable
from stores.publisher import Publisher
from stores.topics import prepare_topics
from tests.unit.stores.jobs import a_recording, uploaded

PLACE = Place("tidemark.uploads", 3, 17)


@pytest.fixture
async def settings(settings_of) -> Settings:
    await prepare_topics(settings_of())
    return settings_of()


@pytest.fixture
async def publisher(settings):
    async with Publisher(settings) as publisher:
        yield publisher


def about_a_step(detail: str = "It did not answer.") -> DeadLetter:
    event = uploaded(a_recording())
    return DeadLetter(
        id=event_id("dead.letter", event.job_id),
        recording_id=event.recording_id,
        owner_id=event.owner_id,
        job_id=event.job_id,
        stage="audio",
        code="provider_unavailable",
        detail=detail,
        attempts=3,
        history=(AttemptRecord(attempt=3, worker="box", ended_at=now(), code="timeout", detail="Too slow."),),
        original_topic=event.topic,
        original=event.model_dump(mode="json"),
    )


async def test_a_letter_comes_back_as_it_was_written(settings, publisher):
    letter = about_a_step()
    await publisher.publish(letter)
    (found,) = await DeadLetters(settings).newest(1)
    assert (found.job_id, found.recording_id) == (letter.job_id, letter.recording_id)
    assert (found.stage, found.code, found.detail, found.attempts) == ("audio", letter.code, letter.detail, 3)
    assert (found.history, found.original, found.original_topic) == (letter.history, letter.original, Topic.UPLOADS)
    assert abs((found.at - now()).total_seconds()) < 60
    assert await DeadLetters(settings).get(found.number) == found


async def test_pages_go_back_in_time_and_meet(settings, publisher):
    for number in range(7):
        await publisher.publish(about_a_step(f"letter {number}"))
    letters = DeadLetters(settings)
    first = await letters.newest(3)
    second = await letters.newest(4, before=first[-1].number)
    assert [letter.detail for letter in first + second] == [f"letter {number}" for number in reversed(range(7))]
    numbers = [letter.number for letter in first + second]
    assert numbers == list(range(numbers[0], numbers[0] - 7, -1))


async def test_there_is_an_end_on_both_sides(settings, publisher):
    await publisher.publish(about_a_step())
    letters = DeadLetters(settings)
    (newest,) = await letters.newest(1)
    assert await letters.newest(10, before=0) == []
    assert (await letters.newest(1, before=2**60))[0] == newest
    for number in (newest.number + 1, 2**60):
        assert await letters.get(number) is None
    everything = await letters.newest(newest.number + 100)
    assert everything[-1].number == 0


@pytest.mark.parametrize("value", [b"", b"{}", b"\xff\xfe\x00", b'{"type": "job.melted"}', "upload"])
async def test_what_is_no_letter_is_shown_and_hides_no_other(settings, publisher, value):
    value = uploaded(a_recording()).model_dump_json().encode() if value == "upload" else value
    before = about_a_step("before")
    await publisher.publish(before)
    await publisher.publish_raw(Topic.DEAD_LETTERS, None, value)
    await publisher.publish(about_a_step("after"))
    after, strange, earlier = await DeadLetters(settings).newest(3)
    assert (after.detail, earlier.detail) == ("after", "before")
    assert (strange.code, strange.job_id, strange.stage, strange.original_topic) == ("unreadable_event",) + (None,) * 3
    assert original_bytes(strange) == value


@pytest.mark.parametrize("value", [b"{]", "später ☂".encode(), b"\xff\xfe\x00\x80", b"x" * MOST_BYTES, None])
async def test_a_message_that_cannot_be_read_is_kept_byte_for_byte(settings, publisher, value):
    await publisher.publish(unreadable("audio", PLACE, b"key", value, "Nobody can read it."))
    (found,) = await DeadLetters(settings).newest(1)
    assert original_bytes(found) == (value or b"")
    assert (found.original_topic, found.original_key, found.cut) == (PLACE.topic, "key", False)
    assert (found.job_id, found.recording_id, found.code) == (None, None, "unreadable_event")


@pytest.mark.parametrize("unit", [b"\xff", b"\x01", "☂".encode()])
async def test_of_a_large_message_the_beginning_is_kept_and_the_letter_says_so(settings, publisher, unit):
    letter = unreadable("audio", PLACE, None, unit * 1_000_000, "Nobody can read it.")
    assert len(letter.model_dump_json().encode()) < 500_000
    await publisher.publish(letter)
    (found,) = await DeadLetters(settings).newest(1)
    assert (found.cut, found.original_key) == (True, None)


def test_the_letter_about_a_message_is_the_same_at_every_repeat():
    first, second = (unreadable("audio", PLACE, None, b"{]", "Nobody can read it.") for _ in range(2))
    assert first.model_dump(exclude={"occurred_at"}) == second.model_dump(exclude={"occurred_at"})


async def test_kafka_away_is_an_error_in_time():
    letters = DeadLetters(Settings(kafka_bootstrap_servers="127.0.0.1:1"))
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await letters.newest(10)
    assert time.monotonic() - started < 3
