"""A lecture from its address to its sound: an HLS playlist whose server breaks off, through the whole platform."""

import av
import pytest

from tests.e2e.watching import ended, step
from tests.integration.providers.serving import Server
from tests.media.make import hls

VIEWER = "https://uni.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id=5e0c9c5e-4d4f-4a0a-9d3c-aa0f00c0ffee"


async def test_a_lecture_is_downloaded_and_heard(client, lectures_port, tmp_path):
    hls(tmp_path)
    async with Server(lectures_port) as server:
        server.files = {f"/{file.name}": file.read_bytes() for file in tmp_path.iterdir()}
        server.breaks = [10**6, 10**6, 5000]
        asked = {"course_id": "algebra", "panopto_url": VIEWER, "stream_url": f"{server.url}/media.m3u8?token=secret"}
        accepted = await client.call("POST", "/api/lectures/download/", asked)
        assert accepted["status"] == "downloading"
        states = await ended(client, accepted["job_id"])
    assert states[-1]["status"] == "completed", states[-1]
    assert step(states[-1], "download")["status"] == "completed"
    assert "secret" not in str(states)

    path = f"/api/lectures/{accepted['id']}"
    assert (await client.call("GET", f"{path}/status"))["status"] == "completed"
    lecture = await client.call("GET", path)
    assert lecture["duration_seconds"] == pytest.approx(4, abs=0.3)
    renditions = {rendition["kind"]: rendition["url"] for rendition in lecture["renditions"]}
    assert {"mp4", "m4a", "original"} <= set(renditions)
    await client.save(renditions["m4a"], tmp_path / "sound.m4a")
    with av.open(tmp_path / "sound.m4a") as sound:
        assert sum(frame.samples for frame in sound.decode(audio=0)) > 3 * sound.streams.audio[0].rate
    await client.call("DELETE", path)
