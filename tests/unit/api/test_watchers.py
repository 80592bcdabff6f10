"""Places for watchers: some in all, some for one caller, and given back."""

from contextlib import ExitStack

import pytest

from api.watchers import Watchers
from schemas.problems import Problem
from schemas.settings import Settings


def refusal(watchers: Watchers, owner: str) -> str:
    with pytest.raises(Problem) as refused, watchers.place(owner):
        pass
    assert (refused.value.entry.code, refused.value.status) == ("too_many_watchers", 429)
    assert refused.value.retry_after
    return refused.value.detail


def test_a_caller_has_some_and_all_together_have_some() -> None:
    watchers = Watchers(Settings(max_watchers=3, max_watchers_per_caller=2))
    with ExitStack() as there:
        for owner in ("ada", "ada"):
            there.enter_context(watchers.place(owner))
        assert "yours" in refusal(watchers, "ada")
        there.enter_context(watchers.place("bob"))
        assert "The service" in refusal(watchers, "eve")
    with watchers.place("ada"), watchers.place("eve"):
        pass


def test_a_place_is_given_back_whatever_happens() -> None:
    watchers = Watchers(Settings(max_watchers=1, max_watchers_per_caller=1))
    for _ in range(3):
        with pytest.raises(RuntimeError), watchers.place("ada"):
            raise RuntimeError
    assert not watchers._there
