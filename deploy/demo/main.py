"""The demo from end to end: start everything, send a recording in, watch it, show what came out, stop everything."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp

from deploy.demo.client import Client, Refused
from deploy.demo.screen import Screen
from deploy.embedded.ports import free_ports
from deploy.platform import Platform, running_platform

SAMPLE = Path(__file__).resolve().parents[2] / "tests" / "media" / "screen-vp8.webm"
_IMPATIENT = {"SHUTDOWN_GRACE_SECONDS": "0"}
"""Whoever stops the demo wants no work in hand to be finished first."""
_SUFFIXES = {"mp4": ".mp4", "m4a": ".m4a", "wav": ".wav", "poster": ".jpg"}


class DemoFailed(Exception):
    """The demo did not come to its end. The message says why and what to do."""


async def demo(file: Path, data: Path, cache: Path) -> None:
    """Runs the demo on `file` with everything under `data`. Raises DemoFailed or EmbeddedError."""
    if not file.is_file():
        raise DemoFailed(f"There is no file {file}. Give one that exists: make demo FILE=path/to/recording.webm")
    if not file.stat().st_size:
        raise DemoFailed(f"{file} is empty. Give a recording: make demo FILE=path/to/recording.webm")
    screen = Screen()
    screen.say("starting Kafka, the document store, the object store, the API and a worker …")
    async with running_platform(free_ports(1)[0], data, cache, screen.say, _IMPATIENT) as platform:
        screen.say(f"ready: {platform.url}\n")
        try:
            async with Client(platform.url) as client:
                await _unless_it_fails(platform, _show(client, screen, file, data / "demo"))
        except Refused as error:
            raise DemoFailed(f"{file.name} was refused. {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DemoFailed(f"{error or type(error).__name__} The logs are in {data / 'logs'}.") from error
        finally:
            screen.say("\nstopping what was started")


async def _unless_it_fails(platform: Platform, work: Coroutine[Any, Any, None]) -> None:
    """Does the work; a platform that cannot be kept running ends it with the reason."""
    tasks = (asyncio.create_task(work), asyncio.ensure_future(platform.failed()))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _show(client: Client, screen: Screen, file: Path, folder: Path) -> None:
    await client.sign_up()
    screen.say(f"sending {file.name}, {file.stat().st_size:,} bytes, by a presigned URL")
    accepted = await client.upload(file)
    job = await _watched(client, screen, accepted["job_id"])
    if job["status"] != "completed":
        raise DemoFailed(_why(job))
    path = f"/api/v1/recordings/{accepted['id']}/"
    recording = await client.call("GET", path)
    screen.results(recording, await client.call("GET", f"{path}transcript"))
    screen.renditions(await _saved(client, recording, folder / recording["id"]))
    screen.times(job)


async def _watched(client: Client, screen: Screen, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = {}
    with screen:
        async for job in client.watch(job_id):
            screen.show(job)
    if not job or job["status"] in ("queued", "running"):
        raise DemoFailed("The progress stopped before the job had ended. Run the demo again.")
    return job


async def _saved(client: Client, recording: dict[str, Any], folder: Path) -> list[tuple[str, str, int, str]]:
    """Saves each rendition, so that it can be played when the service has stopped; the rows to show."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for rendition in recording["renditions"]:
        if rendition["kind"] in _SUFFIXES:
            target = folder / f"{rendition['kind']}{_SUFFIXES[rendition['kind']]}"
            size = await client.save(rendition["url"], target)
            rows.append((rendition["kind"], rendition["content_type"], size, str(target)))
    return rows


def _why(job: dict[str, Any]) -> str:
    failed = next((step for step in job["steps"] if step["status"] == "failed" and step["error"]), None)
    if failed is None:
        return f"The job ended as {job['status']}."
    return f"The step «{failed['name']}» failed ({failed['error']['code']}): {failed['error']['detail']}"
