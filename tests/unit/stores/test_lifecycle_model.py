"""Any order of events, with a moving clock: what must hold of a job whatever happens to its workers."""

from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.jobs import Failure, Status
from stores import lifecycle
from stores.errors import LeaseLost
from tests.unit.stores.jobs import START, a_job, available, result_of, wake_of

LEASE = 10.0
STAGES = st.sampled_from(["audio", "render", "transcribe", "analyse"])
OWNERS = st.sampled_from(["one", "two", "three"])
BROKEN = Failure(code="broken", detail="It broke.")


class JobModel(RuleBasedStateMachine):
    """`held` is what every worker believes to hold, forever: (owner, stage, fence), stale beliefs included."""

    @initialize(attempts=st.integers(1, 3))
    def begin(self, attempts):
        self.at = START
        self.job = a_job(attempts=attempts)
        self.held = []
        self.published = set()
        self.seen = self.job.model_copy(deep=True)
        self.woken = set()
        self.owes_since = self.at

    # What a worker does. Each goes through `as_owner`, which knows whether it must be refused.

    @rule(stage=STAGES, owner=OWNERS)
    def claim(self, stage, owner):
        step = self.job.step(stage)
        wake = wake_of(self.job, stage)
        free = self.may_start(step)
        expired = step.status is Status.RUNNING and step.lease_until <= self.at and step.attempt < step.max_attempts
        try:
            claimed = lifecycle.claim(self.job, stage, wake or "nothing", owner, LEASE, self.at)
        except lifecycle.Refused:
            assert wake is None or not (free or expired)
            return
        assert wake is not None
        assert free or expired
        self.held.append((owner, stage, claimed.fence))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data):
        self.as_owner(data, lambda stage, fence: lifecycle.renew(self.job, stage, fence, LEASE, self.at))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), progress=st.one_of(st.none(), st.floats(-10, 200)))
    def report(self, data, progress):
        self.as_owner(data, lambda stage, fence: lifecycle.report(self.job, stage, fence, progress, {}, self.at))

    @precondition(lambda self: any(stage == "audio" for _, stage, _ in self.held))
    @rule(data=st.data())
    def put_out_early(self, data):
        early = available(self.job)
        self.as_owner(data, lambda stage, fence: lifecycle.put_out(self.job, stage, fence, early, self.at), "audio")

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def complete(self, data):
        self.as_owner(
            data,
            lambda stage, fence: lifecycle.complete(
                self.job, stage, fence, {stage: True}, result_of(self.job, stage), self.at
            ),
        )

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data):
        self.as_owner(data, lambda stage, fence: lifecycle.fail(self.job, stage, fence, BROKEN, self.at))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 0.5, 30.0]))
    def retry(self, data, delay):
        self.as_owner(data, lambda stage, fence: lifecycle.retry_later(self.job, stage, fence, BROKEN, delay, self.at))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 1.0, 20.0]))
    def give_back(self, data, delay):
        self.as_owner(data, lambda stage, fence: lifecycle.give_back(self.job, stage, fence, delay, self.at))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 5.0]))
    def put_off(self, data, delay):
        self.as_owner(data, lambda stage, fence: lifecycle.put_off(self.job, stage, fence, BROKEN, delay, self.at))

    def as_owner(self, data, act, only=None):
        held = [one for one in self.held if only in (None, one[1])]
        owner, stage, fence = data.draw(st.sampled_from(held))
        step = self.job.step(stage)
        holds = step.status is Status.RUNNING and step.fence == fence
        if holds:
            assert step.owner == owner
            act(stage, fence)
            return
        before = self.job.model_copy(deep=True)
        with pytest.raises(LeaseLost):
            act(stage, fence)
        assert self.job == before

    # What others do.

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 11.0, 400.0]))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule()
    def sweep(self):
        if self.job.sweep_at is not None and self.job.sweep_at <= self.at:
            self.swept()

    def swept(self):
        lifecycle.expire(self.job, self.at)
        assert self.job.sweep_at is None or self.job.sweep_at > self.at, "two sweepers would both look after it"
        self.woken |= {(step.name, step.fence) for step in self.job.steps if self.may_start(step)}
        self.owes_since = self.at

    def may_start(self, step):
        return step.status is Status.QUEUED and (step.not_before is None or step.not_before <= self.at)

    @rule(part=st.booleans(), current=st.booleans())
    def publish(self, part, current):
        ids = self.job.outbox[:1] if part else list(self.job.outbox)
        lifecycle.published(self.job, ids, self.job.version - (not current), self.at)
        self.published.update(ids)

    @rule()
    def cancel(self):
        lifecycle.cancel(self.job, self.at)

    # What must hold after each.

    @invariant()
    def fences_progress_and_endings_only_grow(self):
        for before, after in zip(self.seen.steps, self.job.steps, strict=True):
            assert after.fence >= before.fence
            assert after.progress >= before.progress
            if before.status.ended:
                assert after == before
        if self.seen.status.ended:
            assert self.job.status is self.seen.status
            assert self.job.finished_at == self.seen.finished_at
        self.seen = self.job.model_copy(deep=True)

    @invariant()
    def one_owner_for_what_runs_and_none_for_the_rest(self):
        for step in self.job.steps:
            running = step.status is Status.RUNNING
            assert (step.owner is not None) == running
            assert (step.lease_until is not None) == running
            assert (step.finished_at is not None) == step.status.ended
            assert 0 <= step.attempt <= step.max_attempts

    @invariant()
    def a_fact_is_owed_until_it_is_published(self):
        facts = [fact["id"] for fact in self.job.facts]
        assert len(set(facts)) == len(facts)
        assert set(facts) - self.published <= set(self.job.outbox)
        assert set(self.job.outbox) <= set(facts)

    @invariant()
    def the_sweeper_is_called_exactly_while_something_is_left(self):
        left = not self.job.status.ended or self.job.outbox or self.job.announce
        assert (self.job.sweep_at is not None) == bool(left)

    @invariant()
    def the_sweeper_is_called_in_time(self):
        """For a lease that ends, for a step that may start again, for what is owed; no other change puts it off."""
        for step in self.job.steps:
            if step.status is Status.RUNNING:
                assert self.job.sweep_at <= step.lease_until
            if step.status is Status.QUEUED and step.not_before and (step.name, step.fence) not in self.woken:
                assert self.job.sweep_at <= step.not_before
        owes = self.job.outbox or self.job.announce
        self.owes_since = (self.owes_since or self.at) if owes else None
        if self.owes_since:
            assert self.job.sweep_at <= self.owes_since + timedelta(seconds=2)

    def teardown(self):
        """Workers go on, the clock goes on: the job ends, and owes nothing, within a bounded number of sweeps."""
        if not hasattr(self, "job"):
            return
        for _ in range(60):
            lifecycle.published(self.job, list(self.job.outbox), self.job.version, self.at)
            if self.job.sweep_at is None:
                break
            self.at = max(self.at, self.job.sweep_at)
            self.swept()
            self.work_on()
        assert self.job.status.ended
        assert self.job.sweep_at is None
        assert not self.job.outbox

    def work_on(self):
        for step in self.job.steps:
            wake = wake_of(self.job, step.name)
            if wake and self.may_start(step):
                lifecycle.claim(self.job, step.name, wake, "last", LEASE, self.at)
                event = result_of(self.job, step.name)
                lifecycle.complete(self.job, step.name, step.fence, {}, event, self.at)


JobModel.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAnyOrder = JobModel.TestCase
