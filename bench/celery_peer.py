"""The peer of bench.dispatch: three no-op tasks of Celery in a chain, with what loses nothing: late acks, prefetch 1.

Runs in an environment of its own, where nothing of ours is. `python celery_peer.py M N` sends M chains to warm up and
then N, while the worker (`celery -A celery_peer worker -c 2`) runs, and prints the seconds from the first of the N to
the end of the last.
"""

import os
import sys
import time

import redis
from celery import Celery, chain

REDIS = os.environ["PEER_REDIS"]
LIMIT_SECONDS = 120

app = Celery("peer", broker=f"{REDIS}/0")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
)
counter = redis.Redis.from_url(f"{REDIS}/2")
BODY = {"upload_id": "0f8fad5b-d9cb-469f-a165-70867728950e", "key": "recordings/original", "size": 73_400_320}


@app.task(name="probe")
def probe(job: dict[str, object]) -> dict[str, object]:
    """Nothing."""
    return job


@app.task(name="transcribe")
def transcribe(job: dict[str, object]) -> dict[str, object]:
    """Nothing."""
    return job


@app.task(name="analyse")
def analyse(job: dict[str, object]) -> dict[str, object]:
    """The last one counts itself: so the driver knows when all are through."""
    counter.incr("done")
    return job


def send(count: int) -> float:
    """Seconds until that many chains are through."""
    counter.set("done", 0)
    started = time.perf_counter()
    for number in range(count):
        chain(probe.s({**BODY, "number": number}), transcribe.s(), analyse.s()).apply_async()
    while int(counter.get("done")) < count:
        if time.perf_counter() - started > LIMIT_SECONDS:
            sys.exit(f"only {counter.get('done')} of {count} were done")
        time.sleep(0.01)
    return time.perf_counter() - started


if __name__ == "__main__":
    send(int(sys.argv[1]))
    print(send(int(sys.argv[2])))
