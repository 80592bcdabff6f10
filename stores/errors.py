"""How the stores fail, in the program's own terms.

StoreUnavailable is Retryable: a step backs off, the API answers 503. LeaseLost says that the writer is no longer the
owner of its step (another has claimed it, or the recording is gone): it must stop at once and write nothing more.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pymongo.errors import DuplicateKeyError, PyMongoError

from schemas.failures import Retryable

ANSWER_SECONDS = 2.5
"""How long a store may take for one small operation. Beyond it the store is away."""


class StoreUnavailable(Retryable):
    """A store did not answer, or not in time. `detail` is for everybody; `reason` names addresses: for the log."""

    def __init__(self, store: str, error: BaseException | str) -> None:
        super().__init__("store_unavailable", f"The {store} did not answer.")
        self.store = store
        self.reason = str(error)[:300] or type(error).__name__

    def __str__(self) -> str:
        return f"{self.code}: {self.detail} {self.reason}"


class LeaseLost(Exception):
    """The writer's fence is old, or what it writes to is gone."""


class Duplicate(Exception):
    """A document with that unique value exists already."""


@contextmanager
def translated() -> Iterator[None]:
    """Translates MongoDB's errors: a duplicate key to Duplicate, all else to StoreUnavailable."""
    try:
        yield
    except DuplicateKeyError as error:
        raise Duplicate(str(error.details)) from error
    except PyMongoError as error:
        raise StoreUnavailable("document store", error) from error


@asynccontextmanager
async def answering(seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Around operations on documents: translates MongoDB's errors, and gives up after `seconds`.

    A server that hangs is away like one that refuses: StoreUnavailable. What was asked may still be done.
    """
    try:
        with translated():
            async with asyncio.timeout(seconds):
                yield
    except TimeoutError as error:
        raise StoreUnavailable("document store", f"no answer within {seconds:g} s") from error
