"""How long a step waits for what is away, and when that begins to count."""

import pytest

from schemas.failures import Retryable
from schemas.jobs import Failure, Status
from stores import lifecycle
from stores.errors import LeaseLost, StoreUnavailable
from streams.attempt import ending_of
from streams.waiting import patient, until_stores_answer, wait_for_provider
from tests.unit.stores.jobs import a_job, later, wake_of

AWAY = Retryable("provider_unavailable", "Deepgram could not be reached.")
MINUTE, QUARTER_OF_AN_HOUR = 60, 900


def claimed(attempts: int = 3):
    job = a_job(attempts=attempts)
    step = lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 60, later(0))
    return job, step


def waits(failure: Retryable) -> list[float]:
    found = []
    while (wait := wait_for_provider(failure, len(found))) is not None:
        found.append(wait)
    return found


def test_a_provider_that_refuses_is_waited_for_in_growing_pauses_for_some_ten_minutes() -> None:
    found = waits(AWAY)
    assert found[0] <= 2 < found[3]
    assert max(found) <= 30
    assert QUARTER_OF_AN_HOUR / 2 < sum(found) <= 1.5 * QUARTER_OF_AN_HOUR


def test_a_provider_that_hangs_is_asked_a_few_times_only() -> None:
    assert 3 < len(waits(Retryable("provider_timeout", "Deepgram did not answer in time."))) < 10


def test_what_the_provider_asks_for_is_the_least() -> None:
    assert waits(Retryable("provider_rate_limited", "Later.", 70)) == [70] * 40
    found = waits(Retryable("provider_unavailable", "Later.", 1))
    assert min(found) >= 1
    assert sum(found) > QUARTER_OF_AN_HOUR / 2


@pytest.mark.parametrize("code", ["provider_broken_answer", "child_crashed", "source_unreadable"])
def test_what_is_not_away_counts_at_once(code: str) -> None:
    assert waits(Retryable(code, "Broken.")) == []


def test_a_minute_without_the_provider_costs_no_attempt() -> None:
    job, step = claimed(attempts=1)
    passed = 0.0
    while passed < MINUTE:
        ending_of(AWAY, Failure(code=AWAY.code, detail=AWAY.detail), step, 2)(job)
        assert (step.status, step.attempt) == (Status.QUEUED, 0)
        assert step.not_before is not None
        passed += wait_for_provider(AWAY, step.returns) or 0
        step = lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 60, step.not_before)
    assert step.attempt == 1


def test_a_provider_that_stays_away_ends_the_job() -> None:
    job, step = claimed(attempts=2)
    for _ in range(100):
        ending_of(AWAY, Failure(code=AWAY.code, detail=AWAY.detail), step, 2)(job)
        if step.status is Status.FAILED:
            break
        assert step.not_before is not None
        step = lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 60, step.not_before)
    assert step.status is Status.FAILED
    assert step.error is not None
    assert step.error.code == "provider_unavailable"


async def test_a_store_is_waited_for_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.waiting._PAUSES", (0.0,))
    away = [StoreUnavailable("event log", "refused") for _ in range(5)]

    async def ask() -> str:
        if away:
            raise away.pop()
        return "there"

    assert await until_stores_answer(ask) == "there"


async def test_a_patient_repository_waits_and_raises_what_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.waiting._PAUSES", (0.0,))

    class Repository:
        away = 3

        async def write(self, value: int, *, twice: bool) -> int:
            self.away -= 1
            if self.away >= 0:
                raise StoreUnavailable("document store", "refused")
            if value < 0:
                raise LeaseLost("old")
            return value * 2 if twice else value

    repository = Repository()
    assert await patient(repository).write(4, twice=True) == 8
    with pytest.raises(LeaseLost):
        await patient(repository).write(-1, twice=False)
