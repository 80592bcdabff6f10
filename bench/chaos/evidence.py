"""What is there at the end: every document, object and fact, read as an operator would, past the program's own code."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition
from minio import Minio
from minio.error import MinioException
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError
from urllib3.exceptions import HTTPError

from deploy.embedded.stack import Services
from schemas.topics import TOPICS, Topic

DATABASE = BUCKET = "tidemark"
_SECONDS = 20.0
_TRIES, _PAUSE_SECONDS = 10, 5.0
_AWAY = (KafkaException, PyMongoError, MinioException, HTTPError)
_OVERDUE = timedelta(seconds=60)

Fields = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Jobs and recordings by id, objects by key with their sizes, facts as they lie on the topics.

    `overdue` are the alarms that should have rung and been taken away a good while ago.
    """

    jobs: dict[str, Fields]
    recordings: dict[str, Fields]
    objects: dict[str, int]
    overdue: list[Fields] = field(default_factory=list)
    facts: list[Fields] = field(default_factory=list)


def gather(services: Services, with_facts: bool = True) -> Evidence:
    """Reads everything; again when a server is away, since it comes back. Blocks. Raises the last error of a client."""
    for _ in range(_TRIES - 1):
        try:
            return _gather(services, with_facts)
        except _AWAY:
            time.sleep(_PAUSE_SECONDS)
    return _gather(services, with_facts)


def _gather(services: Services, with_facts: bool) -> Evidence:
    client: MongoClient[Fields]
    with MongoClient(services.mongodb_url, timeoutMS=int(_SECONDS * 1000), tz_aware=True) as client:
        database: Database[Fields] = client[DATABASE]
        return Evidence(
            jobs={document["_id"]: _job(document) for document in database.jobs.find()},
            recordings={document["_id"]: document for document in database.recordings.find()},
            overdue=[_alarm(found) for found in database.alarms.find({"at": {"$lt": datetime.now(UTC) - _OVERDUE}})],
            objects=_objects(services),
            facts=list(_facts(services)) if with_facts else [],
        )


def _job(document: Fields) -> Fields:
    (state,) = document["state"]
    return {**state, "_id": document["_id"], "steps": orjson.loads(state["steps"])}


def _alarm(document: Fields) -> Fields:
    return {**document, "looks": [{"job_id": job_id} for job_id, *_ in orjson.loads(document["looks"])]}


def _objects(services: Services) -> dict[str, int]:
    client = Minio(
        endpoint=services.s3_endpoint.removeprefix("http://"),
        access_key=services.s3_access_key,
        secret_key=services.s3_secret_key,
        secure=False,
        region="us-east-1",
    )
    return {item.object_name: item.size for item in client.list_objects(BUCKET, recursive=True)}


def _facts(services: Services) -> Iterator[Fields]:
    """Every event of every topic but the passing news of progress, each as often as it lies there."""
    options = {"bootstrap.servers": services.kafka_bootstrap_servers, "group.id": "nobody", "log_level": 0}
    with closing(Consumer(options)) as consumer:
        for spec in TOPICS:
            if spec.topic is not Topic.PROGRESS:
                for partition in range(spec.partitions):
                    yield from _partition(consumer, TopicPartition(spec.topic.value, partition))


def _partition(consumer: Consumer, place: TopicPartition) -> Iterator[Fields]:
    first, end = consumer.get_watermark_offsets(place, timeout=_SECONDS)
    place.offset = first
    consumer.assign([place])
    while first < end:
        message = consumer.poll(_SECONDS)
        if message is None or message.error():
            raise KafkaException(message.error() if message else f"{place.topic}/{place.partition} cannot be read")
        first = (message.offset() or 0) + 1
        yield orjson.loads(message.value() or b"")
