"""The inside of a child process: reads one piece of work from stdin, runs it, writes what it yields to stdout.

Run as `python -m providers.child_main MEMORY_MB CPU_SECONDS NICENESS [MODULE | MODULE:FUNCTION …]`; see
providers/child.
"""

import importlib
import os
import pickle  # nosec B403
import queue
import struct
import sys
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from providers.child_limits import limit_cpu, limit_memory, make_room, out_of_memory
from providers.child_messages import encode_end, encode_error, encode_failure, encode_value
from schemas.failures import Retryable, StepFailure

_HEADER = struct.Struct("!I")
_INPUTS_WAITING = 4
_PARENT_GONE = 3


def main(arguments: list[str]) -> None:
    """Warms up, waits for the work, does it, and ends."""
    os.setpgid(0, 0)  # a group, not a session: the scheduler weighs niceness only within a session
    requests, answers = _claim_pipes()
    memory_mb, cpu_seconds, niceness, *preload = arguments
    limit_memory(int(memory_mb))
    os.nice(int(niceness))
    _warm_up(preload)
    work = _read(requests)
    if work is None:
        return
    limit_cpu(int(cpu_seconds))
    _, entry, args, has_inputs = work
    given = (_inputs(requests), *args) if has_inputs else args
    if not has_inputs:
        _watch_parent(requests)
    _perform(answers, entry(*given), int(memory_mb))


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, with stdout redirected to stderr, so that a library that prints cannot break the protocol."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _warm_up(preload: list[str]) -> None:
    for name in preload:
        module, _, function = name.partition(":")
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()


def _perform(answers: BinaryIO, work: Iterator[Any], memory_mb: int) -> None:
    try:
        for value in work:
            _write(answers, encode_value(value))
        _write(answers, encode_end())
    except StepFailure as failure:
        _write(answers, encode_failure(failure))
    except MemoryError:
        make_room()
        _write(answers, encode_failure(out_of_memory(memory_mb)))
    except Exception as error:  # noqa: BLE001 - the edge of this process: the parent logs it
        _write(answers, encode_error(error))


def _inputs(requests: BinaryIO) -> Iterator[Any]:
    """The inputs as the parent sends them. Few wait here: a slow consumer slows the sender down."""
    waiting: queue.Queue[tuple[Any, ...]] = queue.Queue(_INPUTS_WAITING)

    def receive() -> None:
        while (message := _read(requests)) is not None:
            waiting.put(message)
        os._exit(_PARENT_GONE)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        match waiting.get():
            case ("input", value):
                yield value
            case ("broken",):
                raise Retryable("child_crashed", "The inputs of the work broke off.")
            case _:
                return


def _watch_parent(requests: BinaryIO) -> None:
    def watch() -> None:
        requests.read(1)
        os._exit(_PARENT_GONE)

    threading.Thread(target=watch, daemon=True).start()


def _read(requests: BinaryIO) -> tuple[Any, ...] | None:
    header = requests.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    (length,) = _HEADER.unpack(header)
    message: tuple[Any, ...] = pickle.loads(requests.read(length))  # noqa: S301 # nosec B301
    return message


def _write(answers: BinaryIO, data: bytes) -> None:
    answers.write(_HEADER.pack(len(data)) + data)
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
