"""What the end-to-end tests do with a recording: send it in and watch it to its end."""

from pathlib import Path
from typing import Any

from deploy.demo.client import Client

MEDIA = Path(__file__).parents[1] / "media"
SCREEN = MEDIA / "screen-vp8.webm"
SCREEN_H264 = MEDIA / "screen-h264.webm"


async def ended(client: Client, job_id: str) -> list[dict[str, Any]]:
    """Every state that the job's websocket told, to the last."""
    states = [state async for state in client.watch(job_id)]
    assert states[-1]["status"] in ("completed", "failed", "cancelled"), states[-1]
    return states


async def processed(client: Client, file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The recording after its job has ended, and the job's states."""
    accepted = await client.upload(file)
    states = await ended(client, accepted["job_id"])
    return await client.call("GET", f"/api/v1/recordings/{accepted['id']}/"), states


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    """The job's step of that name."""
    return next(step for step in job["steps"] if step["name"] == name)
