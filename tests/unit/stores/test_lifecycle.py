"""Each transition by itself. What holds in any order of them: see test_lifecycle_model."""

import pytest

from schemas.events import event_id, read_event
from schemas.jobs import LOG_LINES, Failure, Status
from schemas.pipeline import STAGE_NAMES, JobType
from stores import lifecycle
from stores.errors import LeaseLost
from tests.unit.stores.jobs import START, a_job, a_recording, available, later, result_of, uploaded, wake_of

BROKEN = Failure(code="broken", detail="It broke.")


def claimed(stage="audio", attempts=3):
    job = a_job(attempts=attempts)
    lifecycle.claim(job, stage, wake_of(job, stage), "one", 10, START)
    return job


def end(job, stage, at=START):
    lifecycle.claim(job, stage, wake_of(job, stage), "one", 10, at)
    lifecycle.complete(job, stage, job.step(stage).fence, {stage: 1}, result_of(job, stage), at)


def owes_nothing(job, at=START):
    lifecycle.published(job, list(job.outbox), job.version, at)
    return job


def test_a_new_job_owes_the_fact_of_the_upload():
    recording = a_recording(project_id="website")
    event = uploaded(recording)
    job = lifecycle.new_job(recording, event, 4, START)
    assert (job.id, job.recording_id, job.owner_id, job.project_id) == (
        *(recording.job_id, recording.id, "ada", "website"),
    )
    assert [(step.name, step.after, step.max_attempts) for step in job.steps] == [
        ("audio", (), 4),
        ("render", (), 4),
        ("transcribe", ("audio",), 4),
        ("analyse", ("transcribe",), 4),
    ]
    assert (job.status, job.outbox, job.announce) == (Status.QUEUED, [event.id], False)
    assert read_event(job.facts[0]) == event
    assert job.sweep_at == later(8)


def test_a_claim_gives_owner_lease_fence_and_attempt():
    job = claimed()
    step = job.step("audio")
    assert (step.status, step.owner, step.fence, step.attempt) == (Status.RUNNING, "one", 1, 1)
    assert (step.lease_until, step.started_at, step.woken_by) == (later(10), START, job.facts[0]["id"])
    assert (job.status, job.started_at) == (Status.RUNNING, START)
    assert job.logs[-1].message == "attempt 1 of 3"


def test_who_is_woken_by_a_fact_has_it_from_its_topic_so_it_is_no_longer_owed():
    job = a_job()
    lifecycle.claim(job, "audio", job.facts[0]["id"], "one", 10, START)
    assert (job.outbox, job.announce) == ([], False), "who claims tells the news; if that is lost, so is the lease"
    lifecycle.put_out(job, "audio", 1, available(job), START)
    lifecycle.claim(job, "render", job.facts[0]["id"], "two", 10, START)
    assert job.outbox == [available(job).id]


@pytest.mark.parametrize("wake", ["nothing", ""])
def test_only_a_fact_of_the_job_wakes_a_step(wake):
    with pytest.raises(lifecycle.Refused):
        lifecycle.claim(a_job(), "audio", wake, "one", 10, START)


@pytest.mark.parametrize("stage", sorted({*STAGE_NAMES} - {"audio", "transcribe"}))
def test_a_step_that_the_job_does_not_have_is_refused_to_whoever_is_woken(stage):
    job = lifecycle.requested_job(a_recording(), JobType.TRANSCRIPTION, {}, 3, None, START)
    with pytest.raises(lifecycle.Refused, match=f"no step {stage}"):
        lifecycle.claim(job, stage, job.facts[0]["id"], "one", 30, START)


def test_a_second_claim_is_refused_until_the_lease_is_over():
    job = claimed()
    with pytest.raises(lifecycle.Refused):
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(9.9))
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(10))
    step = job.step("audio")
    assert (step.owner, step.fence, step.attempt, step.losses, step.started_at) == ("two", 2, 1, 1, START)
    with pytest.raises(LeaseLost):
        lifecycle.renew(job, "audio", 1, 10, later(10))


def test_renewing_prolongs_the_lease_and_says_nothing_to_the_watchers():
    job = owes_nothing(claimed())
    lifecycle.renew(job, "audio", 1, 10, later(5))
    assert job.step("audio").lease_until == later(15)
    assert job.sweep_at == later(10), "a look too early is harmless, and saves an alarm"
    assert lifecycle.expire(job, later(10)) == ()
    assert job.sweep_at == later(15)
    assert not job.announce


def test_progress_never_goes_back_and_only_an_ending_is_a_hundred():
    job = claimed()
    for said, shown in ((40.0, 40), (10.0, 40), (None, 40), (150.0, 99)):
        lifecycle.report(job, "audio", 1, said, {}, START)
        assert job.step("audio").progress == shown
    lifecycle.complete(job, "audio", 1, {}, result_of(job, "audio"), START)
    assert job.step("audio").progress == 100


def test_an_early_fact_is_put_out_once():
    job = claimed()
    for _ in range(2):
        lifecycle.put_out(job, "audio", 1, available(job), START)
    assert [fact["type"] for fact in job.facts] == ["recording.uploaded", "audio.available"]
    assert job.outbox == [available(job).id]


def test_an_early_fact_of_a_repeated_step_is_put_out_again():
    """A second attempt cannot know whether the first one's fact was heard, so it says it again under the same id."""
    job = claimed()
    lifecycle.put_out(job, "audio", 1, available(job), START)
    owes_nothing(job)
    lifecycle.put_out(job, "audio", 1, available(job), START)
    assert job.outbox == [available(job).id]
    assert len(job.facts) == 2


def test_the_last_step_ends_the_job():
    job = a_job()
    for stage in ("audio", "render", "transcribe"):
        end(job, stage)
        assert job.status is Status.RUNNING
    end(job, "analyse", later(5))
    assert (job.status, job.finished_at, job.progress) == (Status.COMPLETED, later(5), 100)
    assert job.results == {"audio": 1, "render": 1, "transcribe": 1, "analyse": 1}
    assert owes_nothing(job).sweep_at is None


def test_a_failure_cancels_what_needs_the_step_and_nothing_else():
    job = claimed()
    lifecycle.fail(job, "audio", 1, BROKEN, START)
    assert [step.status.value for step in job.steps] == ["failed", "queued", "cancelled", "cancelled"]
    assert job.step("audio").error == BROKEN
    assert job.step("analyse").error.code == "upstream_failed"
    assert not job.status.ended
    end(job, "render")
    assert job.status is Status.FAILED


def test_a_retry_waits_out_its_delay():
    job = owes_nothing(claimed())
    lifecycle.retry_later(job, "audio", 1, BROKEN, 30, START)
    step = job.step("audio")
    assert (step.status, step.error, step.owner) == (Status.QUEUED, BROKEN, None)
    assert owes_nothing(job).sweep_at == later(30)
    with pytest.raises(lifecycle.Refused):
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, later(29))
    assert lifecycle.expire(job, later(30)) == ("audio",)
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, later(30))
    assert (step.attempt, step.not_before) == (2, None)


def test_the_last_attempt_fails_with_a_dead_letter():
    job = claimed(attempts=1)
    lifecycle.retry_later(job, "audio", 1, BROKEN, 30, START)
    letter = read_event(job.facts[-1])
    assert job.step("audio").status is Status.FAILED
    assert (letter.type, letter.stage, letter.code, letter.attempts) == ("dead.letter", "audio", "broken", 1)
    assert (letter.original_topic, letter.original["id"]) == ("tidemark.uploads", job.facts[0]["id"])
    assert letter.id in job.outbox


def test_a_step_that_is_given_back_costs_no_attempt_and_is_due_at_once():
    job = owes_nothing(claimed())
    lifecycle.give_back(job, "audio", 1, 0, later(3))
    step = job.step("audio")
    assert (step.status, step.attempt, step.fence, step.owner) == (Status.QUEUED, 0, 1, None)
    assert job.outbox == [job.facts[0]["id"]], "what woke it is owed again: whoever pays that wakes it at once"
    owes_nothing(job, later(3.1))
    assert job.sweep_at == later(18), "nobody heard"
    assert lifecycle.expire(job, later(18)) == ("audio",)


def test_a_step_that_is_given_back_for_later_is_woken_then():
    job = owes_nothing(claimed())
    lifecycle.give_back(job, "audio", 1, 30, later(3))
    assert job.outbox == []
    assert owes_nothing(job, later(3.1)).sweep_at == later(33)
    assert lifecycle.expire(job, later(33)) == ("audio",)


def test_a_step_that_is_woken_owes_its_fact_until_it_is_published():
    job = owes_nothing(claimed())
    assert lifecycle.expire(job, later(10)) == ("audio",)
    for _ in range(2):
        lifecycle.wake(job, job.facts[0]["id"], later(10))
    assert (job.outbox, job.sweep_at) == ([job.facts[0]["id"]], later(18))


def test_what_is_put_off_costs_no_attempt_but_not_for_ever():
    job, returns = a_job(attempts=1), 0
    while job.step("audio").status is not Status.FAILED:
        step = lifecycle.claim(job, "audio", job.facts[0]["id"], "one", 10, START)
        lifecycle.put_off(job, "audio", step.fence, BROKEN, 0, START)
        returns += 1
    assert returns == lifecycle.MOST_RETURNS + 1
    assert job.step("audio").error == BROKEN


def test_an_expired_lease_is_taken_back_and_woken_again_if_nobody_hears():
    job = owes_nothing(claimed())
    assert lifecycle.expire(job, later(9)) == ()
    assert lifecycle.expire(job, later(10)) == ("audio",)
    owes_nothing(job)
    assert (job.step("audio").status, job.sweep_at) == (Status.QUEUED, later(25))
    assert lifecycle.expire(job, later(25)) == ("audio",)


def test_an_expired_last_attempt_fails_the_step():
    job, at = claimed(attempts=1), 0
    for loss in range(1, lifecycle.MOST_LOSSES + 1):
        assert "audio" in lifecycle.expire(job, later(at + 10)), "a worker that went away is not the step's failure"
        at += 10
        assert (job.step("audio").attempt, job.step("audio").losses) == (0, loss)
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, later(at))
    assert "audio" not in lifecycle.expire(job, later(at + 10)), "but one that takes every worker down comes to an end"
    assert (job.step("audio").status, job.step("audio").error.code) == (Status.FAILED, "worker_lost")
    assert {record.code for record in job.step("audio").history} == {"worker_lost"}


def test_a_lease_that_is_over_may_be_taken_over_at_once():
    job, at = claimed(attempts=1), 0
    for _ in range(lifecycle.MOST_LOSSES):
        at += 10
        step = lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(at))
        assert (step.attempt, step.history[-1].code) == (1, "worker_lost")
    with pytest.raises(lifecycle.Refused):
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(at + 10))


def test_what_is_due_is_not_put_off_by_a_busy_neighbour():
    job = claimed()
    lifecycle.claim(job, "render", wake_of(job, "render"), "two", 10, START)
    owes_nothing(job)
    for second in range(1, 20):
        lifecycle.renew(job, "render", 1, 10, later(second))
        lifecycle.report(job, "render", 1, second, {}, later(second))
    assert job.sweep_at == later(10)
    assert "audio" in lifecycle.expire(job, later(20))


def test_what_is_owed_is_not_put_off_by_a_busy_neighbour():
    job = claimed("render")
    lifecycle.put_out(job, "render", 1, available(job), START)
    for second in range(1, 9):
        lifecycle.report(job, "render", 1, second, {}, later(second))
    assert job.sweep_at == later(8)


def test_cancelling_ends_what_has_not_ended():
    job = a_job()
    end(job, "audio")
    lifecycle.claim(job, "render", wake_of(job, "render"), "one", 10, START)
    for _ in range(2):
        lifecycle.cancel(job, later(1))
    assert [step.status.value for step in job.steps] == ["completed", "cancelled", "cancelled", "cancelled"]
    assert (job.status, job.finished_at) == (Status.CANCELLED, later(1))
    with pytest.raises(LeaseLost):
        lifecycle.complete(job, "render", 1, {}, result_of(job, "render"), later(2))


def test_news_stay_owed_when_the_state_has_moved_on():
    job = claimed()
    lifecycle.note(job, "audio", 1, "news", START)
    lifecycle.published(job, list(job.outbox), job.version - 1, START)
    assert (job.outbox, job.announce, job.sweep_at) == ([], True, later(8))


def test_the_log_keeps_its_newest_lines():
    job = claimed(attempts=20)
    for number in range(LOG_LINES):
        fence = job.step("audio").fence
        lifecycle.give_back(job, "audio", fence, 0, START)
        lifecycle.claim(job, "audio", wake_of(job, "audio"), f"owner {number}", 10, START)
    assert len(job.logs) == LOG_LINES


def test_the_step_remembers_its_attempts_without_a_result():
    job = claimed(attempts=3)
    lifecycle.retry_later(job, "audio", 1, BROKEN, 0, later(1))
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(2))
    lifecycle.expire(job, later(12))
    assert [(a.attempt, a.worker, a.started_at, a.ended_at, a.code) for a in job.step("audio").history] == [
        (1, "one", START, later(1), "broken"),
        (2, "two", later(2), later(12), "worker_lost"),
    ]


def test_a_claim_whose_answer_was_lost_is_granted_to_its_own_ticket_alone():
    job = a_job(attempts=1)
    wake = wake_of(job, "audio")
    lifecycle.claim(job, "audio", wake, "one", 10, START, 7)
    step = lifecycle.claim(job, "audio", wake, "one", 10, later(5), 7)
    assert (step.fence, step.attempt, step.lease_until) == (1, 1, later(10))
    for owner, ticket in (("one", 8), ("two", 7)):
        with pytest.raises(lifecycle.Refused):
            lifecycle.claim(job, "audio", wake, owner, 10, later(5), ticket)
    assert lifecycle.claim(job, "audio", wake, "one", 10, later(10), 7).fence == 2, "its lease was over: a new claim"


def test_a_step_that_is_taken_down_by_another_is_not_given_back(monkeypatch):
    """Both leases are over in one look; the first was the last attempt, and takes the second down with it."""
    monkeypatch.setattr(lifecycle.state, "MOST_LOSSES", 0)
    job = claimed(attempts=2)
    lifecycle.put_out(job, "audio", 1, available(job), START)
    lifecycle.expire(job, later(10))
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "two", 10, later(10))
    lifecycle.claim(job, "transcribe", wake_of(job, "transcribe"), "one", 10, later(10))
    lifecycle.claim(job, "render", wake_of(job, "render"), "one", 10, later(10))
    lifecycle.complete(job, "render", 1, {}, result_of(job, "render"), later(11))
    lifecycle.expire(job, later(30))
    assert [(step.name, step.status) for step in job.steps] == [
        ("audio", Status.FAILED),
        ("render", Status.COMPLETED),
        ("transcribe", Status.CANCELLED),
        ("analyse", Status.CANCELLED),
    ]
    assert (job.status, job.finished_at) == (Status.FAILED, later(30))


def test_a_step_that_waits_its_turn_is_woken_less_and_less_often():
    job, at, pauses = owes_nothing(a_job()), 0.0, []
    for _ in range(6):
        due = job.step("audio").wake_at
        pauses.append((due - later(at)).total_seconds())
        at = (due - START).total_seconds()
        lifecycle.expire(job, due)
    assert pauses == [300, 300, 600, 1200, 2400, 3600]
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, later(at))
    assert job.step("audio").wakes == 0


def test_of_a_steps_dead_letters_the_newest_is_kept():
    job = a_job(attempts=1)
    for round_ in range(3):
        at = later(100 * round_)
        lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, at)
        lifecycle.retry_later(job, "audio", job.step("audio").fence, BROKEN, 1, at)
        owes_nothing(job, at)
        letters = [fact for fact in job.facts if fact["type"] == "dead.letter"]
        assert [letter["id"] for letter in letters] == [
            event_id("dead.letter", job.id, "audio", str(job.step("audio").fence))
        ]
        lifecycle.cancel(job, at)
        lifecycle.retry(job, at)
