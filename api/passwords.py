"""Passwords: Argon2id, off the event loop, a few at a time, so that log-ins can neither block the service nor fill it.

19 MiB and two passes a hash (OWASP's recommendation); about 20 ms of one core.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from schemas.problems import Problem

_MEMORY_KIB, _PASSES = 19 * 1024, 2
_AT_ONCE = 2
_WAITING = 64

T = TypeVar("T")


class Passwords:
    """Hashes and verifies passwords. Close it when done. Raises Problem unavailable when too many wait already."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1, type=Type.ID)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._stand_in = self._hasher.hash("nobody has this password")
        self._busy = 0

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded Argon2id hash of a password."""
        return await self._off_loop(self._hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password has that hash. None (no such account) takes as long and is False."""
        same = await self._off_loop(self._verify, password_hash or self._stand_in, password)
        return same and password_hash is not None

    async def _off_loop(self, work: Callable[..., T], *arguments: str) -> T:
        if self._busy >= _WAITING:
            raise Problem("unavailable", "Too many people are signing in at this moment.", retry_after=1)
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._busy -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            self._hasher.verify(password_hash, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
        return True
