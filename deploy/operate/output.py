"""What operators' commands say: lines for a terminal, or JSON for machines.

Much of it was sent by strangers. What a terminal could take for a command is written as its number.
"""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel


def say(*lines: str) -> None:
    """Lines for a person."""
    _write("".join(f"{line}\n" for line in lines))


def say_json(model: BaseModel) -> None:
    """One document in JSON, in ASCII."""
    _write(json.dumps(model.model_dump(mode="json"), indent=2) + "\n")


def _write(text: str) -> None:
    """Writes at once. Whoever reads through a pipe may have had enough: that is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns as wide as they need to be; the last may be as long as it is."""
    cells = [tuple(head), *(tuple(plain(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def plain(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would act upon."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def moment(at: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else "-"
