"""The ceiling of the fan-out: a bare aiohttp server that makes the messages itself, with no broker in between.

`python fanout_bare.py serve PORT`, and `python fanout_bare.py publish PORT RATE SECONDS`, which has it send so many.
"""

import asyncio
import sys
import time
import urllib.request

import uvloop
from aiohttp import web

_BODY = '{"t": %.6f, "state": "running", "filling": "' + 1100 * "x" + '"}'
"""As long as a whole state of a job."""
_SOCKETS = web.AppKey("sockets", list[web.WebSocketResponse])


async def join(request: web.Request) -> web.WebSocketResponse:
    """A client."""
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    await ws.send_str('{"joined": true}')
    request.app[_SOCKETS].append(ws)
    async for _ in ws:
        pass
    request.app[_SOCKETS].remove(ws)
    return ws


async def publish(request: web.Request) -> web.Response:
    """Sends at that rate, round the clients; what is late is sent as soon as it can be."""
    rate, seconds, sockets = int(request.query["rate"]), float(request.query["seconds"]), request.app[_SOCKETS]
    sent, began = 0, time.time()
    while (passed := time.time() - began) < seconds:
        for number in range(sent, min(int(passed * rate), sent + 2 * len(sockets))):
            await sockets[number % len(sockets)].send_str(_BODY % (began + number / rate))
            sent = number + 1
        await asyncio.sleep(0.001)
    return web.json_response({"sent": sent, "rate": sent / (time.time() - began)})


def serve(port: int) -> None:
    """Serves until it is ended; blocks."""
    app = web.Application()
    app[_SOCKETS] = []
    app.add_routes([web.get("/ws/{job}", join), web.get("/publish", publish)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        place = "http://127.0.0.1:{}/publish?rate={}&seconds={}".format(*sys.argv[2:])
        print(urllib.request.urlopen(place, timeout=120).read().decode())  # noqa: S310 - of this machine
