"""The files that a child says it made, as its parent takes them.

The child may have been taken over by what it decodes: it may name any path, put a link where a file belongs, or make a
file too large to be held. What is taken is a regular file that lies in the attempt's own folder under a plain name.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from schemas.failures import Retryable

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Neither where a link leads to, nor a pipe that nobody writes to. Windows has neither flag."""

log = structlog.get_logger(__name__)


def contents(named: Path, folder: Path, most: int) -> bytes:
    """The bytes of a file in the folder, at most so many. Blocks. Raises Retryable(child_crashed) for anything else."""
    with _opened(named, folder, most) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(most)


def checked(named: Path, folder: Path, most: int) -> Path:
    """The path of a file in the folder, of at most so many bytes; to be asked for once its child is gone, or it could
    be exchanged afterwards. Blocks for a moment. Raises Retryable(child_crashed) for anything else.
    """
    with _opened(named, folder, most):
        return named


def folder_bytes(folder: Path) -> int:
    """The size of all that lies in the folder, whatever comes and goes meanwhile. Blocks for a moment."""
    size = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += Path(inside, name).lstat().st_size
    return size


@contextmanager
def _opened(named: Path, folder: Path, most: int) -> Iterator[int]:
    try:
        descriptor = os.open(_inside(named, folder), os.O_RDONLY | _NO_LINK)
    except (OSError, ValueError) as error:
        raise _refused(named) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            raise _refused(named)
        yield descriptor
    finally:
        os.close(descriptor)


def _inside(named: Path, folder: Path) -> Path:
    if named.parent != folder:
        raise ValueError("not in the folder")
    return named


def _refused(named: Path) -> Retryable:
    log.error("a child named what is no file of its folder", path=str(named)[:500])
    return Retryable("child_crashed", "The process that did the work named a file that none of ours would make.")
