"""Uploads that are not what they should be: each ends with a code and a sentence, and holds nobody up."""

import asyncio

import pytest

from deploy.demo.client import Refused
from tests.e2e.watching import SCREEN, SCREEN_H264, ended, processed, step
from tests.media import make

SMALL = SCREEN_H264.read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.webm", b"just some words, many times over\n" * 50),
        ("picture.webm", b"\x89PNG\r\n\x1a\n" + bytes(500)),
        ("paper.mp4", b"%PDF-1.7\n" + bytes(500)),
    ],
)
async def test_what_is_no_media_is_refused_at_the_door(client, tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(Refused, match="neither audio nor video"):
        await client.upload(file)


async def test_an_empty_file_is_refused(client, tmp_path):
    (tmp_path / "empty.webm").touch()
    with pytest.raises(Refused):
        await client.upload(tmp_path / "empty.webm")


async def test_a_header_without_media_fails_with_a_sentence_and_holds_nobody_up(client, tmp_path):
    broken = tmp_path / "broken.webm"
    broken.write_bytes(SMALL[:64] + bytes(4000))
    bad, good = await asyncio.gather(processed(client, broken), processed(client, SCREEN_H264))
    recording, states = bad
    assert states[-1]["status"] == "failed"
    assert recording["status"] == "failed"
    assert recording["error"]["code"] in ("not_media", "undecodable", "no_streams")
    assert recording["error"]["detail"].endswith(".")
    assert step(states[-1], "transcribe")["error"]["code"] == "upstream_failed"
    assert good[1][-1]["status"] == "completed"


async def test_a_truncated_recording_gives_what_is_there(client, tmp_path):
    torn = tmp_path / "torn.webm"
    torn.write_bytes(SCREEN.read_bytes()[:1_000_000])
    recording, states = await processed(client, torn)
    assert states[-1]["status"] == "completed"
    assert 8 < recording["duration_seconds"] < 20


async def test_a_file_name_is_never_a_path(client, tmp_path):
    asked = await client.call(
        "POST", "/api/v1/recordings/request-upload/", {"filename": "../../etc/passwd.webm", "file_size": len(SMALL)}
    )
    assert "passwd" not in asked["s3_key"]
    assert ".." not in asked["s3_key"]


async def test_sound_alone_and_silence(client, tmp_path):
    file = make.recording(tmp_path / "tone.webm", sounds=[make.Tone(0, 2)])
    recording, states = await processed(client, file)
    assert states[-1]["status"] == "completed", states[-1]
    assert (recording["has_video"], recording["has_audio"]) == (False, True)
    assert {entry["kind"] for entry in recording["renditions"]} >= {"m4a", "wav"}


async def test_pictures_alone_have_an_empty_transcript_that_says_so(client, tmp_path):
    file = make.recording(tmp_path / "silent.webm", make.shots(2))
    recording, states = await processed(client, file)
    assert states[-1]["status"] == "completed", states[-1]
    transcript = await client.call("GET", f"/api/v1/recordings/{recording['id']}/transcript")
    assert (transcript["segments"], transcript["language"], transcript["complete"]) == ([], None, True)
    assert "no speech" in recording["analyses"]["summary"]["text"].casefold()


async def test_a_project_takes_the_same_file_in_one_request(client):
    form = {"file": SCREEN_H264.open("rb")}
    async with client._http.post("/projects/demo/videos", data=form, headers=client._headers) as response:
        assert response.status == 202
        accepted = await response.json()
    assert accepted["size_bytes"] == SCREEN_H264.stat().st_size
    states = await ended(client, accepted["job_id"])
    assert states[-1]["status"] == "completed"
