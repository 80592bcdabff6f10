"""From upload-complete to the first transcript segment on the websocket: the clip, and the same clip made an hour long.

Goals: at most 3 s for the clip, and at most 1.5 times that for the hour. Run: python -m bench.first_words
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bench.machine import describe
from bench.running import CLIP, platform, repeated, signed_in
from deploy.demo.client import Client

_ROUNDS = 5
_HOUR = 80  # clips
_CALM_SECONDS = 3.0
"""Before each round: what the last one broke off has ended, and idle children wait again."""


async def first_words(client: Client, file: Path) -> float:
    """The seconds from asking for completion to the first segment; deleting the recording then ends its job."""
    await asyncio.sleep(_CALM_SECONDS)
    asked = await client.announce(file)
    await client.put(asked["upload_url"], file)
    started = time.perf_counter()
    accepted = await client.complete(asked)
    async for state in client.watch(accepted["job_id"]):
        if state["results"].get("transcript", {}).get("segments"):
            took = time.perf_counter() - started
            await client.call("DELETE", f"/api/v1/recordings/{accepted['id']}/")
            return took
    raise AssertionError("the job ended without a word")


async def main() -> None:
    """Prints both medians and their ratio."""
    print(describe())
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        hour = repeated(CLIP, _HOUR, Path(folder) / "hour.webm")
        async with platform() as running, signed_in(running) as client:
            await first_words(client, CLIP)  # warm-up
            short = [await first_words(client, CLIP) for _ in range(_ROUNDS)]
            long = [await first_words(client, hour) for _ in range(_ROUNDS)]
        size = hour.stat().st_size / 2**20
    clip, whole = statistics.median(short), statistics.median(long)
    print(f"clip of 45 s           median {clip:.2f} s  (of {[round(value, 2) for value in short]}; goal 3 s)")
    print(f"an hour, {size:.0f} MiB       median {whole:.2f} s  (of {[round(value, 2) for value in long]})")
    print(f"ratio hour / clip      {whole / clip:.2f}  (goal at most 1.5)")


if __name__ == "__main__":
    asyncio.run(main())
