"""Work that is asked for, and work that is set going again: from the steps that are left to do."""

import pytest

from schemas.events import read_event
from schemas.jobs import Failure, Status
from schemas.pipeline import PIPELINES, JobType
from stores import lifecycle
from tests.unit.stores.jobs import START, a_job, a_recording, later, result_of, wake_of

BROKEN = Failure(code="broken", detail="It broke.")


def end(job, stage, at=START):
    lifecycle.claim(job, stage, wake_of(job, stage), "one", 10, at)
    lifecycle.complete(job, stage, job.step(stage).fence, {stage: 1}, result_of(job, stage), at)


def owes_nothing(job, at=START):
    lifecycle.published(job, list(job.outbox), job.version, at)
    return job


def requested(*facts):
    return [read_event(fact) for fact in facts if fact["type"] == "job.requested"]


@pytest.mark.parametrize("job_type", list(JobType))
def test_a_job_that_is_asked_for_wakes_the_steps_that_wait_for_nothing(job_type):
    recording = a_recording(project_id="website")
    job = lifecycle.requested_job(recording, job_type, {"threshold": 3}, 5, 0.5, START)
    event = read_event(job.facts[0])
    plans = PIPELINES[job_type]
    assert [(step.name, step.after, step.max_attempts) for step in job.steps] == [
        (plan.stage, plan.after, 5) for plan in plans
    ]
    assert event.steps == tuple(plan.stage for plan in plans if not plan.after)
    assert (event.job_type, job.outbox, job.requests) == (job_type, [event.id], 1)
    assert (job.project_id, job.payload, job.retry_delay_seconds) == ("website", {"threshold": 3}, 0.5)
    assert (job.id != recording.job_id, job.status, job.sweep_at) == (True, Status.QUEUED, later(8))


def failed_transcription(attempts=3):
    """A job whose words failed: the audio is there, the picture too."""
    job = a_job(attempts=attempts)
    end(job, "audio")
    end(job, "render")
    lifecycle.claim(job, "transcribe", wake_of(job, "transcribe"), "one", 10, START)
    lifecycle.fail(job, "transcribe", 1, BROKEN, START)
    assert job.status is Status.FAILED
    return owes_nothing(job)


def test_set_going_again_it_starts_at_the_failed_step_and_keeps_what_is_done():
    job = failed_transcription()
    done = [job.step(name).model_copy() for name in ("audio", "render")]
    lifecycle.retry(job, later(100))
    assert [job.step(name) for name in ("audio", "render")] == done
    assert [(s.status, s.attempt, s.error, s.finished_at) for s in job.steps[2:]] == [
        (Status.QUEUED, 0, None, None)
    ] * 2
    event = read_event(job.facts[-1])
    assert (event.steps, job.outbox) == (("transcribe",), [event.id])
    assert (job.status, job.finished_at, job.requests) == (Status.RUNNING, None, 1)
    assert job.results == {"audio": 1, "render": 1}
    lifecycle.claim(job, "transcribe", event.id, "two", 10, later(101))
    assert (job.step("transcribe").fence, job.step("transcribe").attempt) == (2, 1)


def test_each_request_takes_the_place_of_the_one_before_and_wakes_anew():
    job, wakes = failed_transcription(), set()
    for number in range(1, 4):
        lifecycle.retry(job, later(number))
        (event,) = requested(*job.facts)
        assert (job.requests, job.outbox) == (number, [event.id])
        wakes.add(event.id)
        lifecycle.cancel(job, later(number))
    assert len(wakes) == 3


def test_a_request_that_was_replaced_wakes_nobody():
    job = failed_transcription()
    lifecycle.retry(job, START)
    (old,) = requested(*job.facts)
    lifecycle.cancel(job, START)
    lifecycle.retry(job, START)
    with pytest.raises(lifecycle.Refused):
        lifecycle.claim(job, "transcribe", old.id, "one", 10, START)


@pytest.mark.parametrize("ended", [False, True])
def test_only_what_failed_or_was_cancelled_can_be_set_going_again(ended):
    job = a_job()
    for stage in ("audio", "render", "transcribe", "analyse") if ended else ("audio",):
        end(job, stage)
    before = job.model_copy(deep=True)
    with pytest.raises(lifecycle.Refused):
        lifecycle.retry(job, later(1))
    assert job == before
