"""Putting events on Kafka: one idempotent producer a process, with its own poll thread.

Delivery reports are collected and handed to the event loop by one wake-up for all that are ready. Headers are
CloudEvents'; a value is the event's JSON. Idempotence covers the producer's own retries only: an event that is
published again has the same id. What nobody waited for any longer may still be delivered, within _DELIVERY_SECONDS.
"""

import asyncio
import threading
from types import TracebackType

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from schemas.events import Event, headers
from schemas.settings import Settings
from schemas.topics import Topic
from stores.deadline import Deadline
from stores.errors import StoreUnavailable, unanswered

log = structlog.get_logger(__name__)

Headers = list[tuple[str, str | bytes | None]]

_DELIVERY_SECONDS = 10.0
_IN_FLIGHT = 20_000
_RECONNECT_MS = 1000
"""The longest pause between two looks whether Kafka is back: by default it grows to ten times that."""


class Publisher:
    """Publishes events. Use as an async context manager inside a running loop."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka_bootstrap_servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 1,
                "batch.size": 262_144,
                "compression.type": "lz4",
                "queue.buffering.max.messages": _IN_FLIGHT,
                "delivery.timeout.ms": int(_DELIVERY_SECONDS * 1000),
                "reconnect.backoff.max.ms": _RECONNECT_MS,
                "socket.keepalive.enable": True,
                "log_level": 2,
            },
            logger=None,
        )
        self._reports: list[tuple[asyncio.Future[None], KafkaError | None]] = []
        self._lock = threading.Lock()
        seconds = _DELIVERY_SECONDS + 1
        self._deadline = Deadline(seconds, lambda: unanswered(seconds, "event log"))
        self._running = False
        self._thread = threading.Thread(target=self._poll, name="kafka-delivery", daemon=True)

    async def __aenter__(self) -> "Publisher":
        self._loop = asyncio.get_running_loop()
        self._running = True
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for what is in flight, then ends the thread."""
        await asyncio.to_thread(self._producer.flush, _DELIVERY_SECONDS)
        self._running = False
        await asyncio.to_thread(self._thread.join, 5)

    async def publish(self, event: Event) -> None:
        """Puts the event on its topic and returns when Kafka has acknowledged it.

        Raises StoreUnavailable when Kafka does not answer in time, or at once when too much is in flight already.
        """
        await self._put(event.topic, event.key, event.model_dump_json().encode(), headers(event))

    async def publish_raw(self, topic: Topic, key: str | None, value: bytes) -> None:
        """Puts a value on a topic as it is, whether it is an event or not. Raises as `publish` does."""
        await self._put(topic, key, value, [])

    async def _put(self, topic: Topic, key: str | None, value: bytes, headers: Headers) -> None:
        delivered: asyncio.Future[None] = self._loop.create_future()

        def report(error: KafkaError | None, _: Message) -> None:
            self._collect(delivered, error)

        try:
            self._producer.produce(topic, value, key, headers=headers, on_delivery=report)
        except (BufferError, KafkaException) as error:
            raise StoreUnavailable("event log", error) from error
        self._deadline.watch(delivered)
        try:
            await delivered
        except KafkaException as error:
            raise StoreUnavailable("event log", error) from error

    def _poll(self) -> None:
        while self._running:
            self._producer.poll(0.2)

    def _collect(self, delivered: asyncio.Future[None], error: KafkaError | None) -> None:
        """In the poll thread: only the first report of a batch wakes the loop."""
        with self._lock:
            self._reports.append((delivered, error))
            first = len(self._reports) == 1
        if first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            reports, self._reports = self._reports, []
        for delivered, error in reports:
            if delivered.done():
                continue
            if error is None:
                delivered.set_result(None)
            else:
                delivered.set_exception(KafkaException(error))
