"""How long a page of recordings takes, of one caller who has a thousand and then a hundred thousand of them.

Pages of a hundred, asked for one after the other over HTTP: the first, and the thousandth, which is the last of a
hundred thousand; of a thousand recordings, the last. Everything stands on the embedded document server.
"""

import argparse
import asyncio
import time
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
_TOGETHER = 1000
_ASKED = 400
_WARM_UP = 100


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


async def measured(client: Client, path: str) -> dict[str, Times]:
    """The times of the first page and of the last one, asked for in turn."""
    deepest, following = path, await client.call("GET", path)
    while following["next_cursor"]:
        deepest = f"{path}&cursor={following['next_cursor']}"
        following = await client.call("GET", deepest)
    seconds: dict[str, list[float]] = {path: [], deepest: []}
    for _ in range(_WARM_UP + _ASKED):
        for asked, took in seconds.items():
            started = time.perf_counter()
            page = await client.call("GET", asked)
            took.append(time.perf_counter() - started)
            if len(page["items"]) != _PAGE:
                raise AssertionError("a page is not whole")
    first, last = (sorted(took[_WARM_UP:]) for took in seconds.values())
    return {"first": _times(first), "last": _times(last)}


def _times(seconds: list[float]) -> Times:
    return Times(1000 * seconds[int(0.99 * len(seconds))], 1000 * seconds[len(seconds) // 2])


async def compared(few: int, many: int) -> tuple[dict[str, Times], dict[str, Times]]:
    """The times with few recordings, and with many."""
    (port,) = free_ports(1)
    async with system() as running:
        await running.start("API", port, python_module("deploy.cli", "api"))
        owner_id, token = await caller(port)
        path = f"/api/v1/recordings/?limit={_PAGE}"
        async with Client(f"http://{HOST}:{port}") as client:
            client.sign_in(token)
            await fill(running.settings, owner_id, few)
            before = await measured(client, path)
            await fill(running.settings, owner_id, many - few)
            return before, await measured(client, path)


def main() -> None:
    """Prints the times of both pages with both numbers of recordings, and their ratios."""
    options = argparse.ArgumentParser(prog="python -m bench.listing", description=main.__doc__)
    options.add_argument("--few", type=int, default=1000)
    options.add_argument("--many", type=int, default=100_000)
    given = options.parse_args()
    print(describe())
    few, many = asyncio.run(compared(given.few, given.many))
    for page in few:
        print(f"{page} page of {given.few}     {few[page]}")
        print(f"{page} page of {given.many}   {many[page]}")
        ratio = f"{many[page].p99 / few[page].p99:.2f} (p50 {many[page].p50 / few[page].p50:.2f})"
        print(f"ratio                  {ratio}  (goal at most 1.5)")


if __name__ == "__main__":
    main()
