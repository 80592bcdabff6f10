"""A recording is sent while it is made: heard as it comes, by whichever worker is there, and taken in at its end."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient

from api import keys, recorders, rights
from deploy.embedded.process import PROJECT
from schemas.jobs import Job
from schemas.recordings import RecordingStatus
from schemas.settings import Settings
from stores.closing import Closing
from tests.integration.api.conftest import MEDIA
from tests.integration.api.people import Person, expect_problem
from tests.integration.api.test_tus import add, begin, patch

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

PATIENCE = 80
_LIVE = "/api/v1/recordings/live"


def chunks(count: int) -> list[bytes]:
    """What a browser's recorder hands over in its first seconds."""
    data, sizes = (MEDIA / "screen-vp8.webm").read_bytes(), json.loads((MEDIA / "screen-vp8.chunks.json").read_text())
    ends = [sum(sizes["chunk_bytes"][:number]) for number in range(count + 1)]
    return [data[at:end] for at, end in pairwise(ends)]


class Workers:
    """Worker processes on the stores of the module."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        """One more."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "deploy.cli", "worker"), env=self._environment, stdout=log, stderr=log
            )
        self._processes.append(process)
        return process

    async def close(self) -> None:
        """Ends them all."""
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


@pytest_asyncio.fixture(loop_scope="module")
async def workers(services, settings: Settings, tmp_path: Path) -> AsyncIterator[Workers]:
    own = {"MONGODB_DATABASE": settings.mongodb_database, "S3_BUCKET": settings.s3_bucket, "PYTHONPATH": str(PROJECT)}
    quick = {"LEASE_SECONDS": "2", "SWEEP_SECONDS": "0.3", "SHUTDOWN_GRACE_SECONDS": "0", "TMPDIR": str(tmp_path)}
    made = Workers({**os.environ, **services.environment(), **own, **quick}, tmp_path / "log")
    yield made
    await made.close()


async def job_of(client: TestClient, recording_id: str) -> Job:
    recording = await client.app[keys.RECORDINGS].get(recording_id)
    job = await client.app[keys.JOBS].get(recording.job_id)
    assert job is not None
    return job


async def until(found: Any) -> Any:
    """The first true answer."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if answer := await found():
                return answer
            await asyncio.sleep(0.05)


async def watched(client: TestClient, person: Person, job_id: str) -> list[dict[str, Any]]:
    """Every state of the job that a watcher is sent, until the last."""
    async with client.ws_connect(f"/api/v1/jobs/{job_id}/ws", headers=person.headers) as socket:
        return [json.loads(message.data) async for message in socket]


def _uploaded(frame: dict[str, Any]) -> bool:
    return any("upload has ended" in line["message"] for line in frame["logs"])


def words(text: str) -> set[str]:
    return {word.strip(".,").lower() for word in text.split()}


async def test_it_is_heard_while_it_comes_though_its_worker_dies_and_its_recorder_vanishes(client, ada, workers):
    first = await workers.start()
    said = iter(chunks(44))
    address = await begin(ada, None, begun := next(said))
    recording_id, at = address.rsplit("/", 1)[-1], len(begun)
    assert (await ada.get(f"/api/v1/recordings/{recording_id}"))["status"] == "live"
    frames = asyncio.create_task(watched(client, ada, (await job_of(client, recording_id)).id))

    async def segments() -> list[dict[str, Any]]:
        results = (await job_of(client, recording_id)).results
        return list(results.get("transcript", {}).get("segments", ()))

    async def spoken_until(count: int) -> list[dict[str, Any]]:
        """The final segments, once there are so many: until then the recorder goes on, at its own pace."""
        nonlocal at
        async with asyncio.timeout(PATIENCE):
            while len(found := await segments()) < count:
                at = await add(ada, address, at, next(said, b"") or pytest.fail("nothing was heard"))
                await asyncio.sleep(1)
        return found

    async def claimed(fence: int) -> bool:
        return (await job_of(client, recording_id)).step("live").fence == fence

    await until(lambda: claimed(1))
    before = await spoken_until(2)
    first.kill()
    await first.wait()
    await workers.start()
    await until(lambda: claimed(2))
    await spoken_until(len(before) + 1)
    idle = client.app[keys.SETTINGS].model_copy(update={"live_idle_seconds": 0})
    assert await Closing(client.app[keys.DELETION], idle).run() == 1

    async def ended() -> bool:
        return (await job_of(client, recording_id)).status.ended

    await until(ended)
    shown = await asyncio.wait_for(frames, PATIENCE)
    assert [frame for frame in shown if frame["results"].get("live", {}).get("draft") and not _uploaded(frame)]
    versions = [frame["version"] for frame in shown]
    assert versions == sorted(set(versions))
    recording = await client.app[keys.RECORDINGS].get(recording_id)
    assert recording.status is RecordingStatus.COMPLETED
    assert {made.kind for made in recording.renditions} >= {"mp4", "wav"}
    transcript = await client.app[keys.TRANSCRIPTS].get(recording_id)
    assert transcript.complete
    assert [segment.id for segment in transcript.segments] == list(range(len(transcript.segments)))
    assert [segment.model_dump(exclude={"words"}) for segment in transcript.segments[: len(before)]] == before
    again = await ada.job("transcription", recording_id)

    async def heard_again() -> Any:
        return (await client.app[keys.JOBS].get(again)).status.ended

    await until(heard_again)
    usual, live = words((await client.app[keys.TRANSCRIPTS].get(recording_id)).text), words(transcript.text)
    assert len(usual & live) >= 0.7 * len(usual | live), (usual, live)
    await goes_on(client, ada, address, at, list(said)[:4])


async def goes_on(client: TestClient, ada: Person, address: str, at: int, rest: list[bytes]) -> None:
    """The recorder is back: all of it is one recording in the end, made anew under a job of its own."""
    before = await client.app[keys.RECORDINGS].get(address.rsplit("/", 1)[-1])
    asked = await ada.call("HEAD", address, headers={"Tus-Resumable": "1.0.0"})
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Defer-Length"]) == (str(at), "1")
    beginning = await client.app[keys.OBJECTS].read(before.object_key)
    for chunk in rest[:-1]:
        at = await add(ada, address, at, chunk)
    recording = await client.app[keys.RECORDINGS].get(before.id)
    assert (recording.status, before.job_id in recording.job_ids) == (RecordingStatus.LIVE, True)
    await add(ada, address, at, rest[-1], **{"Upload-Length": str(at + len(rest[-1]))})

    async def ended() -> bool:
        return (await job_of(client, before.id)).status.ended

    await until(ended)
    recording = await client.app[keys.RECORDINGS].get(before.id)
    assert recording.status is RecordingStatus.COMPLETED
    assert await client.app[keys.OBJECTS].read(recording.object_key) == beginning + b"".join(rest)
    assert recording.duration_seconds > before.duration_seconds + 2
    asked = await ada.call("HEAD", address, headers={"Tus-Resumable": "1.0.0"})
    assert asked.headers["Upload-Length"] == str(recording.size_bytes)


async def test_whoever_comes_back_to_what_was_closed_waits_for_what_is_made_of_it(client: TestClient, ada: Person):
    said = chunks(3)
    address = await begin(ada, None, said[0])
    recording_id = address.rsplit("/", 1)[-1]
    idle = client.app[keys.SETTINGS].model_copy(update={"live_idle_seconds": 0})
    assert await Closing(client.app[keys.DELETION], idle).run() == 1
    refused = await patch(ada, address, len(said[0]), said[1])
    assert (refused.status, (await refused.json())["code"]) == (423, "upload_locked")
    job = await job_of(client, recording_id)
    assert (await ada.call("POST", f"/api/v1/jobs/{job.id}/cancel")).status == 200
    assert (await patch(ada, address, 1, said[1])).status == 409
    async with client.ws_connect(_LIVE, headers=ada.headers) as socket:
        await socket.send_json({"type": "resume", "id": recording_id})
        resumed = await told(socket)
        assert (resumed["offset"], resumed["job_id"] == job.id) == (len(said[0]), False)
        await socket.send_bytes(said[1])
        await told(socket)
    again = await job_of(client, recording_id)
    assert (again.id, again.steps[0].name) == (resumed["job_id"], "live")
    assert await Closing(client.app[keys.DELETION], idle).run() == 1
    recording = await client.app[keys.RECORDINGS].get(recording_id)
    assert (recording.status, recording.size_bytes) == (RecordingStatus.PROCESSING, len(said[0]) + len(said[1]))
    assert await client.app[keys.OBJECTS].read(recording.object_key) == said[0] + said[1]
    ended = await patch(ada, address, recording.size_bytes, b"", **{"Upload-Length": str(recording.size_bytes)})
    assert ended.status == 204
    assert (await patch(ada, address, recording.size_bytes, said[2])).status == 410, "it was told that this was all"


async def told(socket: ClientWebSocketResponse) -> dict[str, Any]:
    message = await socket.receive(timeout=20)
    assert message.type is WSMsgType.TEXT, message
    found: dict[str, Any] = json.loads(message.data)
    return found


async def test_a_websocket_that_breaks_goes_on_where_it_was(client: TestClient, ada: Person):
    said, headers = chunks(3), ada.headers
    async with client.ws_connect(_LIVE, headers=headers) as socket:
        await socket.send_json({"type": "begin", "filename": "talk.webm", "title": "A talk"})
        begun = await told(socket)
        assert begun["offset"] == 0
        await socket.send_bytes(said[0])
        assert (await told(socket))["offset"] == len(said[0])
    recording = await ada.get(f"/api/v1/recordings/{begun['id']}")
    assert (recording["status"], recording["title"], recording["source"]) == ("live", "A talk", "websocket")
    assert (await ada.get(f"/api/v1/jobs/{begun['job_id']}"))["steps"][0]["name"] == "live"
    async with client.ws_connect(_LIVE, headers=headers) as socket:
        await socket.send_json({"type": "resume", "id": begun["id"]})
        assert (await told(socket))["offset"] == len(said[0])
        for chunk in said[1:]:
            await socket.send_bytes(chunk)
            await told(socket)
        await socket.send_json({"type": "stop"})
        assert (await told(socket))["type"] == "ended"
    found = await client.app[keys.RECORDINGS].get(begun["id"])
    assert found.status is RecordingStatus.PROCESSING
    assert await client.app[keys.OBJECTS].keys(f"recordings/{found.id}/") == [found.object_key]
    assert await client.app[keys.OBJECTS].read(found.object_key) == b"".join(said)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "resume", "id": "0199e2a4-7c1e-7d32-9a41-5be2f03c11aa"}, "not_found"),
        ({"type": "begin", "fps": -1}, "invalid_field"),
        ({"type": "stop"}, "invalid_field"),
    ],
)
async def test_a_websocket_is_told_what_is_wrong(client: TestClient, ada: Person, first, code):
    async with client.ws_connect(_LIVE, headers=ada.headers) as socket:
        await socket.send_json(first)
        refused = await told(socket)
        assert (refused["type"], refused["problem"]["code"]) == ("refused", code)
        assert (await socket.receive(timeout=5)).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def test_anothers_recording_is_not_there(client: TestClient, ada: Person, bob: Person):
    address = await begin(ada, None, chunks(1)[0])
    async with client.ws_connect(_LIVE, headers=bob.headers) as socket:
        await socket.send_json({"type": "resume", "id": address.rsplit("/", 1)[-1]})
        assert (await told(socket))["problem"]["code"] == "not_found"


async def refused(socket: ClientWebSocketResponse) -> str:
    """The code of the problem that is told last."""
    async with asyncio.timeout(20):
        while (message := await told(socket))["type"] != "refused":
            pass
    assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
    assert socket.close_code == WSCloseCode.POLICY_VIOLATION
    return str(message["problem"]["code"])


async def test_a_recorder_that_falls_silent_is_sent_away_and_may_resume(client: TestClient, ada: Person, monkeypatch):
    (said,) = chunks(1)
    quick = client.app[keys.SETTINGS].model_copy(update={"live_idle_seconds": 1})
    with monkeypatch.context() as patched:
        patched.setitem(client.app._state, keys.SETTINGS, quick)
        async with client.ws_connect(_LIVE, headers=ada.headers) as socket:
            await socket.send_json({"type": "begin", "filename": "talk.webm"})
            begun = await told(socket)
            await socket.send_bytes(said)
            assert await refused(socket) == "request_timeout"
    async with client.ws_connect(_LIVE, headers=ada.headers) as socket:
        await socket.send_json({"type": "resume", "id": begun["id"]})
        assert (await told(socket))["offset"] == len(said)


@pytest.mark.parametrize("silent", [True, False])
async def test_a_recorder_whose_right_ends_is_sent_away(client: TestClient, monkeypatch, silent: bool):
    monkeypatch.setattr(rights, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(recorders, "_LOOK_SECONDS", 0.05)
    eve = await Person.register(client, f"eve-who-records-{silent}")
    async with client.ws_connect(_LIVE, headers=eve.headers) as socket:
        await socket.send_json({"type": "begin", "filename": "talk.webm"})
        begun = await told(socket)
        if silent:
            assert (await eve.call("POST", "/api/v1/auth/logout")).status == 204
        else:
            assert (await eve.call("DELETE", f"/api/v1/recordings/{begun['id']}/")).status == 204
        assert await refused(socket) == ("token_invalid" if silent else "not_found")


async def test_messages_are_small_and_recorders_few(client: TestClient, ada: Person, monkeypatch):
    monkeypatch.setattr(client.app[keys.RECORDERS], "_most_of_one", 1)
    async with client.ws_connect(_LIVE, headers=ada.headers) as socket:
        await expect_problem(await ada.call("GET", _LIVE), "too_many_watchers")
        await socket.send_json({"type": "begin", "filename": "talk.webm"})
        await told(socket)
        await socket.send_bytes(bytes(recorders.MESSAGE_BYTES + 1))
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == WSCloseCode.MESSAGE_TOO_BIG
