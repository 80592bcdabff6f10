"""`tidemark stages list | resume`: who works on what, and telling a stopped stage to go on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from deploy.operate.output import moment, plain, say, say_json, table
from schemas.settings import Settings
from schemas.time import now
from schemas.workers import StageCondition, StageList, StageResumed, StageView
from stores.documents import connect, disconnect
from stores.workers import Workers, by_stage


async def list_stages(settings: Settings, *, as_json: bool) -> None:
    """Says for every stage which workers live and how they are. Raises StoreUnavailable."""
    async with _workers(settings) as workers:
        stages = by_stage(await workers.alive(now()))
    if as_json:
        say_json(StageList(items=stages))
    else:
        say(*_listed(stages))


def _listed(stages: tuple[StageView, ...]) -> Iterator[str]:
    yield from table(("STAGE", "STATE", "SINCE (UTC)", "BUSY", "FAILED", "WORKER"), list(_rows(stages)))
    reasons = {
        f"{stage.stage}: {worker.reason}": None
        for stage in stages
        for worker in stage.workers
        if worker.state is not StageCondition.WORKING
    }
    yield from map(plain, reasons)


def _rows(stages: tuple[StageView, ...]) -> Iterator[tuple[str, ...]]:
    for stage in stages:
        if not stage.workers:
            yield (stage.stage, "no worker", "-", "-", "-", "-")
        for worker in stage.workers:
            busy, failed = f"{worker.running} of {worker.slots}", f"{worker.failed_share:.0%}"
            yield (stage.stage, worker.state.value, moment(worker.since), busy, failed, worker.worker)


async def resume_stage(settings: Settings, stage: str, *, as_json: bool) -> None:
    """Tells a stage to go on. Raises StoreUnavailable."""
    resumed = StageResumed(stage=stage, resumed_at=now())
    async with _workers(settings) as workers:
        await workers.resume(stage, resumed.resumed_at)
    if as_json:
        say_json(resumed)
    else:
        say(f"The workers of {stage} are told; they go on within a few seconds.")


@asynccontextmanager
async def _workers(settings: Settings) -> AsyncIterator[Workers]:
    database = connect(settings)
    try:
        yield Workers(database)
    finally:
        disconnect(database)
