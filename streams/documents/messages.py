"""What the reader of a document tells its caller while it works: small, frozen, picklable."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Opened:
    """The document can be read. `language` is what it says of itself, None where it says nothing."""

    pages: int
    language: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A JPEG of a page in the working directory."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True)
class PageRead:
    """The next page, counted from 1. Without a `sheet` it is broken; `poster` comes with the first that is not."""

    number: int
    text: str = ""
    sheet: Sheet | None = None
    poster: Path | None = None


DocumentMessage = Opened | PageRead
