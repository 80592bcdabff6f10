"""The table of codes is whole: every code that the program raises is in it, and every one in it is raised somewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

from deploy.codes import PAGE, page
from schemas.problems import CODES
from schemas.remedies import REMEDIES

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "stores", "providers", "streams", "api")
RAISING = {"Permanent", "Retryable", "Busy", "Problem", "Failure", "DeadLetter", "Unacceptable"}


def sources() -> Iterator[ast.Module]:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            yield ast.parse(file.read_text())


def raised(tree: ast.Module) -> Iterator[str]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) in RAISING:
            given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "code")]
            yield from (value.value for value in given if isinstance(value, ast.Constant))


def strings(tree: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_code_that_is_raised_is_in_the_table():
    assert {code for tree in sources() for code in raised(tree)} - set(CODES) == set()


def test_every_code_in_the_table_is_used():
    table = ROOT / "schemas" / "problems.py"
    used: set[str] = set()
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            used |= strings(ast.parse(file.read_text())) if file != table else set()
    assert set(CODES) - used == set()


def test_a_remedy_is_for_a_code_of_the_table():
    assert set(REMEDIES) - set(CODES) == set()


def test_the_page_of_codes_is_made_from_the_table():
    assert PAGE.read_text() == page(), "run `make codes`"
