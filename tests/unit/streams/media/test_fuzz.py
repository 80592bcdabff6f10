"""Broken recordings through real children: a slice of what `python -m bench.fuzz` runs by the thousand."""

from random import Random

import pytest

from bench.fuzz.corpus import corpus
from bench.fuzz.mutations import MUTATIONS, broken
from bench.fuzz.run import Case, fuzz

SEED, CASES = 20_260, 220


@pytest.mark.timeout(900)
async def test_every_broken_file_ends_with_a_result_or_a_code() -> None:
    cases = [case async for case in fuzz(SEED, range(CASES))]
    assert [(case.number, case.how, case.wrong) for case in cases if case.wrong] == []
    assert sorted(case.number for case in cases) == list(range(CASES))
    through = sum("done" in case.ending.values() for case in cases)
    assert CASES / 4 < through < CASES, "most reach the decoders, and not all come through"


def test_a_case_is_always_the_same(tmp_path) -> None:
    files = corpus(tmp_path)
    for number in range(100):
        assert broken(Random(f"1/{number}"), files) == broken(Random(f"1/{number}"), files)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_mutation_takes_any_file(mutation) -> None:
    dice, changed = Random(7), 0
    for size in (0, 1, 5, 5000):
        for _ in range(20):
            data = dice.randbytes(size)
            changed += bytes(mutation(dice, bytearray(data), b"moov" * 500)) != data
    assert changed or mutation.__name__ == "_absurd_size"


@pytest.mark.parametrize(
    ("ending", "seconds", "wrong"),
    [
        ({"audio": "done", "render": "undecodable"}, 1, False),
        ({"audio": "done", "child": "timeout"}, 31, False),
        ({"child": "child_crashed"}, 1, True),
        ({"audio": "no_such_code"}, 1, True),
        ({"audio": "done"}, 100, True),
    ],
)
def test_what_must_not_be_is_noticed(ending, seconds, wrong) -> None:
    assert bool(Case(0, "bits", ending, "It crashed.", seconds, b"").wrong) is wrong
