"""Why a program ended, in words: its exit code, the signal by name, whether the machine was out of memory, its log."""

import signal
from pathlib import Path

TAIL_LINES = 12
_TAIL_BYTES = 8192
_SIGNALLED = 128
_COUNTERS = Path("/proc/vmstat")


def cause(code: int, memory_kills: int = 0) -> str:
    """What an exit code of the guard says. `memory_kills` is how often the kernel made room by killing meanwhile."""
    number = -code if code < 0 else code - _SIGNALLED
    if number not in set(signal.Signals):
        return f"ended with exit code {code}"
    whom = "lost its guard, which was killed" if code < 0 else "was killed"
    short_of_memory = number == signal.SIGKILL and memory_kills > 0
    return f"{whom} by {signal.Signals(number).name}" + (" (the machine ran out of memory)" if short_of_memory else "")


def memory_kills() -> int:
    """How many processes the kernel has killed so far because memory ran out; 0 where it does not count them."""
    try:
        counters = dict(line.split() for line in _COUNTERS.read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(counters.get("oom_kill", 0))


def last_lines(log: Path, since: int = 0) -> list[str]:
    """The end of a log: what is not blank of its last lines, of those written after its first `since` bytes."""
    if not log.exists():
        return []
    size = log.stat().st_size
    with log.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES, since if since <= size else 0))
        lines = file.read().decode(errors="replace").splitlines()
    return [line.rstrip() for line in lines if line.strip()][-TAIL_LINES:]
