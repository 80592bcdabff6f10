"""Waiting for what is away: nothing is given up because a store or a provider does not answer for a while."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

import structlog

from schemas.failures import Retryable

T = TypeVar("T")

_PAUSES = (0.1, 0.5, 1.0, 2.0)

_WAITS = {"provider_unavailable": 40, "provider_rate_limited": 40, "provider_timeout": 8}
"""How often a step waits for its provider before that counts as an attempt. It makes a quarter of an hour: a provider
that is down says so at once, one that hangs only after PROVIDER_TIMEOUT_SECONDS."""
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 2.0, 30.0

log = structlog.get_logger(__name__)


async def until_stores_answer(operation: Callable[[], Awaitable[T]]) -> T:
    """The operation's result, tried again for as long as stores are away. Cancel it to stop."""
    pauses = iter(_PAUSES)
    while True:
        try:
            return await operation()
        except Retryable as error:
            log.warning("a store is away; waiting", error=str(error))
            await asyncio.sleep(next(pauses, _PAUSES[-1]))


def patient(repository: T) -> T:
    """The repository, with each operation tried again for as long as the store is away: a repeat must be harmless."""
    return cast(T, _Patient(repository))


class _Patient:
    def __init__(self, repository: object) -> None:
        self._repository = repository

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._repository, name)
        if not iscoroutinefunction(operation):
            return operation

        @wraps(operation)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            return await until_stores_answer(lambda: operation(*args, **kwargs))

        return waiting


def wait_for_provider(failure: Retryable, returns: int) -> float | None:
    """How many seconds a step waits for its provider, after `returns` waits; None when it is to count as an attempt.

    Exponential with jitter up to half a minute, and never less than the provider asks for.
    """
    if returns >= _WAITS.get(failure.code, 0):
        return None
    longest = min(_FIRST_WAIT_SECONDS * 2.0**returns, _LONGEST_WAIT_SECONDS)
    return max(longest * random.uniform(0.5, 1), failure.retry_after or 0)  # noqa: S311 # nosec B311
