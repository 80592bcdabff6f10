"""How many jobs a second: a chain of three steps that do nothing, with durable records and progress, two workers.

Beside it, in the same run: Celery on Redis (append-only file on, late acks, prefetch 1, two processes) with a chain of
three; and what the embedded document server takes in grouped writes at most. Then the same with 500 and with 50,000
jobs waiting. `redis-server` is needed; Celery is installed into .cache/bench.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import mean

from aiokafka import AIOKafkaConsumer

from bench.machine import describe
from bench.peers import CELERY, environment, redis
from deploy.embedded.process import Child, Program, python_module
from deploy.embedded.stack import EmbeddedStack, default_cache
from schemas.events import RecordingAnalysed, RecordingUploaded, event_id, read_event
from schemas.ids import new_id
from schemas.jobs import Job, Status
from schemas.recordings import Recording, Source
from schemas.settings import Settings
from schemas.time import now
from schemas.topics import Topic
from stores import lifecycle
from stores.documents import connect, disconnect
from stores.jobs import Jobs
from stores.outbox import Outbox
from stores.prepare import prepare
from stores.publisher import Publisher
from stores.recordings import Recordings

_AT_ONCE = 64
_WORKERS = 2
_WARM_UP = 2000
"""Jobs before the clock starts: the servers' compilers work hardest then. The peer gets as many."""
_SETTLE_SECONDS = 30.0
"""What follows the making of so many jobs at once, as nobody would: the looks at them a few seconds later."""
_ROUNDS = 2
_SETTINGS = {"WORKER_CONCURRENCY": "64", "LOG_LEVEL": "warning", "RECONCILE_SECONDS": "86400"}
"""The jobs belong to no recording: a reconciler would take them for what a deletion left behind."""


class Load:
    """Makes jobs, and knows which have come to their end: from the topic that the last step puts its fact on."""

    def __init__(self, jobs: Jobs, outbox: Outbox, settings: Settings) -> None:
        self.jobs, self._outbox, self._settings = jobs, outbox, settings
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.made: set[str] = set()
        self.ended: set[str] = set()
        self._progress = asyncio.Event()

    async def follow(self) -> None:
        """Reads the topic for ever."""
        servers = self._settings.kafka_bootstrap_servers
        async with AIOKafkaConsumer(Topic.ANALYSES.value, bootstrap_servers=servers) as consumer:
            async for message in consumer:
                event = read_event(message.value)
                if isinstance(event, RecordingAnalysed):
                    self.ended.add(event.job_id)
                    self._progress.set()

    async def make(self, count: int) -> None:
        """Makes that many jobs, up to _AT_ONCE at a time, each durable and its fact on Kafka."""
        await asyncio.gather(*(self._make_one() for _ in range(count)))

    async def _make_one(self) -> None:
        async with self._room:
            job = _job()
            self.made.add(job.id)
            await self.jobs.create(job)
            await self._outbox.settle(job)

    async def until_ended(self, count: int) -> None:
        """Waits until that many jobs have come to their end."""
        while len(self.ended) < count:
            self._progress.clear()
            await self._progress.wait()

    async def keep_waiting(self, waiting: int) -> None:
        """Makes a new job for each that ends, so that `waiting` of them always wait."""
        while True:
            missing = waiting - (len(self.made) - len(self.ended))
            await self.make(max(missing, 0))
            self._progress.clear()
            await self._progress.wait()


def _job() -> Job:
    job_id, recording_id, at = new_id(), new_id(), now()
    uploaded = RecordingUploaded(
        id=event_id("recording.uploaded", job_id),
        recording_id=recording_id,
        owner_id=f"caller {int(recording_id[-2:], 16) % 16}",
        job_id=job_id,
        object_key=f"recordings/{recording_id}/original",
        content_type="video/webm",
        size_bytes=1,
        source="presigned",
    )
    recording = Recording(
        id=recording_id,
        owner_id=uploaded.owner_id,
        job_id=job_id,
        title="none",
        filename="none.webm",
        source=Source.PRESIGNED,
        size_bytes=1,
        object_key=uploaded.object_key,
        created_at=at,
        updated_at=at,
    )
    job = lifecycle.new_job(recording, uploaded, 3, at)
    job.steps = [step for step in job.steps if step.name != "render"]
    return job


class System:
    """The embedded stack with workers of no-op stages, and the load."""

    def __init__(self, folder: Path, opened: AsyncExitStack, environment: dict[str, str], load: Load) -> None:
        self._folder, self._opened, self._environment = folder, opened, environment
        self.load = load

    async def start_workers(self) -> None:
        """Starts as many as the peer has; they end with the system."""
        for number in range(_WORKERS):
            child = await Child.start(
                Program(
                    name=f"worker {number + 1}",
                    command=python_module("bench.dispatch_worker"),
                    log=self._folder / f"worker-{number + 1}.log",
                    environment=self._environment,
                    grace=30,
                )
            )
            self._opened.push_async_callback(child.stop)


@asynccontextmanager
async def system() -> AsyncIterator[System]:
    """The system, without workers for now."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        async with AsyncExitStack() as opened:
            services = await opened.enter_async_context(EmbeddedStack(Path(folder), default_cache()))
            environment = {**services.environment(), **_SETTINGS}
            settings = Settings.model_validate({name.lower(): value for name, value in environment.items()})
            await prepare(settings)
            database = connect(settings)
            opened.callback(disconnect, database)
            publisher = await opened.enter_async_context(Publisher(settings))
            jobs = Jobs(database)
            outbox = await opened.enter_async_context(Outbox(jobs, Recordings(database), publisher))
            load = Load(jobs, outbox, settings)
            following = asyncio.create_task(load.follow())
            opened.callback(following.cancel)
            yield System(Path(folder), opened, environment, load)


async def throughput(count: int) -> float:
    """Jobs a second, from the first to be made to the end of the last, while the workers run."""
    async with system() as run:
        load = run.load
        await run.start_workers()
        await load.make(_WARM_UP)
        await load.until_ended(_WARM_UP)
        started = time.perf_counter()
        await load.make(count)
        await load.until_ended(count + _WARM_UP)
        seconds = time.perf_counter() - started
        await _check(load)
    return count / seconds


async def _check(load: Load) -> None:
    """Every job is completed, at the first attempt of each step."""
    made = list(load.made)
    found = [job for start in range(0, len(made), 500) for job in await load.jobs.get_many(made[start : start + 500])]
    wrong = [
        job.id for job in found if job.status is not Status.COMPLETED or any(step.attempt > 1 for step in job.steps)
    ]
    if len(found) < len(made) or wrong:
        raise AssertionError(f"{len(made) - len(found)} jobs are lost; not completed once: {wrong[:5]}")


async def backlog(waiting: int, count: int) -> float:
    """Jobs a second over `count` of them, while `waiting` wait all the time."""
    async with system() as run:
        load = run.load
        await load.make(waiting)
        await run.start_workers()
        keeping = asyncio.create_task(load.keep_waiting(waiting))
        await load.until_ended(_WARM_UP)
        await asyncio.sleep(_SETTLE_SECONDS)
        started, before = time.perf_counter(), len(load.ended)
        await load.until_ended(before + count)
        seconds = time.perf_counter() - started
        keeping.cancel()
    return count / seconds


async def ceiling(count: int) -> float:
    """Changes of job documents a second that the document server takes, from one process, in full groups."""
    async with system() as run:
        load = run.load
        jobs = [_job() for _ in range(count)]
        await asyncio.gather(*(load.jobs.create(job) for job in jobs))
        started = time.perf_counter()
        for _ in range(3):
            changed = await asyncio.gather(
                *(load.jobs.change(job.id, lambda job: lifecycle.wake(job, "x", now()), known=job) for job in jobs)
            )
            jobs = [job for job, _ in changed]
        return 3 * count / (time.perf_counter() - started)


@contextmanager
def peer() -> Iterator[Path]:
    """Redis and a Celery worker; gives the environment's Python."""
    python = environment("celery", CELERY)
    with redis() as address:
        os.environ["PEER_REDIS"] = address
        celery = [str(python), "-m", "celery", "-A", "celery_peer", "worker", "-c", str(_WORKERS), "-l", "error"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        worker = subprocess.Popen(
            [*celery, *quiet], cwd=Path(__file__).parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield python
        finally:
            worker.terminate()
            worker.wait()


def celery_throughput(count: int) -> float:
    """Jobs a second of the peer."""
    with peer() as python:
        command = [str(python), str(Path(__file__).with_name("celery_peer.py")), str(_WARM_UP), str(count)]
        return count / float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Prints each figure, and its ratio to the one beside it."""
    options = argparse.ArgumentParser(prog="python -m bench.dispatch", description=main.__doc__)
    options.add_argument("--jobs", type=int, default=4000)
    options.add_argument("--backlog", type=int, default=50_000, help="0: leave that part out")
    given = options.parse_args()
    print(describe())
    ours = asyncio.run(throughput(given.jobs))
    print(f"chain of three, ours         {ours:.0f} jobs/s")
    if shutil.which("redis-server"):
        theirs = celery_throughput(given.jobs)
        print(f"chain of three, Celery       {theirs:.0f} jobs/s")
        print(f"ratio ours / Celery          {ours / theirs:.2f}  (goal at least 0.7, aim 1.5)")
    else:
        print("redis-server is not installed: no peer to compare with")
    most = asyncio.run(ceiling(2000))
    print(f"ceiling: changes in groups   {most:.0f} a second; a job takes about 8 of them: {most / 8:.0f} jobs/s")
    if given.backlog:
        few, many = [], []
        for _ in range(_ROUNDS):
            few.append(asyncio.run(backlog(500, given.jobs)))
            many.append(asyncio.run(backlog(given.backlog, given.jobs)))
        print(f"with 500 waiting             {mean(few):.0f} jobs/s  (of {[round(rate) for rate in few]})")
        print(f"with {given.backlog} waiting           {mean(many):.0f} jobs/s  (of {[round(rate) for rate in many]})")
        print(f"ratio                        {mean(many) / mean(few):.2f}  (goal at least 0.9)")


if __name__ == "__main__":
    main()
