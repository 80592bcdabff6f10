"""Work on a recording that is there: its scenes anew, and everything of it as one package."""

import json
from zipfile import ZipFile

import av

from tests.e2e.watching import SCREEN_H264, ended, processed


async def asked(client, job_type, recording, **payload):
    """The last state of a job that was asked for."""
    body = {"job_type": job_type, "payload": {"recording_id": recording["id"], **payload}}
    job = await client.call("POST", "/api/v1/jobs", body)
    return (await ended(client, job["id"]))[-1]


async def test_scenes_anew_and_everything_in_one_package(client, tmp_path):
    recording, _ = await processed(client, SCREEN_H264)
    assert len(recording["scenes"]) == 2

    job = await asked(client, "scene_detection", recording, threshold=99.5)
    assert job["status"] == "completed", job
    assert job["results"]["scenes"]["count"] == 0
    assert (await client.call("GET", f"/api/v1/recordings/{recording['id']}/"))["scenes"] == []

    job = await asked(client, "export", recording)
    assert job["status"] == "completed", job
    assert job["results"]["export"]["missing"] == []
    size = await client.save(f"/api/v1/recordings/{recording['id']}/renditions/package", tmp_path / "a.zip")
    assert size == job["results"]["export"]["size_bytes"]
    with ZipFile(tmp_path / "a.zip") as package:
        assert package.testzip() is None
        assert json.loads(package.read("recording.json"))["id"] == recording["id"]
        assert package.read("transcript.txt").strip()
        package.extract("video.mp4", tmp_path)
    with av.open(tmp_path / "video.mp4") as film:
        assert film.streams.video[0].frames == 517
    after = await client.call("GET", f"/api/v1/recordings/{recording['id']}/")
    assert after["status"] == "completed"
