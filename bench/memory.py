"""The API's memory while a large file goes through multipart. Goal: under 200 MB for 2 GB. Run: python -m bench.memory

The file is a real recording followed by zeros: it is never on disk, and its job is deleted at the end.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import psutil

from bench.machine import describe
from bench.running import CLIP, platform, signed_in

_TOTAL = 2_000_000_000
_CHUNK = 1024 * 1024


async def body() -> AsyncIterator[bytes]:
    """The clip, then zeros up to the total."""
    clip = CLIP.read_bytes()
    yield clip
    left = _TOTAL - len(clip)
    while left > 0:
        yield bytes(min(_CHUNK, left))
        left -= _CHUNK


def resident(command: str) -> float:
    """The resident memory in MB of our process that runs that command."""
    found = [
        child
        for child in psutil.Process().children(recursive=True)
        if child.cmdline()[-3:] == ["-m", "deploy.cli", command]
    ]
    return max(child.memory_info().rss for child in found) / 1e6


async def watched(peak: list[float]) -> None:
    """Keeps the highest figure."""
    while True:
        peak.append(resident("api"))
        await asyncio.sleep(0.1)


async def main() -> None:
    """Prints the API's memory before, its peak during, and the speed of the upload."""
    print(describe())
    async with platform() as running, signed_in(running) as client:
        before = resident("api")
        peak: list[float] = []
        watching = asyncio.create_task(watched(peak))
        form = aiohttp.FormData()
        form.add_field("file", body(), filename="large.webm", content_type="video/webm")
        started = time.perf_counter()
        accepted = await client.post_form("/projects/bench/videos", form)
        took = time.perf_counter() - started
        watching.cancel()
        await client.call("DELETE", f"/api/v1/recordings/{accepted['asset_id']}/")
    print(f"API before             {before:.0f} MB")
    print(f"API at its highest     {max(peak):.0f} MB while {_TOTAL / 1e9:.0f} GB came in  (goal under 200)")
    print(f"upload                 {_TOTAL / 2**20 / took:.0f} MiB/s")


if __name__ == "__main__":
    asyncio.run(main())
