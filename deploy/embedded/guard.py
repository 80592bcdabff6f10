"""Stands between a parent and its child: runs one program, keeps its log short, and ends it when the parent is gone.

usage: guard.py LOG GRACE_SECONDS COMMAND...

The child's process id is the one line on standard output. The parent holds the other end of standard input; its end,
by whatever death, closes it. On SIGTERM or SIGINT the child gets SIGTERM, and SIGKILL after GRACE_SECONDS; when the
parent is gone, after ORPHAN_SECONDS. Whatever the child leaves of its session is killed after it; where the kernel
offers it (Linux) the child also dies with the guard. Output goes to LOG, cut over to LOG.1 at 4 MiB. The exit code is
the child's, 128 + N for signal N. A script of its own with the standard library alone: it starts in 20 ms and stays
small.
"""

import ctypes
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

LOG_BYTES = 4 * 1024 * 1024
ORPHAN_SECONDS = 3.0
"""Without its parent there is nothing left to be finished for: what the child stands on ends with it."""
NOT_STARTED = 127
PR_SET_PDEATHSIG = 1


class Log:
    """The child's output: a file that is cut over when it is full; at most twice LOG_BYTES on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()

    def write(self, data: bytes) -> None:
        """Appends, unbuffered."""
        if self._file.tell() + len(data) > LOG_BYTES:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._open()
        self._file.write(data)

    def _open(self) -> BinaryIO:
        private = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(private, "ab", buffering=0)  # noqa: PTH123 - closed when it is full, or with the process


def die_with_parent() -> None:
    """Asks the kernel to end this process with its parent; elsewhere than on Linux nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wake_on_signals() -> int:
    """Turns SIGTERM, SIGINT and SIGCHLD into bytes on a descriptor: none is lost, whenever it comes."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reader


def end_session(child: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to every process in the child's session, those with a group of their own, or stopped, included."""
    _signal(os.killpg, child.pid)
    for process in _members(child.pid):
        _signal(os.kill, process)


def _members(session: int) -> list[int]:
    """The processes of a session; none where the system does not list processes under /proc."""
    listed = Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ()
    return [process for process in (int(entry.name) for entry in listed) if _session_of(process) == session]


def _session_of(process: int) -> int:
    try:
        return os.getsid(process)
    except (ProcessLookupError, PermissionError):
        return 0


def _signal(send: Callable[[int, int], None], whom: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(whom, signal.SIGKILL)


def ask_to_end(child: "subprocess.Popen[bytes]") -> None:
    """SIGTERM, also to a child that is stopped: it is set going, to end."""
    child.terminate()
    child.send_signal(signal.SIGCONT)


def watch(child: "subprocess.Popen[bytes]", log: Log, wake: int, grace: float) -> None:
    """Copies output until the child has ended, or until the grace after the wish for its end is over."""
    assert child.stdout
    output, parent = child.stdout.fileno(), sys.stdin.fileno()
    sources, deadline = {output, parent, wake}, math.inf
    while child.poll() is None and (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select(sources, [], [], None if math.isinf(left) else left)
        if output in readable and not copy(output, log):
            sources.remove(output)
        asked = math.inf
        if wake in readable and {signal.SIGTERM, signal.SIGINT} & set(os.read(wake, 64)):
            asked = grace
        if parent in readable and not os.read(parent, 1):
            sources.remove(parent)
            asked = min(grace, ORPHAN_SECONDS)
        if math.isinf(deadline) and not math.isinf(asked):
            ask_to_end(child)
        deadline = min(deadline, time.monotonic() + asked)


def copy(output: int, log: Log) -> bool:
    """Copies what can be read now; False at the end of the output."""
    data = os.read(output, 65536)
    log.write(data)
    return bool(data)


def drain(child: "subprocess.Popen[bytes]", log: Log) -> None:
    """Copies what the child left in its pipe."""
    assert child.stdout
    os.set_blocking(child.stdout.fileno(), False)
    log.write(child.stdout.read() or b"")


def start(command: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """Starts the command in a session of its own. Raises OSError."""
    return subprocess.Popen(  # noqa: S603 -- the command is the parent's own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 -- the guard has one thread
    )


def main(log_path: str, grace: str, *command: str) -> int:
    """Runs the command to its end. Returns the exit code."""
    log = Log(Path(log_path))
    wake = wake_on_signals()
    try:
        child = start(command)
    except OSError as error:
        log.write(f"{command[0]} cannot be started: {error.strerror}\n".encode())
        return NOT_STARTED
    try:
        print(child.pid, flush=True)  # noqa: T201 -- this is what the parent reads
        watch(child, log, wake, float(grace))
    finally:
        end_session(child)
        child.wait()
        drain(child, log)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
