"""Produces progress events of many jobs into Kafka, as a worker does, as many a second as it is told.

usage: python -m bench.fanout_producer RATE SECONDS (a JSON list of events on stdin, one a job). Each message is a whole
state of its job, as in the real system; only its version grows, and its results say when it was due.
"""

import json
import sys
import time

from confluent_kafka import KafkaError, Message, Producer

from schemas.events import JobProgressed, headers
from schemas.settings import load_settings

_IN_FLIGHT = 20_000
_MARK = b"424242424242"


class Producing:
    """A producer with the settings of stores/publisher, and what became of its messages."""

    def __init__(self, servers: str) -> None:
        self.failed: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "linger.ms": 1,
                "batch.size": 262_144,
                "compression.type": "lz4",
                "queue.buffering.max.messages": _IN_FLIGHT,
            }
        )

    def put(self, event: JobProgressed, value: bytes) -> None:
        """Sends it, as soon as there is room."""
        while len(self._producer) >= _IN_FLIGHT:
            self._producer.poll(0.001)
        self._producer.produce(event.topic, value, event.key, headers=headers(event), on_delivery=self._delivered)

    def serve(self, seconds: float) -> None:
        """Waits a moment, and hears what has arrived."""
        self._producer.poll(seconds)

    def finish(self) -> None:
        """Waits for everything. Raises AssertionError when something did not arrive."""
        if self._producer.flush(30) or self.failed:
            raise AssertionError(f"events did not arrive: {self.failed[:1]}")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error:
            self.failed.append(error)


def produce(events: list[JobProgressed], rate: int, seconds: float) -> dict[str, float]:
    """Sends at that rate, round the jobs; what is late is sent as soon as it can be."""
    templates, producing = [_template(event) for event in events], Producing(load_settings().kafka_bootstrap_servers)
    sent, began = 0, time.time()
    while (passed := time.time() - began) < seconds:
        for number in range(sent, int(passed * rate)):
            event, (before, between, after) = events[number % len(events)], templates[number % len(events)]
            version = event.job.version + 1 + number // len(events)
            producing.put(event, b"%s%d%s%.6f%s" % (before, version, between, began + number / rate, after))
            sent = number + 1
        producing.serve(0.001)
    took = time.time() - began
    producing.finish()
    return {"sent": sent, "rate": sent / took}


def _template(event: JobProgressed) -> list[bytes]:
    """The event's JSON around its job's version and the time in its results."""
    job = event.job.model_copy(update={"version": int(_MARK), "results": {"t": int(_MARK)}})
    parts = event.model_copy(update={"job": job}).model_dump_json().encode().split(_MARK)
    assert len(parts) == 3
    return parts


if __name__ == "__main__":
    told = [JobProgressed.model_validate(event) for event in json.loads(sys.stdin.readline())]
    print(json.dumps(produce(told, int(sys.argv[1]), float(sys.argv[2]))))
