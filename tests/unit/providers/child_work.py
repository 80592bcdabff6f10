"""Work for the children of the tests: must be importable in a child."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from providers.child_limits import renew_cpu
from schemas.failures import Permanent
from schemas.media import Probe


def count(upto: int) -> Iterator[int]:
    print("noise on stdout")
    yield from range(upto)


def describe() -> Iterator[Probe]:
    yield Probe(container="webm", has_audio=True)


def double(inputs: Iterator[int], factor: int) -> Iterator[int]:
    for item in inputs:
        yield item * factor


def refuse() -> Iterator[int]:
    yield 1
    raise Permanent("not_media", "This is not media.")


def stumble() -> Iterator[int]:
    raise ZeroDivisionError("nothing")
    yield 0


def die() -> Iterator[int]:
    print("about to die", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    yield 0


def hang() -> Iterator[int]:
    yield os.getpid()
    while True:
        time.sleep(60)


def forge(message: str) -> Iterator[object]:
    """Writes to the parent by itself, as a decoder that was taken over would: fd 4 is the way back."""
    data = message.encode("latin-1")
    for descriptor in range(3, 10):
        with contextlib.suppress(OSError):
            os.write(descriptor, len(data).to_bytes(4, "big") + data)
    yield 0


def environment() -> Iterator[dict[str, str]]:
    yield dict(os.environ)


def pid() -> Iterator[int]:
    yield os.getpid()


def hoard() -> Iterator[int]:
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))
        yield len(held)


def hoard_little_by_little() -> Iterator[int]:
    held: list[object] = []
    while True:
        held.append([object()] * 100)
        if len(held) == 1:
            yield 1


def burst() -> Iterator[int]:
    """Ends as C++ does when it is out of memory."""
    yield 1
    print("terminate called after throwing an instance of 'std::bad_alloc'", file=sys.stderr, flush=True)
    os.abort()


def spin() -> Iterator[int]:
    yield os.getpid()
    while True:
        pass


def renew(seconds: float) -> Iterator[int]:
    renew_cpu(1)
    while time.process_time() < seconds:
        if time.process_time() % 1 < 0.1:
            renew_cpu(1)
    yield 0
    yield from spin()


def fill(file: str) -> Iterator[int]:
    """Writes a megabyte at a time into one file."""
    with Path(file).open("wb", buffering=0) as opened:
        while True:
            yield opened.write(bytes(1024 * 1024))


def fill_beside(_url: str, folder: Path, _decoded_bytes: int) -> Iterator[int]:
    """The same, asked as media functions are."""
    return fill(str(folder / "file"))


def hang_beside(_url: str, _decoded_bytes: int) -> Iterator[int]:
    """Hangs, asked as media functions are."""
    return hang()


def fill_until_killed(file: str) -> Iterator[int]:
    """The same, as a process in which nobody ignores the signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    yield from fill(file)


def rant() -> Iterator[int]:
    yield 0
    raise Permanent("c" * 1_000, "d" * 100_000)


def warm_up() -> None:
    """Uses two seconds of processor time."""
    ends = time.process_time() + 2
    while time.process_time() < ends:
        pass


def limits() -> Iterator[list[int]]:
    import resource

    yield list(resource.getrlimit(resource.RLIMIT_CORE))


def swallow(inputs: Iterator[int]) -> Iterator[int]:
    """Goes on as if nothing had happened when its inputs break off."""
    with contextlib.suppress(Exception):
        yield from inputs
