"""`tidemark up`: the platform in the foreground, until SIGINT or SIGTERM. What it says is for a person."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from deploy.platform import running_platform


async def up(data: Path, cache: Path, port: int) -> None:
    """Runs the platform until it is cancelled, then stops all of it. Raises EmbeddedError with what to do."""
    say(f"starting; data and logs are in {data}")
    async with running_platform(port, data, cache, say) as platform:
        say(f"ready: {platform.url}")
        try:
            await platform.failed()
        finally:
            say("stopping")


async def until_signal(work: Coroutine[Any, Any, None]) -> bool:
    """Runs the work; the first SIGINT or SIGTERM cancels it. Whether it came to its own end.

    Later signals change nothing: an impatient second Ctrl-C must not break an orderly end.
    """
    working = asyncio.create_task(work)
    told = asyncio.Event()

    def stop() -> None:
        if not told.is_set():
            told.set()
            working.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.wait([working])
    if working.cancelled():
        return False
    working.result()
    return True


def say(line: str) -> None:
    """A line for the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
