"""How the stores fail, in the program's own terms.

StoreUnavailable is Retryable: a step backs off, the API answers 503. LeaseLost says that the writer is no longer the
owner of its step (another has claimed it, or the recording is gone): it must stop at once and write nothing more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pymongo
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from schemas.failures import Retryable

ANSWER_SECONDS = 2.5
"""How long a store may take for one small operation. Beyond it the store is away."""

PROMPTLY_SECONDS = 2.0
"""How long somebody who waits for an answer waits for Kafka; what is owed is paid later all the same."""


_DUPLICATE_KEY = 11000


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


class OnHold(Exception):
    """What was to be deleted is on hold: nothing of it was. The message says why, for a person."""


class Duplicate(Exception):
    """A document with that unique value exists already."""


@asynccontextmanager
async def answering(seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Around operations on documents: translates MongoDB's errors, and gives up after `seconds`.

    A duplicate key becomes Duplicate, all else StoreUnavailable; a server that hangs is away like one that refuses. The
    driver has the same deadline, whatever it tries again, so no thread of it waits on; the server is told, and works no
    longer on what nobody waits for. What was asked may still be done.
    """
    with pymongo.timeout(seconds):
        async with in_time(seconds):
            yield


@asynccontextmanager
async def in_time(seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Like `answering`, but neither driver nor server is told: around the creation of indexes, which a server that is
    not done in time goes on with.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except DuplicateKeyError as error:
        raise Duplicate(str(error.details)) from error
    except PyMongoError as error:
        raise StoreUnavailable("document store", error) from error
    except TimeoutError as error:
        raise unanswered(seconds) from error


def unanswered(seconds: float = ANSWER_SECONDS, store: str = "document store") -> StoreUnavailable:
    """What it is called when a store does not answer in time."""
    return StoreUnavailable(store, f"no answer within {seconds:g} s")


@asynccontextmanager
async def promptly() -> AsyncIterator[None]:
    """Around what is put on Kafka while somebody waits: raises StoreUnavailable when it is not taken in a moment."""
    try:
        async with asyncio.timeout(PROMPTLY_SECONDS):
            yield
    except TimeoutError as error:
        raise unanswered(PROMPTLY_SECONDS, "event log") from error


def duplicates_in(error: BulkWriteError) -> frozenset[int]:
    """Which writes of a group met a document with their unique value. Raises the error if another failed otherwise."""
    failed = error.details["writeErrors"]
    if any(write["code"] != _DUPLICATE_KEY for write in failed):
        raise error
    return frozenset(write["index"] for write in failed)
