"""Produces progress events of many jobs into Kafka, as a worker does, as many a second as it is told.

usage: python -m bench.fanout_producer RATE SECONDS (a JSON list of events on stdin, one a job). Each message is a whole
state of its job, as in the real system; only its version grows, and its results say when it was due. They come evenly:
what is due is sent each millisecond.
"""

import json
import sys
import time

from confluent_kafka import KafkaError, Message, Producer

from schemas.events import JobProgressed, headers
from schemas.settings import load_settings

_IN_FLIGHT = 20_000
_LINGER_MS = 5
_MARK = b"424242424242"


class Producing:
    """A producer with the settings of stores/publisher, but that it gathers events for longer.

    One process stands for many workers here; at one batch a millisecond it and Kafka would be what is measured.
    """

    def __init__(self, servers: str) -> None:
        self.failed: list[KafkaError] = []
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "linger.ms": _LINGER_MS,
                "batch.size": 262_144,
                "compression.type": "lz4",
                "queue.buffering.max.messages": _IN_FLIGHT,
                "delivery.report.only.error": True,
            }
        )

    def put(self, key: str, value: bytes, more: list[tuple[str, str | bytes | None]]) -> None:
        """Sends it, as soon as there is room."""
        while len(self._producer) >= _IN_FLIGHT:
            self.serve()
        self._producer.produce(JobProgressed.topic, value, key, headers=more, on_delivery=self._delivered)

    def serve(self) -> None:
        """Waits a millisecond, and hears what has not arrived."""
        self._producer.poll(0)
        time.sleep(0.001)

    def finish(self) -> None:
        """Waits for everything. Raises AssertionError when something did not arrive."""
        if self._producer.flush(30) or self.failed:
            raise AssertionError(f"events did not arrive: {self.failed[:1]}")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error:
            self.failed.append(error)


def produce(events: list[JobProgressed], rate: int, seconds: float) -> dict[str, float]:
    """Sends at that rate, round the jobs; what is late is sent as soon as it can be."""
    producing = Producing(load_settings().kafka_bootstrap_servers)
    made = [(event.key, _template(event), headers(event)) for event in events]
    sent, began, idle = 0, time.time(), time.process_time()
    while (passed := time.time() - began) < seconds:
        for number in range(sent, int(passed * rate)):
            key, template, more = made[number % len(made)]
            version = 2 + number // len(made)
            producing.put(key, template % (version, version, began + number / rate), more)
            sent = number + 1
        producing.serve()
    took = time.time() - began
    producing.finish()
    return {"sent": sent, "rate": sent / took, "cpu_us": 1e6 * (time.process_time() - idle) / max(sent, 1)}


def _template(event: JobProgressed) -> bytes:
    """The event's JSON with room for its version, that of its job, and the time in its results."""
    job = event.job.model_copy(update={"version": int(_MARK), "results": {"t": int(_MARK)}})
    parts = event.model_copy(update={"version": int(_MARK), "job": job}).model_dump_json().encode().split(_MARK)
    assert len(parts) == 4
    first, second, third, last = (part.replace(b"%", b"%%") for part in parts)
    return b"%b%%d%b%%d%b%%.6f%b" % (first, second, third, last)


if __name__ == "__main__":
    told = [JobProgressed.model_validate(event) for event in json.loads(sys.stdin.readline())]
    print(json.dumps(produce(told, int(sys.argv[1]), float(sys.argv[2]))))
