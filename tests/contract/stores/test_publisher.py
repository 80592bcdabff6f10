"""Events on real Kafka: what a reader gets, in which order, and what happens when Kafka does not answer."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.events import read_event
from schemas.settings import Settings
from schemas.topics import TOPICS, Topic
from stores import publisher as publishing
from stores.errors import StoreUnavailable
from stores.publisher import Publisher
from stores.topics import ping, prepare_topics
from tests.unit.stores.jobs import a_recording, uploaded

PARTITIONS = next(spec.partitions for spec in TOPICS if spec.topic is Topic.UPLOADS)


@pytest.fixture
async def settings(settings_of) -> Settings:
    await asyncio.gather(*(prepare_topics(settings_of()) for _ in range(3)))
    return settings_of()


@pytest.fixture
async def reader(settings):
    """A reader of the topic of uploads, from now on."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition(Topic.UPLOADS, number) for number in range(PARTITIONS)])
    await consumer.seek_to_end()
    yield consumer
    await consumer.stop()


async def read(reader, count: int):
    found = []
    async with asyncio.timeout(20):
        while len(found) < count:
            batch = await reader.getmany(timeout_ms=1000)
            found += [message for messages in batch.values() for message in messages]
    return found


async def test_a_reader_gets_the_event_with_its_key_and_headers(settings, reader):
    event = uploaded(a_recording())
    async with Publisher(settings) as publisher:
        await publisher.publish(event)
        (message,) = await read(reader, 1)
    assert read_event(message.value) == event
    assert message.key.decode() == event.recording_id
    assert dict(message.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": event.id.encode(),
        "ce_type": b"tidemark.recording.uploaded",
        "ce_source": b"/tidemark",
        "ce_subject": event.recording_id.encode(),
        "ce_time": event.occurred_at.isoformat().encode(),
        "content-type": b"application/json",
    }


async def test_the_facts_of_one_recording_stay_in_order_among_many(settings, reader):
    recordings = [a_recording() for _ in range(5)]
    events = [uploaded(recordings[number % 5]).model_copy(update={"size_bytes": number}) for number in range(500)]
    async with Publisher(settings) as publisher:
        await asyncio.gather(*(publisher.publish(event) for event in events))
        messages = await read(reader, len(events))
    for recording in recordings:
        sizes = [read_event(m.value).size_bytes for m in messages if m.key.decode() == recording.id]
        assert sizes == sorted(sizes)
        assert len(sizes) == 100


async def test_a_raw_value_arrives_as_it_is(settings, reader):
    async with Publisher(settings) as publisher:
        await publisher.publish_raw(Topic.UPLOADS, "key", b"\xff{]")
        await publisher.publish_raw(Topic.UPLOADS, None, b"")
        messages = await read(reader, 2)
    assert {(message.key, message.value, message.headers) for message in messages} == {
        (b"key", b"\xff{]", ()),
        (None, b"", ()),
    }


async def test_every_topic_is_there_once_prepared(settings):
    await prepare_topics(settings)
    await ping(settings, 5)


async def test_kafka_away_is_an_error_in_time(monkeypatch):
    monkeypatch.setattr(publishing, "_DELIVERY_SECONDS", 1.0)
    settings = Settings(kafka_bootstrap_servers="127.0.0.1:1")
    async with Publisher(settings) as publisher:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await publisher.publish(uploaded(a_recording()))
        assert time.monotonic() - started < 3
    with pytest.raises(StoreUnavailable):
        await ping(settings, 0.5)


async def test_too_much_in_flight_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(publishing, "_DELIVERY_SECONDS", 1.0)
    monkeypatch.setattr(publishing, "_IN_FLIGHT", 10)
    async with Publisher(Settings(kafka_bootstrap_servers="127.0.0.1:1")) as publisher:
        event = uploaded(a_recording())
        waiting = [asyncio.create_task(publisher.publish(event)) for _ in range(10)]
        await asyncio.wait(waiting, timeout=0)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="full"):
            await publisher.publish(event)
        assert time.monotonic() - started < 0.5
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, StoreUnavailable) for result in results)
