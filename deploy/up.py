"""`tidemark up`: the platform in the foreground, until SIGINT or SIGTERM. What it says is for a person."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.platform import running_platform

OWN = ("HOST", "KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URL", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY", "JWT_SECRET")
"""Settings that the embedded stack makes itself, whatever the environment says."""


async def up(data: Path, cache: Path, port: int) -> None:
    """Runs the platform until it is cancelled, then stops all of it. Raises EmbeddedError with what to do."""
    say(f"starting; data and logs are in {data}")
    _say_what_does_not_apply()
    async with running_platform(port, data, cache, _say_news) as platform:
        say(f"ready: {platform.url}")
        say(f"the Library: {platform.url}/")
        say(f"the API: {platform.url}/docs, Kafka: {platform.services.kafka_bootstrap_servers}")
        say("processes: " + ", ".join(f"{one.name} {one.pid}" for one in platform.processes()))
        try:
            await platform.failed()
        finally:
            say("stopping")


def _say_news(line: str) -> None:
    say(f"{datetime.now():%H:%M:%S} {line}")


def _say_what_does_not_apply() -> None:
    ignored = [name for name in OWN if name in os.environ]
    if ignored:
        say(f"not used here, since the embedded stack has its own: {', '.join(ignored)}")


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
    """A line for the person at the terminal, at once. Whether anybody reads it changes nothing."""
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
