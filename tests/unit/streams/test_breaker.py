"""The breaker: when a stage stops, what it lets through meanwhile, and what sets it going again."""

import asyncio

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from schemas.problems import CODES
from schemas.settings import Settings
from schemas.workers import StageCondition
from streams import breaker as breaking
from streams.breaker import FEWEST, LONGEST_PAUSE, WINDOW, Breaker

FAULT, FILE = "provider_unavailable", "not_media"
PAUSE = 60.0
WORKING, STOPPED, PROBING = StageCondition


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A breaker with a clock that the test moves."""

    def __init__(self, **changed) -> None:
        self.clock = Clock()
        limits = {"stage_failure_share": 0.5, "stage_probe_seconds": PAUSE, **changed}
        self.breaker = Breaker("transcribe", Settings().model_copy(update=limits), self.clock)

    def attempt(self, code=None) -> None:
        assert self.breaker.admits()
        self.breaker.ended(code)

    def stopped(self) -> "Bench":
        for _ in range(FEWEST):
            self.attempt(FAULT)
        assert self.state is STOPPED
        return self

    @property
    def state(self) -> StageCondition:
        return self.breaker.state().state


def test_it_stops_once_enough_attempts_are_known_and_too_many_failed():
    bench = Bench()
    for _ in range(FEWEST - 1):
        bench.attempt(FAULT)
        assert bench.state is WORKING
    bench.attempt(FAULT)
    assert bench.state is STOPPED
    assert not bench.breaker.admits()


def test_a_share_that_is_allowed_does_not_stop_it():
    bench = Bench()
    for _ in range(3 * WINDOW):
        bench.attempt()
        bench.attempt(FAULT)
    assert (bench.state, bench.breaker.state().failed_share) == (WORKING, 0.5)
    bench.attempt(FAULT)
    assert bench.state is STOPPED


def test_only_the_newest_attempts_count():
    bench = Bench()
    for _ in range(100):
        bench.attempt()
    for _ in range(WINDOW // 2):
        bench.attempt(FAULT)
    assert bench.state is WORKING
    bench.attempt(FAULT)
    assert bench.state is STOPPED


@pytest.mark.parametrize("code", [code for code, entry in CODES.items() if not entry.stage_fault])
def test_what_does_not_speak_against_the_stage_is_as_if_it_had_not_been(code):
    bench = Bench()
    for _ in range(FEWEST - 1):
        bench.attempt(FAULT)
    for _ in range(50):
        bench.attempt(code)
    assert bench.state is WORKING
    bench.attempt(FAULT)
    assert bench.state is STOPPED


def test_a_code_that_nobody_knows_speaks_against_the_stage():
    bench = Bench()
    for _ in range(FEWEST):
        bench.attempt("brand_new")
    assert bench.state is STOPPED


def test_after_the_pause_one_attempt_is_let_through_and_no_other():
    bench = Bench().stopped()
    bench.clock.now += PAUSE - 0.1
    assert not bench.breaker.admits()
    bench.clock.now += 0.1
    assert bench.breaker.admits()
    assert bench.state is PROBING
    bench.clock.now += 100 * PAUSE
    assert not bench.breaker.admits()


def test_a_probe_that_succeeds_sets_it_going_with_nothing_held_against_it():
    bench = Bench().stopped()
    bench.clock.now += PAUSE
    bench.attempt()
    assert bench.breaker.state().failed_share == 0
    for _ in range(FEWEST - 1):
        bench.attempt(FAULT)
    assert bench.state is WORKING


def test_with_each_probe_that_fails_the_pause_doubles_up_to_a_limit():
    bench, pauses = Bench().stopped(), []
    for _ in range(7):
        before = bench.clock.now
        while not bench.breaker.admits():
            bench.clock.now += PAUSE
        pauses.append((bench.clock.now - before) / PAUSE)
        bench.breaker.ended(FAULT)
    assert pauses == [1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    bench.clock.now += LONGEST_PAUSE * PAUSE
    bench.attempt()
    bench.stopped()
    bench.clock.now += PAUSE
    assert bench.breaker.admits(), "a stage that went on starts with the short pause again"


@pytest.mark.parametrize("hand_back", [Breaker.unused, lambda breaker: breaker.ended(FILE)])
def test_a_probe_that_says_nothing_leaves_its_place_to_the_next(hand_back):
    bench = Bench().stopped()
    bench.clock.now += PAUSE
    assert bench.breaker.admits()
    hand_back(bench.breaker)
    assert bench.state is STOPPED
    assert bench.breaker.admits()
    assert not bench.breaker.admits()
    bench.breaker.ended(None)
    assert bench.state is WORKING


def test_what_was_in_work_when_it_stopped_decides_nothing_before_the_pause_is_over():
    bench = Bench()
    assert bench.breaker.admits()
    bench.stopped()
    bench.breaker.ended(None)
    assert bench.state is STOPPED
    bench.clock.now += PAUSE
    bench.attempt()
    assert bench.state is WORKING


@pytest.mark.parametrize(("code", "state"), [(None, WORKING), (FAULT, STOPPED)])
def test_what_is_still_in_work_after_the_pause_is_the_probe(code, state):
    bench = Bench()
    assert bench.breaker.admits()
    bench.stopped()
    bench.clock.now += PAUSE
    assert not bench.breaker.admits(), "there is a probe already"
    bench.breaker.ended(code)
    assert bench.state is state
    bench.clock.now += PAUSE
    assert bench.breaker.admits() is (state is WORKING), "a failure has doubled the pause"


def test_it_goes_on_when_it_is_told_to():
    bench = Bench().stopped()
    bench.breaker.resume()
    assert (bench.state, bench.breaker.state().reason) == (WORKING, None)
    for _ in range(FEWEST - 1):
        bench.attempt(FAULT)
    bench.breaker.resume()
    bench.attempt(FAULT)
    assert bench.state is STOPPED, "to tell a stage that works changes nothing"


def test_told_to_go_on_while_probing_the_probe_is_an_attempt_like_others():
    bench = Bench().stopped()
    bench.clock.now += PAUSE
    assert bench.breaker.admits()
    bench.breaker.resume()
    bench.breaker.ended(FAULT)
    assert bench.state is WORKING
    for _ in range(FEWEST - 1):
        bench.attempt(FAULT)
    assert bench.state is STOPPED


def test_it_says_for_how_long_and_why_and_once():
    with capture_logs() as lines:
        bench = Bench()
        bench.clock.now += 1000
        for _ in range(FEWEST):
            bench.attempt("timeout" if bench.breaker.state().failed_share == 0 else FAULT)
        bench.clock.now += PAUSE
        bench.attempt(FAULT)
    told = bench.breaker.state()
    assert told.reason == "10 of the newest 10 attempts failed: provider_unavailable 9, timeout 1."
    assert told.seconds == PAUSE
    assert [line["reason"] for line in lines if line["log_level"] == "error"] == [told.reason]


async def test_waiting_ends_when_it_is_told_to_go_on(monkeypatch):
    monkeypatch.setattr(breaking, "_LOOK_SECONDS", 3600.0)
    bench = Bench().stopped()
    waiting = [asyncio.create_task(bench.breaker.admitted()) for _ in range(3)]
    await asyncio.wait(waiting, timeout=0)
    assert not any(task.done() for task in waiting)
    bench.breaker.resume()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_of_all_that_wait_one_is_the_probe_and_its_success_lets_the_others_go(monkeypatch):
    monkeypatch.setattr(breaking, "_LOOK_SECONDS", 0.005)
    bench = Bench().stopped()
    waiting = {asyncio.create_task(bench.breaker.admitted()) for _ in range(3)}
    bench.clock.now += PAUSE
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    assert (len(done), len(pending)) == (1, 2)
    bench.breaker.ended(None)
    async with asyncio.timeout(5):
        await asyncio.gather(*pending)


async def test_waiting_can_be_cancelled():
    bench = Bench().stopped()
    waiting = asyncio.create_task(bench.breaker.admitted())
    await asyncio.wait([waiting], timeout=0)
    waiting.cancel()
    await asyncio.wait([waiting])
    bench.clock.now += PAUSE
    assert bench.breaker.admits(), "who left has taken nothing along"


class AnyOrder(RuleBasedStateMachine):
    """Attempts that begin and end in any order, at any time."""

    @initialize(share=st.sampled_from([0.2, 0.5, 0.9, 1.0]))
    def begin(self, share):
        self.bench = Bench(stage_failure_share=share)
        self.out = 0

    @rule()
    def admit(self):
        before = self.bench.state
        if self.bench.breaker.admits():
            self.out += 1
            assert before is not PROBING
            assert before is WORKING or self.out == 1

    @precondition(lambda self: self.out)
    @rule(code=st.sampled_from([None, FAULT, FAULT, FAULT, "unexpected", FILE, "store_unavailable"]))
    def end(self, code):
        before = self.bench.state
        self.bench.breaker.ended(code)
        self.out -= 1
        if code is None:
            assert self.bench.state is not PROBING
            assert before is not WORKING or self.bench.state is WORKING, "a success stops nothing"
        else:
            assert before is WORKING or self.bench.state is STOPPED, "a failure sets nothing going"

    @precondition(lambda self: self.out)
    @rule()
    def hand_back(self):
        before = self.bench.state
        self.bench.breaker.unused()
        self.out -= 1
        assert self.bench.state is (WORKING if before is WORKING else STOPPED)

    @rule(seconds=st.sampled_from([1.0, PAUSE, LONGEST_PAUSE * PAUSE]))
    def wait(self, seconds):
        self.bench.clock.now += seconds

    @rule()
    def resume(self):
        self.bench.breaker.resume()
        assert self.bench.state is WORKING

    @invariant()
    def a_probe_is_alone(self):
        if hasattr(self, "bench") and self.bench.state is PROBING:
            assert self.out == 1

    @invariant()
    def what_does_not_work_says_why(self):
        if hasattr(self, "bench"):
            assert (self.bench.state is WORKING) == (self.bench.breaker.state().reason is None)

    def teardown(self):
        """However it stands, once nothing is out and the longest pause is over, a success sets it going."""
        if not hasattr(self, "bench"):
            return
        for _ in range(self.out):
            self.bench.breaker.unused()
        self.bench.clock.now += LONGEST_PAUSE * PAUSE
        self.bench.attempt()
        assert self.bench.state is WORKING


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(max_examples=50, stateful_step_count=50, deadline=None)
