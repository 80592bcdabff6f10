"""Websocket clients in one process, each with its own job, which take the time that each message took.

usage: python fanout_client.py KIND (JSON lines on stdin: {"url", "headers"} for each client)
KIND: plain (one JSON text a message) or socketio (Engine.IO 4). Says READY once all have joined. A message holds the
moment that it was due at as `"t": seconds`. Ends when nothing has come for some seconds, and prints its figures.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import uvloop

_QUIET_SECONDS = 3.0
_WARM_UP_SECONDS = 1.0
_AT_ONCE = 50
_DUE = re.compile(r'"t":\s*([\d.]+)')

came: list[tuple[float, float]] = []


def take(text: str) -> None:
    """Notes when a message came and how long it took. What has no time in it does not count."""
    if found := _DUE.search(text):
        at = time.time()
        came.append((at, at - float(found[1])))


async def plain(ws: aiohttp.ClientWebSocketResponse, joined: Callable[[], object]) -> None:
    """The first message says that the client has joined."""
    await ws.receive_str()
    joined()
    async for message in ws:
        take(message.data)


async def socketio(ws: aiohttp.ClientWebSocketResponse, joined: Callable[[], object]) -> None:
    """Opens the default namespace, and answers pings."""
    await ws.receive_str()
    await ws.send_str("40")
    async for message in ws:
        if message.data == "2":
            await ws.send_str("3")
        elif message.data.startswith('42["joined"'):
            joined()
        else:
            take(message.data)


async def run(kind: str, clients: list[dict[str, Any]]) -> dict[str, float]:
    """The figures, once it has become quiet."""
    room, ready = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(0)

    async def one(client: dict[str, Any]) -> None:
        def joined() -> None:
            room.release()
            ready.release()

        await room.acquire()
        async with session.ws_connect(client["url"], headers=client["headers"], compress=0, max_msg_size=0) as ws:
            await {"plain": plain, "socketio": socketio}[kind](ws, joined)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(one(client)) for client in clients]
        async with asyncio.timeout(60):
            for _ in tasks:
                await ready.acquire()
        print("READY", flush=True)
        await quiet()
        lost = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return figures() | {"lost": lost}


async def quiet() -> None:
    """Returns when messages have come, and then for some seconds none."""
    while not came or time.time() - came[-1][0] < _QUIET_SECONDS:  # noqa: ASYNC110 - quiet is no event
        await asyncio.sleep(0.25)


def figures() -> dict[str, float]:
    """How many came, how many a second, and the milliseconds that half and 99 of 100 of them took at most."""
    first, last = came[0][0] + _WARM_UP_SECONDS, came[-1][0]
    took = sorted(took for at, took in came if at >= first)
    return {
        "came": len(came),
        "rate": len(took) / max(last - first, 0.001),
        "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[int(len(took) * 0.99)],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(sys.argv[1], [json.loads(line) for line in sys.stdin]))))
