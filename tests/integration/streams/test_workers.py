"""Real worker processes on real Kafka: killed, told to stop, joined by others, and sent rubbish."""

import signal

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer

from schemas.events import read_event
from schemas.jobs import Status
from schemas.topics import TOPICS, Topic
from stores.dead_letters import original_bytes

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
    assert (step.attempt, step.losses, step.fence) == (1, 1, 2)
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
    async with AIOKafkaConsumer(bootstrap_servers=services.kafka_bootstrap_servers) as consumer:
        place = TopicPartition(Topic.DEAD_LETTERS, 0)
        consumer.assign([place])
        await consumer.seek_to_end(place)
        await consumer.position(place)
        for partition in range(partitions):
            producer.produce(Topic.UPLOADS, b"\xffrubbish", partition=partition)
        assert producer.flush(10) == 0
        fleet.go()
        await fleet.start()
        job = await fleet.job()
        await fleet.completed(job.id)
        letters = [read_event((await consumer.getone()).value) for _ in range(partitions)]
    assert {original_bytes(letter) for letter in letters} == {b"\xffrubbish"}
    assert {letter.original_topic for letter in letters} == {Topic.UPLOADS}
