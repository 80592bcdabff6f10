"""What somebody can ask to have made of an upload: so far what the pipeline makes of every one."""

import json
from collections.abc import Iterable
from enum import StrEnum


class Material(StrEnum):
    """The kinds of material."""

    TRANSCRIPT = "transcript"
    SUMMARY = "summary"
    ACTION_ITEMS = "action_items"
    KEY_POINTS = "key_points"
    SENTIMENT = "sentiment"


_KNOWN = frozenset(kind.value for kind in Material)


def read_materials(values: Iterable[str]) -> tuple[Material, ...]:
    """The kinds that a form's values name, each once: one a value, several with commas between, or a JSON array.

    Raises ValueError, which names the first that is unknown, and those that there are.
    """
    names = dict.fromkeys(name for value in values for name in _names(value))
    for name in names:
        if name not in _KNOWN:
            raise ValueError(f"«{name[:50]}» is none of {', '.join(Material)}")
    return tuple(Material(name) for name in names)


def _names(value: str) -> list[str]:
    if not value.lstrip().startswith("["):
        return [name.strip() for name in value.split(",") if name.strip()]
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ValueError("is no JSON array of names") from error
    return [str(name) for name in found]
