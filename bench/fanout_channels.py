"""Django Channels over Redis pub/sub, as its documentation has it: a consumer that joins the group of its job.

Runs in an environment of its own: `uvicorn fanout_channels:application`, and as a program it publishes from a process
of its own: `python fanout_channels.py RATE SECONDS JOBS BYTES`.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

import django
import uvloop
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

_PUBLISHING_AT_ONCE = 32
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of no use",  # noqa: S106  # pragma: allowlist secret
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["PEER_REDIS"]]},
        }
    },
)
django.setup()


class Progress(AsyncWebsocketConsumer):  # type: ignore[misc]  # it is not installed here
    """A client that follows one job."""

    async def connect(self) -> None:
        """Joins the group."""
        self.job = f"job.{self.scope['url_route']['kwargs']['job']}"
        await self.channel_layer.group_add(self.job, self.channel_name)
        await self.accept()
        await self.send(text_data='{"joined": true}')

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - Channels hands it over
        """Leaves the group."""
        await self.channel_layer.group_discard(self.job, self.channel_name)

    async def job_progress(self, event: dict[str, Any]) -> None:
        """Sends what was published."""
        await self.send(text_data=json.dumps(event["told"]))


application = ProtocolTypeRouter({"websocket": URLRouter([re_path(r"^ws/(?P<job>\d+)$", Progress.as_asgi())])})


async def publish(rate: int, seconds: float, jobs: int, size: int) -> dict[str, float]:
    """Sends at that rate, round the jobs; what is late is sent as soon as it can be."""
    layer, filling, sent, began = get_channel_layer(), "x" * max(0, size - 60), 0, time.time()

    async def every(first: int) -> None:
        nonlocal sent
        for number in range(first, int(rate * seconds), _PUBLISHING_AT_ONCE):
            due = began + number / rate
            if time.time() - began > seconds:
                return
            if (early := due - time.time()) > 0:
                await asyncio.sleep(early)
            told = {"t": due, "job": number % jobs, "state": "running", "filling": filling}
            await layer.group_send(f"job.{number % jobs}", {"type": "job.progress", "told": told})
            sent += 1

    await asyncio.gather(*map(every, range(_PUBLISHING_AT_ONCE)))
    return {"sent": sent, "rate": sent / (time.time() - began)}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(publish(*map(int, sys.argv[1:])))))
