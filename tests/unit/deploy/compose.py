"""The compose file as tests read it, with the variables of a .env put in."""

import functools
import re
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
OWN = ("api", "live", "download", "audio", "render", "scenes", "pages", "transcribe", "analyse", "export", "topics")

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::(?P<kind>[?-])(?P<rest>[^{}]*))?\}")


@functools.cache
def compose() -> dict[str, Any]:
    """The file as it is, with anchors resolved."""
    content = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    assert isinstance(content, dict)
    return content


def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    found = compose()["services"]
    assert isinstance(found, dict)
    return found


def environment(service: str) -> dict[str, str]:
    """A service's variables as the file has them."""
    return {name: str(value) for name, value in services()[service].get("environment", {}).items()}


def variables(text: str) -> set[str]:
    """The variables that a text wants from .env, those inside of a default included."""
    return set(re.findall(r"\$\{([A-Z0-9_]+)", text))


def filled(text: str, values: dict[str, str]) -> str:
    """The text as compose would hand it on. Raises KeyError for a variable that must be set and is not."""

    def value(match: re.Match[str]) -> str:
        name, kind = match["name"], match["kind"]
        if given := values.get(name):
            return given
        if kind == "?":
            raise KeyError(name)
        return match["rest"] or ""

    while _VARIABLE.search(text):
        text = _VARIABLE.sub(value, text)
    return text


def example() -> dict[str, str]:
    """The variables of .env.example with their values."""
    lines = (PROJECT / ".env.example").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)
