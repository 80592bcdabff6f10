"""Whose a thing is, is said in one place: no other module looks up what a path names without its caller."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

API = Path(__file__).parents[3] / "api"
THE_PLACE = API / "ownership.py"
MODULES = [path for path in sorted(API.rglob("*.py")) if path != THE_PLACE]
WITHOUT_A_CALLER = {"get", "stored", "change", "many", "outline"}
"""Methods of stores that take an id alone."""


def found_by_path(module: Path) -> Iterator[str]:
    """Calls of such methods with something out of the path."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _of_a_store(node.func):
            arguments = " ".join(ast.unparse(argument) for argument in node.args)
            if node.func.attr in WITHOUT_A_CALLER and "match_info" in arguments and "CALLER" not in arguments:
                yield f"{module.name}:{node.lineno} {ast.unparse(node)}"


def _of_a_store(method: ast.Attribute) -> bool:
    return isinstance(method.value, ast.Subscript) and ast.unparse(method.value.value).endswith("app")


def compared_with_the_caller(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Compare) and "owner_id" in ast.unparse(node) and "CALLER" in ast.unparse(node):
            yield f"{module.name}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(API)))
def test_things_of_a_path_are_found_by_ownership_alone(module: Path) -> None:
    assert [*found_by_path(module), *compared_with_the_caller(module)] == []


def test_what_is_looked_for_is_found_where_it_is() -> None:
    assert list(found_by_path(THE_PLACE))
    assert list(compared_with_the_caller(THE_PLACE))
