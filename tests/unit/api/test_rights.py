"""A right is looked at again now and then: it ends with the proof, and with what it is a right to."""

import pytest

from api import rights
from api.rights import Right
from schemas.problems import Problem
from stores.errors import StoreUnavailable


class Proof:
    """What somebody came with: good until `failure` is set."""

    failure: Exception | None = None

    async def still(self, _: object = None) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def proof(monkeypatch) -> Proof:
    given = Proof()
    monkeypatch.setattr(rights, "CHECK_SECONDS", 0)
    monkeypatch.setattr(rights, "expect_good_still", given.still)
    return given


async def test_it_lasts_as_long_as_the_proof_is_good_and_then_says_why_not(proof):
    right = Right(None)
    await right.expect()
    proof.failure = Problem("token_invalid", "The session has ended.")
    with pytest.raises(Problem, match="session has ended"):
        await right.expect()
    assert not await right.lasts()
    assert right.ended


async def test_it_ends_with_what_it_is_a_right_to(proof):
    thing = Proof()
    right = Right(None, thing.still)
    assert await right.lasts()
    thing.failure = Problem("not_found", "It is gone.")
    assert not await right.lasts()


async def test_stores_that_are_away_say_nothing_of_it(proof):
    right = Right(None)
    proof.failure = StoreUnavailable("document store", "it is away")
    await right.expect()
    assert not right.ended
