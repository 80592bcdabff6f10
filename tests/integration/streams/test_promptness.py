"""How soon what happens to one worker shows: a cancelled step stops, a step that was given back or orphaned goes on."""

import signal
import time

import psutil
import pytest

from schemas.jobs import Status
from schemas.pipeline import JobType
from schemas.settings import Settings
from schemas.time import now
from stores import lifecycle
from tests.unit.stores.jobs import a_job, a_recording

pytestmark = pytest.mark.timeout(120)

DEFAULTS = Settings()
USUAL = {"LEASE_SECONDS": f"{DEFAULTS.lease_seconds:g}", "SWEEP_SECONDS": f"{DEFAULTS.sweep_seconds:g}"}
SLOW = {"LEASE_SECONDS": "3600", "SWEEP_SECONDS": "60"}
"""With these, nothing is found by waiting for it."""


async def test_cancelling_stops_the_work_and_its_child_within_two_seconds(fleet):
    fleet.put("child")
    await fleet.start(**USUAL)
    job = await fleet.job()
    ((child, _),) = await fleet.until(lambda: fleet.notes("child"))
    assert psutil.pid_exists(child)
    began = time.monotonic()
    await fleet.resources.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    await fleet.until(lambda: not psutil.pid_exists(child))
    assert time.monotonic() - began < 2
    assert (await fleet.step(job.id)).status is Status.CANCELLED


async def test_what_is_given_back_goes_on_elsewhere_within_five_seconds(fleet):
    first, second, job_id = await fleet.two(**SLOW)
    began = time.monotonic()
    assert await fleet.end(first, signal.SIGTERM) == 0
    await fleet.until(lambda: (second, job_id) in fleet.notes("started"))
    assert time.monotonic() - began < 5
    step = await fleet.step(job_id)
    assert (step.attempt, step.fence) == (1, 2), "it cost no attempt"
    fleet.go()
    await fleet.completed(job_id)


async def test_what_a_killed_worker_had_in_hand_runs_elsewhere_within_fifteen_seconds(fleet):
    first, second, job_id = await fleet.two(**USUAL)
    began = time.monotonic()
    await fleet.end(first, signal.SIGKILL)
    await fleet.until(lambda: (second, job_id) in fleet.notes("started"))
    assert time.monotonic() - began < 15
    fleet.go()
    await fleet.completed(job_id)


async def test_set_going_again_the_failed_step_is_done_and_no_other(fleet):
    for name in ("words", "mute", "go"):
        fleet.put(name)
    await fleet.start()
    asked = lifecycle.requested_job(a_recording(), JobType.TRANSCRIPTION, {}, 3, None, now())
    job = await fleet.job(asked)

    async def failed():
        return (await fleet.resources.jobs.get(job.id)).status is Status.FAILED

    await fleet.until(failed)
    fleet.take_away("mute")
    going, _ = await fleet.resources.jobs.change(job.id, lambda job: lifecycle.retry(job, now()))
    await fleet.resources.outbox.settle(going)

    async def completed():
        return (await fleet.resources.jobs.get(job.id)).status is Status.COMPLETED

    await fleet.until(completed)
    assert [len(fleet.notes(what)) for what in ("started", "listened")] == [1, 2]


async def test_one_callers_two_hundred_do_not_hold_up_anothers_first(fleet):
    many = [a_job(a_recording(owner_id="ada"), at=now()) for _ in range(200)]
    first = await fleet.start()
    await fleet.job(many[0])
    await fleet.started_by(first)
    for job in many[1:]:
        await fleet.job(job)
    other = await fleet.job(a_job(a_recording(owner_id="bob"), at=now()))
    fleet.go()
    await fleet.completed(other.id)
    started = [job for _, job in fleet.notes("started")]
    assert started.index(other.id) < 100
    await fleet.completed(many[-1].id)
