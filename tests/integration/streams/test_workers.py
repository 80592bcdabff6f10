"""Real worker processes on real Kafka: killed, told to stop, joined by others, and sent rubbish."""

import signal

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from schemas.events import read_event
from schemas.jobs import Status
from schemas.topics import TOPICS, Topic
from stores.dead_letters import original_bytes
from tests.integration.streams.conftest import PATIENCE

pytestmark = pytest.mark.timeout(90)


async def test_a_killed_workers_step_ends_on_another_once(fleet):
    first = await fleet.start()
    job = await fleet.job()
    assert await fleet.started_by(first) == job.id
    second = await fleet.start()
    assert await fleet.end(first, signal.SIGKILL) == -signal.SIGKILL
    assert await fleet.started_by(second) == job.id
    fleet.go()
    await fleet.completed(job.id)
    step = await fleet.step(job.id)
    assert (step.attempt, step.fence) == (2, 2)
    assert fleet.notes("done") == [(second, job.id)]


async def test_a_worker_that_is_told_to_stop_gives_its_step_back_at_once(fleet):
    first = await fleet.start(LEASE_SECONDS="3600")
    job = await fleet.job()
    await fleet.started_by(first)
    assert await fleet.end(first, signal.SIGTERM) == 0
    step = await fleet.step(job.id)
    assert (step.status, step.attempt, step.owner) == (Status.QUEUED, 0, None)
    fleet.go()
    second = await fleet.start()
    await fleet.completed(job.id)
    assert fleet.notes("done") == [(second, job.id)]
    assert (await fleet.step(job.id)).attempt == 1


async def test_a_worker_that_joins_restarts_nothing_and_takes_its_share(fleet):
    first = await fleet.start()
    jobs = [await fleet.job() for _ in range(8)]
    running = await fleet.started_by(first)
    second = await fleet.start()
    await fleet.started_by(second)
    assert fleet.notes("started")[0] == (first, running)
    fleet.go()
    await fleet.completed(*(job.id for job in jobs))
    assert sorted(job for _, job in fleet.notes("started")) == sorted(job.id for job in jobs)
    assert sorted(job for _, job in fleet.notes("done")) == sorted(job.id for job in jobs)


async def test_rubbish_on_a_topic_goes_to_the_dead_letters_and_the_stage_goes_on(fleet, services):
    partitions = next(spec.partitions for spec in TOPICS if spec.topic is Topic.UPLOADS)
    producer = Producer({"bootstrap.servers": services.kafka_bootstrap_servers})
    for partition in range(partitions):
        producer.produce(Topic.UPLOADS, b"\xffrubbish", partition=partition)
    assert producer.flush(10) == 0
    fleet.go()
    await fleet.start()
    job = await fleet.job()
    await fleet.completed(job.id)
    letters = await dead_letters(services.kafka_bootstrap_servers, partitions)
    assert {original_bytes(letter) for letter in letters} == {b"\xffrubbish"}
    assert {letter.original_topic for letter in letters} == {Topic.UPLOADS}


async def dead_letters(servers: str, count: int):
    """The first unreadable events among the dead letters, as soon as there are so many."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        place = TopicPartition(Topic.DEAD_LETTERS, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        found = []
        while len(found) < count:
            batch = await consumer.getmany(timeout_ms=PATIENCE * 1000)
            values = (message.value for messages in batch.values() for message in messages)
            letters = [read_event(value) for value in values if value]  # a letter that was replayed is taken back
            found += [letter for letter in letters if letter.code == "unreadable_event"]
        return found
    finally:
        await consumer.stop()
