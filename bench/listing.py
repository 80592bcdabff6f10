"""How long a page of recordings takes, of a caller who has a thousand of them, and of one who has a hundred thousand.

Pages of a hundred, asked for one after the other over HTTP: the first, and the thousandth, which is the last of a
hundred thousand; of a thousand recordings, the last. Both systems run at the same time and are asked in turn, each on
an embedded document server.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from bench.ingest import caller, system, waiting
from bench.machine import describe
from deploy.demo.client import Client
from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import python_module
from schemas.settings import Settings
from stores.documents import connect, disconnect
from stores.recordings import Recordings

_PAGE = 100
_TOGETHER = 200
_ASKED = 300
_WARM_UP = 50
_SETTLE_SECONDS = 10.0
"""The store tidies its file after so many writes."""


class Times(NamedTuple):
    """What 99 of 100 pages take at most, and half of them, in milliseconds."""

    p99: float
    p50: float

    def __str__(self) -> str:
        return f"p99 {self.p99:.1f} ms, p50 {self.p50:.1f} ms"


async def fill(settings: Settings, owner_id: str, count: int) -> None:
    """Makes that many recordings of the caller."""
    database = connect(settings)
    recordings = Recordings(database)
    for _ in range(0, count, _TOGETHER):
        await asyncio.gather(*(recordings.create(waiting(owner_id, 1)) for _ in range(_TOGETHER)))
    disconnect(database)


@asynccontextmanager
async def library(count: int) -> AsyncIterator[tuple[Client, list[str]]]:
    """A caller who has so many recordings, in a system of their own; and the addresses of the first and last page."""
    (port,) = free_ports(1)
    async with system() as running:
        await running.start("API", port, python_module("deploy.cli", "api"))
        owner_id, token = await caller(port)
        await fill(running.settings, owner_id, count)
        async with Client(f"http://{HOST}:{port}") as client:
            client.sign_in(token)
            yield client, await _ends(client, f"/api/v1/recordings/?limit={_PAGE}")


async def _ends(client: Client, first: str) -> list[str]:
    last, page = first, await client.call("GET", first)
    while page["next_cursor"]:
        last = f"{first}&cursor={page['next_cursor']}"
        page = await client.call("GET", last)
    return [first, last]


async def compared(few: int, many: int) -> list[tuple[Times, Times]]:
    """For the first and the last page the times with few recordings and with many, asked for in turn."""
    async with library(few) as small, library(many) as large:
        await asyncio.sleep(_SETTLE_SECONDS)
        pages = [(client, path) for client, paths in (small, large) for path in paths]
        taken: list[list[float]] = [[] for _ in pages]
        for _ in range(_WARM_UP + _ASKED):
            for (client, path), seconds in zip(pages, taken, strict=True):
                seconds.append(await _asked(client, path))
    first, last, first_of_many, last_of_many = (_times(seconds[_WARM_UP:]) for seconds in taken)
    return [(first, first_of_many), (last, last_of_many)]


async def _asked(client: Client, path: str) -> float:
    started = time.perf_counter()
    page = await client.call("GET", path)
    seconds = time.perf_counter() - started
    if len(page["items"]) != _PAGE:
        raise AssertionError("a page is not whole")
    return seconds


def _times(seconds: list[float]) -> Times:
    in_order = sorted(seconds)
    return Times(1000 * in_order[int(0.99 * len(in_order))], 1000 * in_order[len(in_order) // 2])


def main() -> None:
    """Prints the times of both pages with both numbers of recordings, and their ratios."""
    options = argparse.ArgumentParser(prog="python -m bench.listing", description=main.__doc__)
    options.add_argument("--few", type=int, default=1000)
    options.add_argument("--many", type=int, default=100_000)
    given = options.parse_args()
    print(describe())
    for name, (few, many) in zip(("first", "last"), asyncio.run(compared(given.few, given.many)), strict=True):
        print(f"{name} page of {given.few}     {few}")
        print(f"{name} page of {given.many}   {many}")
        print(f"ratio                  {many.p99 / few.p99:.2f} (p50 {many.p50 / few.p50:.2f}; goal at most 1.5)")


if __name__ == "__main__":
    main()
