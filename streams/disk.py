"""Room on the worker's disk, for what is about to be written there."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.failures import Busy, Retryable

_SPARE_BYTES = 64 * 1024 * 1024
"""Room that is left for others."""

_FULL_SECONDS = 30.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def room(folder: Path, needed: int, what: str) -> Iterator[None]:
    """Around the writing of that many bytes of `what` into the folder.

    Raises Busy(disk_full) before anything is written, Retryable(disk_full) where the room runs out all the same.
    """
    if shutil.disk_usage(folder).free < needed + _SPARE_BYTES:
        raise Busy("disk_full", f"There is no room for {what} on the worker's disk now.", _FULL_SECONDS)
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Retryable("disk_full", f"There was no room for the whole of {what} on the worker's disk.") from error
