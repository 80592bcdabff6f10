"""A job as its document keeps it and as its watchers see it."""

import pytest
from pydantic import ValidationError

from schemas.jobs import Failure, Job, JobView, Status, Step, item, view
from stores import lifecycle
from tests.unit.stores.jobs import START, a_job, later, result_of, wake_of


def test_an_older_process_reads_what_a_newer_one_wrote():
    job = a_job()
    stored = {**job.model_dump(), "invented_later": 1}
    stored["steps"][0]["invented_later"] = 1
    assert Job.model_validate(stored) == job


def test_watchers_see_the_state_and_nothing_of_the_machinery():
    job = a_job()
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "host:123", 10, START)
    shown = view(job).model_dump_json()
    for word in ("host:123", "outbox", "facts", "fence", "lease", "sweep", "owner_id", "woken"):
        assert word not in shown
    assert JobView.model_validate_json(shown) == view(job)


def test_a_step_says_when_it_is_tried_again_only_while_it_waits():
    job = a_job()
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, START)
    assert view(job).steps[0].next_attempt_at is None
    lifecycle.give_back(job, "audio", 1, 30, START)
    assert view(job).steps[0].next_attempt_at == later(30)


def test_progress_is_the_mean_of_the_steps():
    steps = [Step(name=str(number), progress=progress) for number, progress in enumerate((100, 50, 0))]
    job = a_job().model_copy(update={"steps": steps})
    assert job.progress == 50
    assert job.model_copy(update={"steps": []}).progress == 0


def test_a_step_is_found_by_its_name():
    assert a_job().step("render").name == "render"
    with pytest.raises(KeyError):
        a_job().step("melt")


@pytest.mark.parametrize("progress", [-0.1, 100.1])
def test_progress_is_a_percentage(progress):
    with pytest.raises(ValidationError):
        Step(name="audio", progress=progress)


def test_what_has_ended():
    assert {status for status in Status if status.ended} == {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


def test_a_job_says_what_is_there_and_what_is_not():
    job = a_job()
    assert (view(job).delivered, view(job).missing, view(job).error) == ((), (), None)
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, START)
    lifecycle.complete(job, "audio", 1, {}, result_of(job, "audio"), START)
    lifecycle.claim(job, "render", wake_of(job, "render"), "one", 10, START)
    lifecycle.fail(job, "render", 1, Failure(code="undecodable", detail="Nothing there."), START)
    shown = view(job)
    assert (shown.status, shown.delivered, shown.missing) == (Status.RUNNING, ("audio",), ("render",))
    assert shown.error == Failure(code="undecodable", detail="Nothing there.")
    lifecycle.cancel(job, START)
    assert view(job).missing == ("render", "transcribe", "analyse")


def test_a_step_tells_its_attempts_without_naming_machines():
    job = a_job()
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "host:123", 10, START)
    lifecycle.retry_later(job, "audio", 1, Failure(code="timeout", detail="Too long."), 5, later(9))
    step = view(job).steps[0]
    assert (step.attempt, step.max_attempts, step.next_attempt_at) == (1, 3, later(14))
    (attempt,) = step.history
    assert (attempt.attempt, attempt.code, attempt.started_at, attempt.ended_at) == (1, "timeout", START, later(9))
    assert "host:123" not in view(job).model_dump_json()


def test_a_list_shows_a_job_without_its_log_and_results():
    job = a_job()
    shown = item(job).model_dump()
    assert set(shown) == set(JobView.model_fields) - {"steps", "logs", "results"}
    assert shown == view(job).model_dump(include=set(shown))
