"""Work for the children of the tests: must be importable in a child."""

import os
import pickle
import signal
import sys
import time
from collections.abc import Iterator

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


class Escape:
    def __reduce__(self):
        return os.system, ("true",)


def attack() -> Iterator[object]:
    yield Escape()


class Sideways:
    """Reaches for a function through a module that is known."""

    def __reduce__(self):
        return pickle.loads, (b"N.",)


def attack_sideways() -> Iterator[object]:
    yield Sideways()


def pid() -> Iterator[int]:
    yield os.getpid()
