"""Any order of events, with a moving clock: what must hold of a job whatever happens to its workers.

Facts reach a stage only once they are published, and then at any time, again and again. Workers believe for ever what
they once held. At the end nobody but sweepers goes on, and workers that do what they are woken for: the job must end.
"""

from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.events import read_event
from schemas.jobs import Failure, Status
from stores import lifecycle
from stores.errors import LeaseLost
from streams.stages import STAGES
from tests.unit.stores.jobs import START, a_job, available, result_of

LEASE = 10.0
UNPUBLISHED = timedelta(seconds=8)
OWNERS = st.sampled_from(["one", "two", "three"])
BROKEN = Failure(code="broken", detail="It broke.")


class JobModel(RuleBasedStateMachine):
    """`held` is what every worker believes to hold, forever: (owner, stage, fence), stale beliefs included.

    `topic` has what was published and wakes somebody; `alarms` the moments for which a look was asked, as stores/jobs
    does it.
    """

    @initialize(attempts=st.integers(1, 3), losses=st.integers(0, 2), heard=st.booleans())
    def begin(self, attempts, losses, heard):
        self.few_losses = pytest.MonkeyPatch()
        self.few_losses.setattr(lifecycle, "MOST_LOSSES", losses)
        self.at = START
        self.job = a_job(attempts=attempts)
        self.held = []
        self.topic, self.told = {}, set()
        self.alarms = {self.job.sweep_at}
        self.seen = self.job.model_copy(deep=True)
        self.woken = set()
        self.owes_since = self.at
        if heard:
            self.publish(part=False, current=True)

    def change(self, transition, *args):
        """A transition as stores/jobs writes it: the alarm for its next look is set before."""
        looked_at = self.job.sweep_at
        try:
            return transition(self.job, *args)
        finally:
            if self.job.sweep_at not in (None, looked_at):
                self.alarms.add(self.job.sweep_at)

    # What a worker does. Each goes through `as_owner`, which knows whether it must be refused.

    @precondition(lambda self: self.topic)
    @rule(owner=OWNERS, data=st.data())
    def claim(self, owner, data):
        wake = data.draw(st.sampled_from(list(self.topic)))
        stage = data.draw(
            st.sampled_from([s.name for s in self.job.steps if STAGES[s.name].wakes_on(self.topic[wake])])
        )
        known = wake in {fact["id"] for fact in self.job.facts}
        step = self.job.step(stage)
        free = self.may_start(step)
        more = step.attempt < step.max_attempts or step.losses < lifecycle.MOST_LOSSES
        expired = step.status is Status.RUNNING and step.lease_until <= self.at and more
        try:
            claimed = self.change(lifecycle.claim, stage, wake, owner, LEASE, self.at)
        except lifecycle.Refused:
            assert not known or not (free or expired)
            return
        assert known
        assert free or expired
        self.held.append((owner, stage, claimed.fence))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data):
        self.as_owner(data, lifecycle.renew, LEASE)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), progress=st.one_of(st.none(), st.floats(-10, 200)))
    def report(self, data, progress):
        self.as_owner(data, lifecycle.report, progress, {})

    @precondition(lambda self: any(stage == "audio" for _, stage, _ in self.held))
    @rule(data=st.data())
    def put_out_early(self, data):
        self.as_owner(data, lifecycle.put_out, available(self.job), only="audio")

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def complete(self, data):
        def complete(job, stage, fence, at):
            lifecycle.complete(job, stage, fence, {stage: True}, result_of(job, stage), at)

        self.as_owner(data, complete)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data):
        self.as_owner(data, lifecycle.fail, BROKEN)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 0.5, 30.0]))
    def retry_later(self, data, delay):
        self.as_owner(data, lifecycle.retry_later, BROKEN, delay)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 1.0, 20.0]))
    def give_back(self, data, delay):
        self.as_owner(data, lifecycle.give_back, delay)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), delay=st.sampled_from([0.0, 5.0]))
    def put_off(self, data, delay):
        self.as_owner(data, lifecycle.put_off, BROKEN, delay)

    def as_owner(self, data, act, *args, only=None):
        held = [one for one in self.held if only in (None, one[1])]
        owner, stage, fence = data.draw(st.sampled_from(held))
        step = self.job.step(stage)
        if step.status is Status.RUNNING and step.fence == fence:
            assert step.owner == owner
            self.change(act, stage, fence, *args, self.at)
            return
        before = self.job.model_copy(deep=True)
        with pytest.raises(LeaseLost):
            self.change(act, stage, fence, *args, self.at)
        assert self.job == before

    # What happens without it.

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 11.0, 400.0]))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule()
    def sweep(self):
        """As streams/sweeper does it: what is due now is looked after, then its alarms are taken away."""
        due = {alarm for alarm in self.alarms if alarm <= self.at}
        if due and self.job.sweep_at is not None and self.job.sweep_at <= self.at:
            self.change(self.look)
            assert self.job.sweep_at is None or self.job.sweep_at > self.at, "two sweepers would both look after it"
            self.woken |= {(step.name, step.fence) for step in self.job.steps if self.may_start(step)}
            self.owes_since = self.at
        self.alarms -= due

    def look(self, job):
        for name in lifecycle.expire(job, self.at):
            wakes = [fact["id"] for fact in job.facts if STAGES[name].wakes_on(read_event(fact))]
            if wakes:
                lifecycle.wake(job, wakes[-1], self.at)

    def may_start(self, step):
        return step.status is Status.QUEUED and (step.not_before is None or step.not_before <= self.at)

    @rule(part=st.booleans(), current=st.booleans())
    def publish(self, part, current):
        self.pay(self.job.outbox[:1] if part else list(self.job.outbox), self.job.version - (not current))

    def pay(self, ids, version):
        """Kafka has the facts: those that wake somebody may do so from now on."""
        owed = [read_event(fact) for fact in self.job.facts if fact["id"] in ids]
        self.told |= {event.id for event in owed}
        self.topic |= {e.id: e for e in owed if any(STAGES[step.name].wakes_on(e) for step in self.job.steps)}
        self.change(lifecycle.published, ids, version, self.at)

    @rule()
    def cancel(self):
        self.change(lifecycle.cancel, self.at)

    @rule()
    def set_going_again(self):
        before = self.job.model_copy(deep=True)
        if before.status not in (Status.FAILED, Status.CANCELLED):
            with pytest.raises(lifecycle.Refused):
                self.change(lifecycle.retry, self.at)
            assert self.job == before
            return
        self.change(lifecycle.retry, self.at)
        for old, new in zip(before.steps, self.job.steps, strict=True):
            assert new.fence == old.fence
            assert new == old if old.status is Status.COMPLETED else new.status is Status.QUEUED
        assert not self.job.status.ended
        self.seen = self.job.model_copy(deep=True)

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
        assert set(facts) - self.told <= set(self.job.outbox)
        assert set(self.job.outbox) <= set(facts)

    @invariant()
    def whatever_is_repeated_says_the_same_fact_under_the_same_id(self):
        types = [fact["type"] for fact in self.job.facts if fact["type"] != "dead.letter"]
        assert len(set(types)) == len(types)

    @invariant()
    def the_sweeper_is_called_exactly_while_something_is_left(self):
        left = not self.job.status.ended or self.job.outbox or self.job.announce
        assert (self.job.sweep_at is not None) == bool(left)

    @invariant()
    def the_sweeper_is_called_in_time(self):
        """For a lease that ends, for a step that may start again, for what is owed; no other change puts it off."""
        due = [step.lease_until for step in self.job.steps if step.status is Status.RUNNING]
        for step in self.job.steps:
            if step.status is Status.QUEUED and step.not_before and (step.name, step.fence) not in self.woken:
                owed_again = step.woken_by in self.job.outbox or step.wake_at > step.not_before
                due.append(step.wake_at if owed_again else step.not_before)
        owes = self.job.outbox or self.job.announce
        self.owes_since = (self.owes_since or self.at) if owes else None
        due += [self.owes_since + UNPUBLISHED] if owes else []
        for moment in due:
            assert self.job.sweep_at <= moment
            assert min(self.alarms) <= moment, "nobody would look"

    @invariant()
    def whatever_is_to_be_looked_at_has_an_alarm(self):
        assert self.job.sweep_at is None or self.job.sweep_at in self.alarms

    def teardown(self):
        """Sweepers go on, workers do what they are woken for, the clock goes on: the job ends, and owes nothing."""
        if not hasattr(self, "job"):
            return
        try:
            self.come_to_an_end()
        finally:
            self.few_losses.undo()

    def come_to_an_end(self):
        for _ in range(100):
            if not self.alarms:
                break
            self.at = max(self.at, min(self.alarms))
            owed_before = self.job.sweep_at is not None and self.job.sweep_at <= self.at
            self.sweep()
            if owed_before:
                woken = [read_event(fact) for fact in self.job.facts if fact["id"] in self.job.outbox]
                self.pay(list(self.job.outbox), self.job.version)
                self.work_on(woken)
        assert self.job.status.ended
        assert self.job.sweep_at is None
        assert not self.job.outbox
        assert not self.alarms

    def work_on(self, woken):
        """What the last of the workers does, and then it is gone without paying what it owes."""
        for event in woken:
            for step in self.job.steps:
                if STAGES[step.name].wakes_on(event) and self.may_start(step):
                    self.change(lifecycle.claim, step.name, event.id, "last", LEASE, self.at)
                    fact = result_of(self.job, step.name)
                    self.change(lifecycle.complete, step.name, step.fence, {}, fact, self.at)


JobModel.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAnyOrder = JobModel.TestCase
