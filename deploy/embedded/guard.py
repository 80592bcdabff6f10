"""Stands between a parent and its child: runs one program, keeps its log short, and ends it when the parent is gone.

usage: guard.py LOG GRACE_SECONDS COMMAND...

The parent holds the other end of standard input; its end, by whatever death, closes it. On that, on SIGTERM or SIGINT
the child gets SIGTERM, and after GRACE_SECONDS its whole group SIGKILL. Where the kernel offers it (Linux) the child
also dies with the guard. Output goes to LOG, cut over to LOG.1 at 4 MiB. The exit code is the child's, 128 + N
for signal N. A script of its own with the standard library alone: it starts in 20 ms and stays small.
"""

import ctypes
import math
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

LOG_BYTES = 4 * 1024 * 1024
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


def end_group(child: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to every process in the child's group. A repeat is harmless."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def watch(child: "subprocess.Popen[bytes]", log: Log, wake: int, grace: float) -> None:
    """Copies output until the child has ended, or until the grace after the wish for its end is over."""
    assert child.stdout
    output, parent = child.stdout.fileno(), sys.stdin.fileno()
    sources, deadline = {output, parent, wake}, math.inf
    while child.poll() is None and (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select(sources, [], [], None if math.isinf(left) else left)
        if output in readable and not copy(output, log):
            sources.remove(output)
        asked = wake in readable and bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wake, 64)))
        if parent in readable and not os.read(parent, 1):
            sources.remove(parent)
            asked = True
        if asked and math.isinf(deadline):
            child.terminate()
            deadline = time.monotonic() + grace


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


def main(log_path: str, grace: str, *command: str) -> int:
    """Runs the command to its end. Returns the exit code."""
    log = Log(Path(log_path))
    wake = wake_on_signals()
    child = subprocess.Popen(  # noqa: S603 -- the command is the parent's own
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 -- the guard has one thread
    )
    try:
        watch(child, log, wake, float(grace))
    finally:
        end_group(child)
        child.wait()
        drain(child, log)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
