"""The main job: a recording as a browser makes it goes in; video, words and analyses come out."""

import asyncio
import difflib
import io

import aiohttp
import av
import pytest

from tests.e2e.watching import SCREEN, SCREEN_H264, processed, step

OPENING = (
    "it was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness "
    "it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of "
    "darkness it was the spring of hope it was the winter of despair"
)


@pytest.fixture(scope="module")
def done():
    """The recording and its states: made by the first test that asks, shared by the module."""
    return {}


async def of_screen(client, done):
    if not done:
        done["recording"], done["states"] = await processed(client, SCREEN)
        done["client_headers"] = client._headers
    client._headers = done["client_headers"]
    return done["recording"], done["states"]


def plain(text: str) -> list[str]:
    return "".join(letter for letter in text.casefold() if letter.isalnum() or letter.isspace()).split()


async def test_every_step_completes_and_versions_only_grow(client, done):
    _, states = await of_screen(client, done)
    assert states[-1]["status"] == "completed"
    assert states[-1]["progress"] == 100
    assert [entry["status"] for entry in states[-1]["steps"]] == ["completed"] * 4
    versions = [state["version"] for state in states]
    assert versions == sorted(set(versions))
    for name in ("audio", "render", "transcribe", "analyse"):
        progress = [step(state, name)["progress"] for state in states]
        assert progress == sorted(progress)


async def test_words_are_shown_while_the_work_goes_on(client, done):
    _, states = await of_screen(client, done)
    early = [
        state
        for state in states
        if step(state, "transcribe")["status"] == "running" and state["results"].get("transcript", {}).get("segments")
    ]
    assert early, "no state carried segments before transcription had ended"


async def test_the_words_match(client, done):
    recording, _ = await of_screen(client, done)
    transcript = await client.call("GET", f"/api/v1/recordings/{recording['id']}/transcript")
    heard = plain(transcript["text"])
    assert difflib.SequenceMatcher(None, plain(OPENING), heard[: len(plain(OPENING))]).ratio() > 0.85
    assert transcript["language"] == "en"
    assert transcript["complete"] is True
    assert recording["transcript"]["language"] == "en"
    starts = [segment["start"] for segment in transcript["segments"]]
    assert starts == sorted(starts)


async def test_the_recording_says_what_it_is(client, done):
    recording, _ = await of_screen(client, done)
    assert recording["status"] == "completed"
    assert recording["duration_seconds"] == pytest.approx(44.9, abs=0.2)
    assert (recording["has_video"], recording["has_audio"]) == (True, True)
    assert {rendition["kind"] for rendition in recording["renditions"]} >= {"mp4", "m4a", "wav", "poster"}
    assert 4 <= len(recording["scenes"]) <= 6
    assert recording["thumbnails"]
    for name in ("summary", "action_items", "key_points", "sentiment"):
        assert recording["analyses"][name]["provider"]
    assert recording["analyses"]["summary"]["text"]
    assert recording["analyses"]["summary"]["citations"]


async def test_the_video_plays(client, done, tmp_path):
    recording, _ = await of_screen(client, done)
    urls = {rendition["kind"]: rendition["url"] for rendition in recording["renditions"]}
    await client.save(urls["mp4"], tmp_path / "video.mp4")
    with av.open(str(tmp_path / "video.mp4")) as video:
        assert [stream.codec_context.name for stream in video.streams] == ["h264", "aac"]
        assert video.duration / 1e6 == pytest.approx(44.9, abs=0.2)
        assert 1100 < sum(1 for _ in video.decode(video=0)) < 1300


async def test_a_range_of_a_rendition(client, done):
    recording, _ = await of_screen(client, done)
    url = next(entry["url"] for entry in recording["renditions"] if entry["kind"] == "wav")
    headers = {**client._headers, "Range": "bytes=0-43"}
    async with client._http.get(url, headers=headers) as response:
        assert response.status == 206
        head = await response.read()
    with av.open(io.BytesIO(head + b"\0" * 3200)) as sound:
        assert sound.streams.audio[0].rate == 16000


async def test_nobody_else_sees_it(platform, client, done):
    recording, states = await of_screen(client, done)
    paths = [
        f"/api/v1/recordings/{recording['id']}/",
        f"/api/v1/recordings/{recording['id']}/transcript",
        f"/api/v1/recordings/{recording['id']}/renditions/mp4",
        f"/api/v1/jobs/{states[-1]['id']}",
    ]
    async with aiohttp.ClientSession(platform.url) as stranger:
        for path in paths:
            async with stranger.get(path) as response:
                assert response.status == 401, path


async def test_what_happened_shows_in_the_account(client, done):
    recording, _ = await of_screen(client, done)
    async with asyncio.timeout(30):
        while not (usage := await client.call("GET", "/api/v1/account/usage"))["analyses"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # it is counted beside the work: no event tells when
    assert (usage["uploads"], usage["uploaded_bytes"]) == (1, recording["size_bytes"])
    assert usage["transcribed_seconds"] == pytest.approx(44.4, abs=0.2)
    activity = await client.call("GET", "/api/v1/account/activity")
    assert {entry["type"] for entry in activity["items"]} == {
        "recording.uploaded",
        "recording.transcribed",
        "recording.analysed",
    }
    streak = await client.call("GET", "/api/v1/account/streak")
    assert streak["current_days"] >= 1


async def test_video_that_plays_as_it_is_gets_copied(client):
    recording, states = await processed(client, SCREEN_H264)
    assert states[-1]["status"] == "completed"
    assert states[-1]["results"]["render"]["copied"] is True
    assert recording["duration_seconds"] == pytest.approx(20, abs=0.3)
