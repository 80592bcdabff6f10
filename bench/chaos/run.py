"""A run from end to end: start everything, make the references, send and strike, wait for rest, judge, stop."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.chaos import doors
from bench.chaos.caller import Caller, signed_in
from bench.chaos.clips import Clip, make_clips
from bench.chaos.evidence import BUCKET, DATABASE, Evidence, gather
from bench.chaos.plan import Blow, Cast, Plan, Upload, draw
from bench.chaos.report import Report
from bench.chaos.results import Results, results_of
from bench.chaos.striker import TARGETS, Striker
from bench.chaos.uploader import Sent, Uploader
from bench.chaos.verdict import Case, Fault, Finding, judge, unfinished
from deploy.embedded.ports import free_ports
from deploy.embedded.stack import default_cache
from deploy.platform import Platform, running_platform

WORKERS = 2
SETTINGS = {
    "S3_BUCKET": BUCKET,
    "MONGODB_DATABASE": DATABASE,
    "DEEPGRAM_API_KEY": "",
    "GEMINI_API_KEY": "",
    "ABANDONED_UPLOAD_MINUTES": "1",
    "PRESIGNED_URL_SECONDS": "60",
    "RECONCILE_SECONDS": "10",
    "SHUTDOWN_GRACE_SECONDS": "5",
}
"""What the run wants of the environment: offline providers, and abandoned uploads cleared up while it can be seen."""

_LOOK_SECONDS = 2.0
_TELL_SECONDS = 30.0
_REST_SECONDS = 300.0
_REST_SECONDS_A_JOB = 10.0
_CLEARING_SECONDS = 180.0
"""Longer than an address lasts and an upload is left alone after that, and the pause between two looks for them."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a run is made of. `data` keeps everything; `targets` and `blows` narrow down what is struck, and how."""

    seed: int
    jobs: int
    seconds: float
    data: Path
    targets: tuple[str, ...] = TARGETS
    blows: tuple[Blow, ...] = tuple(Blow)


async def chaos(options: Options, say: Say) -> Report:
    """Does it all. `say` gets a line for everything that happens. Raises EmbeddedError where nothing can be started."""
    clips = make_clips(options.data / "clips")
    plan = _plan(options, clips)
    port = free_ports(1)[0]
    async with running_platform(port, options.data, default_cache(), say, SETTINGS, WORKERS) as platform:
        run = _Run(platform, clips, plan, say)
        report = await _unless_it_fails(platform, run)
    report.findings += _processes_left(options.data)
    return report


def _plan(options: Options, clips: dict[str, Clip]) -> Plan:
    cast = Cast(
        good=[clip.name for clip in clips.values() if clip.good],
        broken=[clip.name for clip in clips.values() if not clip.good],
        doors=tuple(doors.DOORS),
        targets=options.targets,
        blows=options.blows,
    )
    return draw(options.seed, options.jobs, options.seconds, cast)


async def _unless_it_fails(platform: Platform, run: "_Run") -> Report:
    """The run's report; a platform that cannot be kept running ends it with the reason."""
    failed, running = asyncio.ensure_future(platform.failed()), asyncio.create_task(run.whole())
    try:
        await asyncio.wait([failed, running], return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        return running.result()
    finally:
        failed.cancel()
        running.cancel()
        await asyncio.wait([failed, running])


class _Run:
    """One run on a running platform."""

    def __init__(self, platform: Platform, clips: dict[str, Clip], plan: Plan, say: Say) -> None:
        self._platform = platform
        self._clips = clips
        self._plan = plan
        self._say = say

    async def whole(self) -> Report:
        """References, chaos, rest, verdict."""
        async with signed_in(self._platform.url, 1 + max(upload.caller for upload in self._plan.uploads)) as callers:
            quiet = await self._references(callers)
            started = time.monotonic()
            uploader, striker = Uploader(callers, self._clips), Striker(self._platform, self._say)
            await self._under_fire(uploader, striker)
            await self._until_without(Fault.STUCK, _REST_SECONDS + _REST_SECONDS_A_JOB * len(self._plan.uploads))
            seconds = time.monotonic() - started
            await self._until_without(Fault.ORPHAN, _CLEARING_SECONDS)
            evidence = await asyncio.to_thread(gather, self._platform.services)
            sent = (*quiet, *uploader.sent)
            heard = sum((caller.heard for caller in callers), Counter[str]())
            self._say("everything has ended; comparing it with what should have come out")
            case = await self._case(sent, quiet, evidence, callers)
        report = Report(self._plan.seed, tuple(uploader.sent), evidence, striker.hits, striker.missed, heard, seconds)
        report.findings += judge(case)
        return report

    async def _references(self, callers: list[Caller]) -> tuple[Sent, ...]:
        """Each clip once, undisturbed."""
        uploader = Uploader(callers, self._clips)
        for clip in self._clips.values():
            await uploader.send(Upload(at=0, clip=clip.name, door="presigned", caller=0))
        await self._until_without(Fault.STUCK, _REST_SECONDS)
        self._say(f"{len(uploader.sent)} files went through undisturbed, to compare with")
        return tuple(uploader.sent)

    async def _under_fire(self, uploader: Uploader, striker: Striker) -> None:
        telling = asyncio.create_task(self._tell(uploader))
        try:
            await asyncio.gather(uploader.send_all(self._plan), striker.strike_all(self._plan))
        finally:
            telling.cancel()
        self._say(f"{len(uploader.sent)} sent; nothing is struck any more")

    async def _tell(self, uploader: Uploader) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            self._say(f"{uploader.started} of {len(self._plan.uploads)} under way, {len(uploader.sent)} answered")

    async def _until_without(self, fault: Fault, seconds: float) -> None:
        """Returns when nothing shows that fault any more; after `seconds` it is no longer waited for."""
        ends, told = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < ends:
            evidence = await asyncio.to_thread(gather, self._platform.services, with_facts=False)
            left = [finding for finding in unfinished(evidence) if finding.fault is fault]
            if not left:
                return
            if time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                self._say(f"{len(left)} are waited for, such as {left[0].about}: {left[0].why}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _case(
        self, sent: tuple[Sent, ...], quiet: tuple[Sent, ...], evidence: Evidence, callers: list[Caller]
    ) -> Case:
        owners = {
            evidence.recordings[one.answer.recording_id]["owner_id"]: callers[one.upload.caller]
            for one in sent
            if isinstance(one.answer, doors.Accepted) and one.answer.recording_id in evidence.recordings
        }
        results = {
            recording_id: await results_of(owners[recording["owner_id"]], recording_id)
            for recording_id, recording in evidence.recordings.items()
            if recording["status"] == "completed" and recording["owner_id"] in owners
        }
        accepted = {one.clip.name: one.answer for one in quiet if isinstance(one.answer, doors.Accepted)}
        return Case(
            clips=self._clips,
            evidence=evidence,
            sent=sent,
            results=results,
            references=_references(accepted, results),
            kinds_of_fact={
                name: frozenset(fact["type"] for fact in evidence.facts if fact["job_id"] == answer.job_id)
                for name, answer in accepted.items()
            },
        )


def _references(accepted: dict[str, doors.Accepted], results: dict[str, Results]) -> dict[str, Results]:
    return {name: results[one.recording_id] for name, one in accepted.items() if one.recording_id in results}


def _processes_left(data: Path) -> list[Finding]:
    """Processes that name the run's folder, in what started them or in their environment, after all was stopped."""
    folder, left, ours = str(data.absolute()), [], psutil.Process()
    for process in psutil.process_iter():
        try:
            named = any(folder in text for text in (*process.cmdline(), process.environ().get("TMPDIR", "")))
            if named and process not in (ours, *ours.parents()) and process.status() != psutil.STATUS_ZOMBIE:
                left.append(Finding(Fault.PROCESS, str(process.pid), " ".join(process.cmdline())[:200]))
        except psutil.Error:
            continue
    return left
