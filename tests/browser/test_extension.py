"""The extension in a real Chromium, on the real stores: what is recorded arrives, whatever happens on its way."""

import asyncio
import io
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Page, async_playwright, expect

from api import keys
from api.app import make_app
from deploy.embedded.process import PROJECT
from deploy.embedded.stack import Services
from schemas.recordings import Recording, RecordingStatus
from stores.objects import Objects
from tests.browser.browsing import TALK
from tests.browser.lines import Line
from tests.browser.recorders import ACCEPTING, PATIENCE_MS, Recorder
from tests.buckets import remove_bucket
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import PASSWORD, Person, until_ready
from tests.integration.api.test_live import Workers

KNOWN = re.compile("worst of times|age of wisdom|age of foolishness|epoch of belief", re.IGNORECASE)
"""Some of what the talk says."""
SCOPES = ["uploads:read", "uploads:write", "recordings:read", "jobs:read", "tickets:write"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(services: Services) -> AsyncIterator[TestClient]:
    settings = settings_for(services, cors_origins="")
    async with TestClient(TestServer(make_app(settings))) as made:
        await until_ready(made)
        yield made
    remove_bucket(settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(client: TestClient) -> Person:
    return await Person.register(client, "ada")


@pytest_asyncio.fixture(loop_scope="module")
async def line(client: TestClient) -> AsyncIterator[Line]:
    line = Line(client.port)
    await line.mend()
    yield line
    await line.cut()


@pytest_asyncio.fixture(loop_scope="module")
async def recorder(line: Line, tmp_path: Path) -> AsyncIterator[Recorder]:
    async with async_playwright() as playwright:
        recorder = Recorder(playwright, tmp_path, line.url)
        await recorder.start()
        try:
            yield recorder
        finally:
            await recorder.close()


async def choose_server(recorder: Recorder, line: Line) -> Page:
    options = await recorder.page("options.html")
    await options.get_by_label("Address").fill(line.url)
    await options.get_by_role("button", name="Use this server").click()
    await expect(options.get_by_role("status")).to_have_text("The server is set.")
    return options


async def sign_in(recorder: Recorder, line: Line) -> None:
    options = await choose_server(recorder, line)
    await options.get_by_label("User name").fill("ada")
    await options.get_by_label("Password").fill(PASSWORD)
    await options.get_by_role("button", name="Sign in").click()
    await expect(options.get_by_text("You are signed in at")).to_be_visible()
    await options.close()


async def begin(recorder: Recorder, title: str, *, sound: bool = True) -> Page:
    popup = await recorder.page("popup.html")
    await popup.get_by_label("Title").fill(title)
    await popup.get_by_label("Its sound").set_checked(sound)
    await popup.get_by_text("Screen", exact=True).click()
    await popup.get_by_role("button", name="Begin to record").click()
    await expect(popup.get_by_role("button", name="Stop and keep")).to_be_enabled(timeout=PATIENCE_MS)
    return popup


async def until_stored(recorder: Recorder, count: int) -> list[tuple[int, bytes]]:
    """The chunks on disk, once there are so many."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            if len(chunks := await recorder.chunks()) >= count:
                return chunks
            await asyncio.sleep(0.2)


async def stored(client: TestClient, owner: Person) -> list[Recording]:
    listed = await (await owner.call("GET", "/api/v1/recordings")).json()
    return [await client.app[keys.RECORDINGS].get(item["id"]) for item in listed["items"]]


async def offset(client: TestClient, recording: Recording) -> int:
    """How much of it counts. To ask by HEAD would disturb whoever is sending."""
    found = await client.app[keys.ASSEMBLY].arrivals.get(recording.id)
    return found.offset if found else 0


async def until_sent(client: TestClient, owner: Person) -> int:
    """How much has arrived, once something has."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            for recording in await stored(client, owner):
                if found := await offset(client, recording):
                    return found
            await asyncio.sleep(0.2)


async def until_taken_in(client: TestClient, owner: Person) -> Recording:
    """The only recording, once the server has all of it and has begun to work on it."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            (recording,) = await stored(client, owner)
            if recording.status not in (RecordingStatus.AWAITING_UPLOAD, RecordingStatus.LIVE):
                return recording
            await asyncio.sleep(0.2)


async def received(client: TestClient, recording: Recording) -> bytes:
    async with Objects(client.app[keys.SETTINGS]) as objects:
        return await objects.read(recording.object_key)


def expect_plays(data: bytes) -> None:
    """There is a picture that has a size, and sound that is no silence."""
    with av.open(io.BytesIO(data)) as container:
        frames = list(container.decode(video=0))
    with av.open(io.BytesIO(data)) as container:
        loudest = max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0))
    assert frames
    assert frames[0].width > 100
    assert loudest > 0.01


async def test_a_recording_outlives_its_network_its_service_worker_and_its_browser(
    client: TestClient, ada: Person, line: Line, recorder: Recorder
) -> None:
    await sign_in(recorder, line)
    popup = await begin(recorder, "The weekly meeting")
    await until_sent(client, ada)
    await recorder.suspend_service_worker(popup)
    await line.cut()
    before = await recorder.chunks()
    kept = await until_stored(recorder, len(before) + 3)
    await recorder.kill()

    await recorder.start()
    chunks = await recorder.chunks()
    assert chunks[: len(kept)] == kept  # what was on disk once is on disk for good
    (recording,) = await stored(client, ada)
    assert 0 < await offset(client, recording) < sum(len(data) for _, data in chunks)

    await line.mend()
    recording = await until_taken_in(client, ada)  # with nobody who opens the popup
    sent = await received(client, recording)
    assert sent == b"".join(data for _, data in chunks)
    assert (recording.title, recording.quality, recording.fps) == ("The weekly meeting", "medium", 15)
    assert recording.has_microphone
    assert recording.has_system_audio
    expect_plays(sent)
    popup = await recorder.page("popup.html")
    await expect(popup.get_by_text("Kept by the server")).to_be_visible()
    assert await recorder.chunks() == []  # only now
    link = popup.get_by_role("link", name="The weekly meeting")
    assert await link.get_attribute("href") == f"{line.url}/recordings/{recording.id}"


@pytest_asyncio.fixture(loop_scope="module")
async def bob(client: TestClient) -> Person:
    return await Person.register(client, "bob")


async def use_key(recorder: Recorder, line: Line, owner: Person) -> str:
    made = await owner.call("POST", "/api/v1/api-keys", json={"name": "Recorder", "scopes": SCOPES})
    key = str((await made.json())["secret"])
    options = await choose_server(recorder, line)
    await options.get_by_label("API key").fill(key)
    await options.get_by_role("button", name="Use this key").click()
    await expect(options.get_by_text("An API key is used at")).to_be_visible()
    await options.close()
    return key


async def test_with_a_key_and_a_link_the_moment_it_stops(
    client: TestClient, bob: Person, line: Line, recorder: Recorder
) -> None:
    key = await use_key(recorder, line, bob)
    popup = await begin(recorder, "A short word")
    await until_sent(client, bob)
    await expect(popup.get_by_role("log")).to_be_visible()
    await line.cut()
    await expect(popup.get_by_text("The server cannot be reached")).to_be_visible(timeout=PATIENCE_MS)
    await popup.get_by_role("button", name="Stop and keep").click()
    (recording,) = await stored(client, bob)
    assert recording.status is RecordingStatus.LIVE
    link = popup.get_by_role("list", name="The last recording").get_by_role("link", name="A short word")
    assert await link.get_attribute("href") == f"{line.url}/recordings/{recording.id}"
    await expect(popup.get_by_role("button", name="Begin to record")).to_be_visible()

    chunks = await recorder.chunks()
    await line.mend()
    await popup.get_by_role("button", name="Try again").click()
    await expect(popup.get_by_text("Kept by the server")).to_be_visible(timeout=PATIENCE_MS)
    assert await received(client, recording) == b"".join(data for _, data in chunks)
    assert await recorder.chunks() == []
    assert not any(key.encode() in asked for asked in line.first_lines)


@pytest_asyncio.fixture(loop_scope="module")
async def worker(services: Services, client: TestClient, tmp_path: Path) -> AsyncIterator[None]:
    """Somebody who listens."""
    settings = client.app[keys.SETTINGS]
    own = {"MONGODB_DATABASE": settings.mongodb_database, "S3_BUCKET": settings.s3_bucket, "PYTHONPATH": str(PROJECT)}
    quick = {"SHUTDOWN_GRACE_SECONDS": "0", "TMPDIR": str(tmp_path)}
    workers = Workers({**os.environ, **services.environment(), **own, **quick}, tmp_path / "log")
    await workers.start()
    yield
    await workers.close()


def spoken(file: Path) -> Path:
    """The sound of a talk as a WAV file, for a microphone to hear."""
    with av.open(str(TALK)) as talk, av.open(str(file), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for frame in talk.decode(audio=0):
            for sound in resampler.resample(frame):
                out.mux(stream.encode(sound))
    return file


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("worker")
async def test_what_is_said_is_read_while_it_is_recorded(client: TestClient, line: Line, tmp_path: Path) -> None:
    eve = await Person.register(client, "eve")
    hearing = f"--use-file-for-fake-audio-capture={spoken(tmp_path / 'talk.wav')}%noloop"
    async with async_playwright() as playwright:
        recorder = Recorder(playwright, tmp_path, line.url, (*ACCEPTING, hearing))
        await recorder.start()
        try:
            await use_key(recorder, line, eve)
            popup = await begin(recorder, "A talk", sound=False)
            heard = popup.get_by_role("log")
            await expect(heard).to_contain_text(KNOWN, timeout=80_000)
            await expect(popup.get_by_role("button", name="Stop and keep")).to_be_visible()
            await popup.get_by_role("button", name="Stop and keep").click()
            link = popup.get_by_role("list", name="The last recording").get_by_role("link", name="A talk")
            await expect(link).to_be_visible(timeout=PATIENCE_MS)
            await expect(heard).to_contain_text(KNOWN)
            (recording,) = await stored(client, eve)
            assert await link.get_attribute("href") == f"{line.url}/recordings/{recording.id}"
            assert not recording.has_system_audio
        finally:
            await recorder.close()
