"""Worker processes in MongoDB, as they tell of themselves: collection `workers`, one document a process.

And collection `stages`: one document a stage that somebody told to go on, with the moment; workers read it with every
heartbeat. Both are as small as the number of processes and stages, so they are read whole and need no index.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from schemas.pipeline import STAGE_NAMES
from schemas.workers import StageCondition, StageView, StageWorker, Worker
from stores.documents import Database, from_document, to_document
from stores.errors import answering

log = structlog.get_logger(__name__)

ALIVE_SECONDS = 10.0
"""A worker that was not seen for so long does not count as there: it beats every two seconds."""
FORGOTTEN_SECONDS = 300.0
"""A worker that was not seen for so long is forgotten."""


class Workers:
    """The registry of workers, and what the stages were told. Methods raise StoreUnavailable, and end in time."""

    def __init__(self, database: Database) -> None:
        self._workers = database["workers"]
        self._stages = database["stages"]

    async def seen(self, worker: Worker) -> None:
        """Writes down how the worker is."""
        fields = to_document(worker)
        async with answering():
            await self._workers.update_one({"_id": fields.pop("_id")}, {"$set": fields}, upsert=True)

    async def remove(self, worker_id: str) -> None:
        """Forgets a worker that ends. Harmless when repeated."""
        async with answering():
            await self._workers.delete_one({"_id": worker_id})

    async def sweep(self, at: datetime) -> None:
        """Forgets those that ended without saying so. Harmless when repeated."""
        long_ago = at - timedelta(seconds=FORGOTTEN_SECONDS)
        async with answering():
            await self._workers.delete_many({"seen_at": {"$lt": long_ago}})

    async def alive(self, at: datetime) -> list[Worker]:
        """Those that were seen lately, by their names; one of a newer release that cannot be read is left out."""
        async with answering():
            found = [_readable(fields) async for fields in self._workers.find({})]
        lately = at - timedelta(seconds=ALIVE_SECONDS)
        return sorted((one for one in found if one and one.seen_at >= lately), key=lambda worker: worker.id)

    async def resume(self, stage: str, at: datetime) -> None:
        """Tells the stage to go on: its workers do within a few seconds. A repeat tells them again."""
        async with answering():
            await self._stages.update_one({"_id": stage}, {"$set": {"resumed_at": at}}, upsert=True)

    async def resumed(self) -> dict[str, datetime]:
        """When which stage was last told to go on."""
        async with answering():
            return {fields["_id"]: fields["resumed_at"] async for fields in self._stages.find({})}


def _readable(fields: dict[str, Any]) -> Worker | None:
    try:
        return from_document(Worker, fields)
    except ValidationError as error:
        log.info("a worker cannot be read", worker=fields["_id"], reason=str(error))
        return None


def waiting_since(workers: Sequence[Worker]) -> dict[str, datetime]:
    """Of each stage where something waits for a slot: when the oldest of it came about, at any of the workers.

    A topic is read in order, so what came about later may still be unread.
    """
    found: dict[str, datetime] = {}
    for worker in workers:
        for name, state in worker.stages.items():
            if state.waiting_since:
                found[name] = min(state.waiting_since, found.get(name, state.waiting_since))
    return found


def by_stage(workers: Sequence[Worker]) -> tuple[StageView, ...]:
    """Every stage of the pipeline with those of the workers that host it."""
    return tuple(_stage(name, workers) for name in STAGE_NAMES)


def _stage(name: str, workers: Sequence[Worker]) -> StageView:
    hosts = tuple(
        StageWorker(worker=worker.id, **worker.stages[name].model_dump(exclude={"waiting_jobs"}))
        for worker in workers
        if name in worker.stages
    )
    stopped = sum(host.state is not StageCondition.WORKING for host in hosts)
    return StageView(stage=name, stopped=stopped, workers=hosts)
