"""How many websockets and event streams there may be at a time on this node: in all, and of one caller."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.problems import Problem
from schemas.settings import Settings

_AGAIN_SECONDS = 10


class Watchers:
    """The places of those who watch. Whoever gets none is told so by a Problem too_many_watchers."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.max_watchers
        self._most_of_one = settings.max_watchers_per_caller
        self._there: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def place(self, owner_id: str) -> Iterator[None]:
        """A place for as long as somebody watches. Raises Problem too_many_watchers."""
        if self._there[owner_id] >= self._most_of_one:
            raise _full(f"{self._most_of_one} websockets and event streams of yours are open; close one first.")
        if self._all >= self._most:
            raise _full("The service has as many websockets and event streams as it takes.")
        self._there[owner_id] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._there[owner_id] -= 1
            if not self._there[owner_id]:
                del self._there[owner_id]


def _full(why: str) -> Problem:
    return Problem("too_many_watchers", why, retry_after=_AGAIN_SECONDS)
