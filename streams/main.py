"""The worker process: one Faust app a stage and one for activity, hosted together, with one sweeper."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import faust
import structlog
import uvloop
from prometheus_client import start_http_server

from providers.child import Children
from providers.choose import speech_preload
from schemas.failures import Retryable
from schemas.ids import new_id
from schemas.settings import Settings, SettingsError
from stores.prepare import prepare
from streams import metrics
from streams.activity import ActivityLog
from streams.app import make_activity_app, make_app
from streams.closing import ClosingDuty
from streams.context import Intelligence
from streams.erasing import Erasing
from streams.heartbeat import Heartbeat
from streams.housekeeping import Housekeeping
from streams.relief import Relief
from streams.resources import Resources, open_resources
from streams.runner import Runner
from streams.stage import Stage
from streams.stages import STAGES
from streams.sweeper import Sweeper

log = structlog.get_logger(__name__)

_PREPARE_PAUSE = 1.0
_STOP_SECONDS = 15.0
_COLLECT_AFTER = 20_000
"""New objects between two looks at the youngest; Python's own number is 700."""


Duty = Callable[[], Coroutine[Any, Any, None]]
"""What a worker does beside its stages, for as long as it lives."""


class WorkerStopped(Exception):
    """A part of the worker stopped by itself; the process ends so that its supervisor starts it afresh."""


def run(settings: Settings, names: tuple[str, ...] = ()) -> None:
    """Works on the stages of those names, on all by default, until SIGTERM or SIGINT. Blocks.

    Raises SettingsError for a stage that does not exist, WorkerStopped when it cannot go on.
    """
    unknown = set(names) - set(STAGES)
    if unknown:
        raise SettingsError(f"There is no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}.")
    uvloop.run(serve(settings, tuple(STAGES[name] for name in names or STAGES)))


async def serve(settings: Settings, stages: tuple[Stage, ...]) -> None:
    """Works on those stages until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.worker_metrics_port:
        start_http_server(settings.worker_metrics_port)
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(settings))
        if not await _prepared(settings, stop):
            return
        owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()[-6:]}"
        runners = [await _open_runner(stage, resources, owner, stack) for stage in stages]
        apps = [make_app(stage, settings, runner) for stage, runner in zip(stages, runners, strict=True)]
        apps.append(make_activity_app(settings, ActivityLog(resources.activity)))
        duties: list[Duty] = [Sweeper(resources, STAGES, owner).run, resources.leases.run]
        duties.append(Heartbeat(resources.workers, owner, runners).run)
        duties.append(Housekeeping(resources, owner).run)
        duties.append(Erasing(resources, owner).run)
        duties.append(ClosingDuty(resources, owner).run)
        duties.append(Relief(resources, runners, owner).run)
        await _work(apps, runners, duties, stop)


async def _open_runner(stage: Stage, resources: Resources, owner: str, stack: AsyncExitStack) -> Runner:
    settings = resources.settings
    children = await stack.enter_async_context(_children(stage, settings, stage.preload(settings)))
    ears = None
    if "live_speech" in stage.needs:
        ears = await stack.enter_async_context(_children(stage, settings, speech_preload(settings)))
    intelligence = Intelligence(settings, children, ears)
    for provider in stage.needs:
        log.info("provider", stage=stage.name, name=getattr(intelligence, provider).name)
    return Runner(stage, resources, intelligence, owner)


def _children(stage: Stage, settings: Settings, preload: tuple[str, ...]) -> Children:
    return Children(
        preload=preload if stage.in_children else (),
        spares=1 if stage.in_children and preload else 0,
        memory_mb=settings.media_memory_mb,
        cpu_seconds=0 if stage.endless else settings.media_cpu_seconds,
        niceness=stage.niceness,
    )


async def _prepared(settings: Settings, stop: asyncio.Event) -> bool:
    """Makes the stores ready, however long they take to come; False when told to stop before."""
    while not stop.is_set():
        metrics.SEEN.set_to_current_time()
        try:
            await prepare(settings)
        except Retryable as error:
            log.warning("waiting for the stores", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PREPARE_PAUSE)
        else:
            return True
    return False


async def _work(apps: list[faust.App], runners: list[Runner], duties: list[Duty], stop: asyncio.Event) -> None:
    """Runs until it is told to stop or a part stops by itself; then claims nothing more and winds down."""
    tasks = [asyncio.create_task(duty()) for duty in duties]
    try:
        await asyncio.gather(*(app.start() for app in apps))
        _settle_memory()
        log.info("working", stages=[app.conf.id for app in apps])
        await _first_of(stop, tasks, apps)
    finally:
        await asyncio.gather(*(runner.close() for runner in runners))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(*(app.stop() for app in apps))
        await asyncio.gather(*(runner.close() for runner in runners))


def _settle_memory() -> None:
    """What is there once the worker works stays for as long as it lives: Python's collector need not look through it
    again and again, which was a fifth of a busy worker's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


async def _first_of(stop: asyncio.Event, duties: "list[asyncio.Task[None]]", apps: list[faust.App]) -> None:
    told = asyncio.create_task(stop.wait())
    stopped = [asyncio.create_task(app.wait_until_stopped()) for app in apps]
    try:
        await asyncio.wait([told, *duties, *stopped], return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            error = next((duty.exception() for duty in duties if duty.done()), None)
            raise WorkerStopped("A part of the worker stopped by itself; its log says why.") from error
    finally:
        for task in (told, *stopped):
            task.cancel()
