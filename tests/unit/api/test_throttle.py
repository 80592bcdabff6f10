"""Guessing is slow from one address and from many, and whoever is known here is not slowed by others."""

import asyncio
from datetime import datetime, timedelta

import pytest

from api.throttle import OF_ACCOUNT, OF_ADDRESS, OF_BOTH, Pace, Throttle
from schemas.problems import Problem
from schemas.time import now
from stores.attempts import Attempts
from tests.unit.stores.memory import MemoryDatabase

HOME, AWAY = "192.0.2.1", "198.51.100.1"


class Door:
    """A door with a clock that is set by hand."""

    def __init__(self) -> None:
        self.at = now()
        self.throttle = Throttle(Attempts(MemoryDatabase()))  # type: ignore[arg-type]

    def now(self) -> datetime:
        return self.at

    async def knock(self, account: str = "ada", network: str = AWAY, *, good: bool = False) -> int | None:
        """The seconds to wait; None if the password was looked at."""
        refusal: Problem | None = None
        try:
            async with self.throttle.attempt(account, network) as attempt:
                attempt.good = good
        except Problem as problem:
            refusal = problem
        assert refusal is None or refusal.entry.code == "too_many_attempts"
        return refusal.retry_after if refusal else None

    async def guess(self, times: int, account: str = "ada", network: str = AWAY) -> None:
        """So many wrong passwords that were looked at, waiting as long as it takes."""
        for _ in range(times):
            while wait := await self.knock(account, network):
                self.at += timedelta(seconds=wait)


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    made = Door()
    monkeypatch.setattr("api.throttle.now", made.now)
    return made


def test_pauses_double_up_to_a_limit() -> None:
    pace = Pace(free=3, longest_seconds=20)
    assert [pace.pause(attempts) for attempts in range(10)] == [0, 0, 0, 1, 2, 4, 8, 16, 20, 20]
    assert pace.pause(10**6) == 20


async def test_some_attempts_are_free_then_each_waits_longer(door: Door) -> None:
    assert [await door.knock() for _ in range(OF_BOTH.free)] == [None] * OF_BOTH.free
    waits = []
    for _ in range(4):
        waits.append(await door.knock())
        door.at += timedelta(seconds=waits[-1])
        assert await door.knock() is None
    assert waits == [1, 2, 4, 8]


async def test_many_at_once_are_no_way_around(door: Door) -> None:
    outcomes = await asyncio.gather(*(door.knock() for _ in range(30)))
    assert outcomes.count(None) == OF_BOTH.free


async def test_a_good_one_ends_the_waiting(door: Door) -> None:
    await door.guess(OF_BOTH.free + 2)
    door.at += timedelta(seconds=OF_BOTH.longest_seconds)
    assert await door.knock(good=True) is None
    assert [await door.knock() for _ in range(OF_BOTH.free)] == [None] * OF_BOTH.free


async def test_one_address_guesses_at_many_accounts_slowly(door: Door) -> None:
    for number in range(OF_ADDRESS.free):
        assert await door.knock(f"account {number}") is None
    assert await door.knock("another") == 1
    assert await door.knock("another", HOME) is None


async def test_many_addresses_guess_at_one_account_slowly(door: Door) -> None:
    for number in range(OF_ACCOUNT.free):
        assert await door.knock(network=f"203.0.113.{number}") is None
    assert await door.knock(network="203.0.113.250") == 1
    await door.guess(10, network="203.0.113.251")
    assert await door.knock(network="203.0.113.252") == OF_ACCOUNT.longest_seconds


async def test_the_owner_comes_in_where_he_is_known_whatever_others_do(door: Door) -> None:
    assert await door.knock(network=HOME, good=True) is None
    for number in range(OF_ACCOUNT.free + 20):
        await door.guess(1, network=f"203.0.113.{number}")
    assert await door.knock(network="203.0.113.250") is not None
    for number in range(OF_ADDRESS.free + 20):
        await door.guess(1, f"account {number}", HOME)
    assert await door.knock("somebody", HOME) is not None
    assert await door.knock(network=HOME) is None
    assert await door.knock(network=HOME, good=True) is None


async def test_what_was_refused_or_good_counts_nowhere_else(door: Door) -> None:
    """Many who share an address log in without slowing one another."""
    for number in range(OF_ADDRESS.free + 20):
        assert await door.knock(f"student {number}", HOME, good=True) is None
    for _ in range(3):
        await door.guess(OF_BOTH.free)
        assert await door.knock() is not None
    assert await door.knock("ada", HOME) is None


async def test_an_attempt_that_was_not_looked_at_is_no_attempt(door: Door) -> None:
    for _ in range(OF_BOTH.free + 5):
        with pytest.raises(Problem, match="unavailable"):
            async with door.throttle.attempt("ada", AWAY):
                raise Problem("unavailable", "Too many people are signing in at this moment.")


async def test_after_a_day_all_is_forgotten(door: Door) -> None:
    await door.guess(OF_BOTH.free + 5)
    door.at += timedelta(days=1, seconds=1)
    assert [await door.knock() for _ in range(OF_BOTH.free)] == [None] * OF_BOTH.free
    door.at += timedelta(days=1, seconds=1)
    await door.throttle.sweep()


async def test_whoever_is_refused_does_not_keep_the_owner_out(door: Door) -> None:
    for number in range(OF_ACCOUNT.free + 10):
        while wait := await door.knock(network=f"203.0.113.{number}"):
            door.at += timedelta(seconds=wait)
    await door.guess(OF_BOTH.free + 8)
    door.at += timedelta(seconds=OF_ACCOUNT.longest_seconds)
    assert await door.knock() is not None
    assert await door.knock(network=HOME, good=True) is None


async def test_what_is_given_back_is_as_it_was(door: Door) -> None:
    await door.guess(OF_BOTH.free + 3)
    door.at += timedelta(seconds=OF_BOTH.longest_seconds)
    with pytest.raises(Problem, match="unavailable"):
        async with door.throttle.attempt("ada", AWAY):
            raise Problem("unavailable", "Too many people are signing in at this moment.")
    assert await door.knock() is None


async def test_what_others_count_meanwhile_stays(door: Door) -> None:
    async def with_another_meanwhile() -> None:
        async with door.throttle.attempt("ada", AWAY):
            door.at += timedelta(seconds=1)
            assert await door.knock() is None
            raise Problem("unavailable", "Too many people are signing in at this moment.")

    await door.guess(OF_BOTH.free - 1)
    with pytest.raises(Problem, match="unavailable"):
        await with_another_meanwhile()
    assert await door.knock() == 1
