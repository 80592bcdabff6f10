"""Locks on files that the kernel releases when their last holder ends: nothing goes stale, nobody has to clean up.

The file itself stays; only the lock on it counts. Children that inherit the descriptor keep the lock held.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from deploy.embedded.failures import InUse

RETRY_SECONDS = 0.1


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Holds the lock on `path`. Blocks while another process has it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def owner_lock(path: Path, seconds: float) -> AsyncIterator[int]:
    """Holds the lock on `path` and yields its descriptor, for children that shall keep it held after their parent.

    The file names its owner. While that process lives InUse is raised at once; when only its children are left,
    waits up to `seconds` for them to end.
    """
    descriptor = _open(path)
    try:
        await _acquire(descriptor, path, seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


async def _acquire(descriptor: int, path: Path, seconds: float) -> None:
    for _ in range(int(seconds / RETRY_SECONDS) + 1):
        if _try(descriptor):
            return
        if _lives(_owner(descriptor)):
            break
        await asyncio.sleep(RETRY_SECONDS)
    raise InUse(
        f"{path.parent} is in use by another Tidemark (process {_owner(descriptor) or 'unknown'}): "
        "stop that one first, or give this one a folder of its own (--data, or make up DATA=...)."
    )


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> str:
    return os.pread(descriptor, 32, 0).decode(errors="replace").strip()


def _lives(owner: str) -> bool:
    if not owner.isdigit():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
