"""Creating the topics of schemas/topics in Kafka. They exist before anybody reads: an agent on none stays silent."""

import asyncio
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from schemas.settings import Settings
from schemas.topics import TOPICS
from stores.errors import StoreUnavailable

_ANSWER_SECONDS = 10.0


async def prepare_topics(settings: Settings) -> None:
    """Creates what is missing. Harmless when repeated, or twice at once. Raises StoreUnavailable."""
    try:
        await asyncio.to_thread(_create, settings)
    except KafkaException as error:
        raise StoreUnavailable("event log", error) from error


async def ping(settings: Settings, seconds: float) -> None:
    """Returns when Kafka answers and every topic is there. Raises StoreUnavailable."""
    try:
        known = await asyncio.to_thread(_topics, settings, seconds)
    except KafkaException as error:
        raise StoreUnavailable("event log", error) from error
    missing = {spec.topic.value for spec in TOPICS} - known
    if missing:
        raise StoreUnavailable("event log", f"topics are missing: {', '.join(sorted(missing))}")


def _topics(settings: Settings, seconds: float) -> set[str]:
    return set(_admin(settings).list_topics(timeout=seconds).topics)


def _create(settings: Settings) -> None:
    admin = _admin(settings)
    known = set(admin.list_topics(timeout=_ANSWER_SECONDS).topics)
    wanted = [
        NewTopic(
            spec.topic,
            num_partitions=spec.partitions,
            replication_factor=settings.kafka_replication_factor,
            config=spec.config,
        )
        for spec in TOPICS
        if spec.topic not in known
    ]
    if not wanted:
        return
    for created in admin.create_topics(wanted, operation_timeout=_ANSWER_SECONDS).values():
        _accept_existing(created)


def _accept_existing(created: "Future[None]") -> None:
    try:
        created.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers, "log_level": 2})
