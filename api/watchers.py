"""How many websockets and event streams there may be at a time on this node: in all, and of one caller."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.problems import Problem
from schemas.settings import Settings

_AGAIN_SECONDS = 10


class Places:
    """Places on this node, of which each caller may have some. `what` they are for is said to whoever gets none."""

    def __init__(self, most: int, most_of_one: int, what: str) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._what = what
        self._there: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def place(self, owner_id: str) -> Iterator[None]:
        """A place until the block ends. Raises Problem too_many_watchers."""
        if self._there[owner_id] >= self._most_of_one:
            raise _full(f"{self._most_of_one} {self._what} of yours are open; close one first.")
        if self._all >= self._most:
            raise _full(f"The service has as many {self._what} as it takes.")
        self._there[owner_id] += 1
        self._all += 1
        try:
            yield
        finally:
            self._all -= 1
            self._there[owner_id] -= 1
            if not self._there[owner_id]:
                del self._there[owner_id]


class Watchers(Places):
    """The places of those who watch, as many as the settings say."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.max_watchers, settings.max_watchers_per_caller, "websockets and event streams")


def _full(why: str) -> Problem:
    return Problem("too_many_watchers", why, retry_after=_AGAIN_SECONDS)
