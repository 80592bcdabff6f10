"""Pages of a list: one more is asked for than is shown, so that it is known whether another page follows."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Listed(Protocol):
    """What stands in a list, in the order of its ids."""

    id: str


L = TypeVar("L", bound=Listed)


def page_of(found: Sequence[L], limit: int) -> tuple[Sequence[L], str | None]:
    """The first `limit` of what was found, and the cursor of the next page; None where none follows."""
    page = found[:limit]
    return page, page[-1].id if len(found) > len(page) else None
