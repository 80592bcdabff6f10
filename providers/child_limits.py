"""The limits of a child process: set from inside it, before it is given anything to do, and the failures beyond them.

Memory is the data segment (RLIMIT_DATA): an allocation beyond it fails, in the decoder or in Python. Processor time
(RLIMIT_CPU) counts from the start of the work; beyond it the system ends the child with SIGXCPU. No file that it writes
may be larger than RLIMIT_FSIZE: a write beyond it fails with EFBIG, in a library or in Python, since Python ignores
SIGXFSZ. None of them is there on Windows. A child never leaves a core dump: it would hold what somebody sent.
"""

import contextlib
import errno
import math
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from schemas.failures import Permanent, Retryable, StepFailure

M = TypeVar("M")

_MB, _GB = 1024**2, 1024**3
_LAST_WORDS_MB = 64
"""What is kept back so that a child that is out of memory can still say so."""

_MORE_CPU_SECONDS = 5
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory", "malloc of size")


def limit_memory(memory_mb: int) -> None:
    """Bounds the data segment of this process; 0: not at all."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_mb > 0:
        with contextlib.suppress(ValueError, OSError):  # a lower hard limit is already in force
            resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * _MB, (memory_mb + _LAST_WORDS_MB) * _MB))


def limit_cpu(cpu_seconds: int) -> None:
    """Bounds the processor time that this process may use from now on; 0: not at all."""
    if cpu_seconds <= 0 or sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + _MORE_CPU_SECONDS))


def renew_cpu(cpu_seconds: int) -> None:
    """Bounds the processor time that this process may use until it renews it, within the limit that it has.

    For work without a foreseeable end, which gives itself more as it gets on.
    """
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    wanted = math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def limit_output(output_bytes: int) -> None:
    """Bounds the size of each file that this process writes from now on."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (output_bytes, output_bytes))


def within_output(output_bytes: int, entry: Callable[..., Iterator[M]], *args: Any) -> Iterator[M]:
    """Work for a child: yields what `entry(*args)` yields. No file that it writes may be larger than `output_bytes`.

    The limit stays with the process. Raises Permanent(output_limit) beyond it, and what `entry` raises.
    """
    limit_output(output_bytes)
    try:
        yield from entry(*args)
    except Exception as error:
        if getattr(error, "errno", None) == errno.EFBIG:  # FFmpeg's errors have a number too, and are no OSError
            raise too_much_output(output_bytes) from error
        raise


def make_room() -> None:
    """Lets a process that is out of memory have what was kept back."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def out_of_memory(memory_mb: int) -> Permanent:
    """The failure of a child that wanted more memory than it may have."""
    return Permanent("memory_limit", f"The work needs more memory than its limit of {memory_mb} MB (MEDIA_MEMORY_MB).")


def too_much_output(output_bytes: int | None = None) -> Permanent:
    """The failure of a child that wrote more than it may; without a number where nobody knows any more how much."""
    limit = "its limit" if output_bytes is None else f"its limit of {output_bytes / _GB:.4g} GB"
    return Permanent("output_limit", f"The work writes more than {limit} (MEDIA_OUTPUT_GB).")


def ended(status: int, last_words: str, memory_mb: int, cpu_seconds: int) -> StepFailure:
    """What it means that a child ended by itself with that status (negative: by that signal), saying that."""
    if sys.platform != "win32" and status == -signal.SIGXCPU:
        detail = f"The work needs more processor time than its limit of {cpu_seconds} seconds (MEDIA_CPU_SECONDS)."
        return Permanent("cpu_limit", detail)
    if sys.platform != "win32" and status == -signal.SIGXFSZ:
        return too_much_output()
    if memory_mb > 0 and any(words in last_words for words in _OUT_OF_MEMORY):
        return out_of_memory(memory_mb)
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return Retryable("child_crashed", f"The process that did the work {how}.")
