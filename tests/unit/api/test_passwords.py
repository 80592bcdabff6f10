"""Passwords: Argon2id, off the loop, and bounded."""

import asyncio
from collections.abc import Iterator

import pytest

from api.passwords import Passwords
from schemas.problems import Problem


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    hashing = Passwords()
    yield hashing
    hashing.close()


async def test_only_the_same_password_matches(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "correct horsf")


async def test_nobody_has_the_stand_in_password(passwords: Passwords) -> None:
    assert not await passwords.verify(None, "nobody has this password")


async def test_a_broken_hash_matches_nothing(passwords: Passwords) -> None:
    assert not await passwords.verify("not a hash", "x")


async def test_beyond_a_bound_the_service_says_no_instead_of_piling_up(passwords: Passwords) -> None:
    outcomes = await asyncio.gather(*(passwords.verify(None, "x") for _ in range(80)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(refused) == 16
    assert {problem.entry.code for problem in refused} == {"unavailable"}
    assert refused[0].retry_after == 1


async def test_hashing_does_not_block_the_loop(passwords: Passwords) -> None:
    hashing = asyncio.create_task(passwords.hash("x" * 20))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
