"""The resumable door and the clients that are really used: over a network that breaks, and an API that is killed."""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from tusclient.client import TusClient

from deploy.embedded.ports import HOST, free_ports
from deploy.embedded.process import PROJECT, Child, Program, python_module
from deploy.embedded.stack import Services
from schemas.ids import new_id
from schemas.settings import Settings
from stores.documents import connect, disconnect
from stores.jobs import Jobs
from stores.objects import Objects
from stores.recordings import Recordings
from stores.resumable import Arrivals
from tests.integration.api.cutting import cutting
from tests.integration.api.people import PASSWORD

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

NODE = PROJECT / "tests" / "node"
SIZE = 21_000_001
CUT = 6_500_000
HALF = 10_500_000


class Api:
    """A process of the API, and what lies behind it."""

    def __init__(self, services: Services, folder: Path) -> None:
        name = f"t{new_id().replace('-', '')}"
        (self.port,) = free_ports(1)
        self.environment = {**services.environment(), "MONGODB_DATABASE": name, "S3_BUCKET": name}
        self.settings = Settings.model_validate({key.lower(): value for key, value in self.environment.items()})
        self._program = Program(
            name="api",
            command=python_module("deploy.cli", "api"),
            log=folder / "api.log",
            environment={**self.environment, "PORT": str(self.port)},
        )
        self.token = ""

    async def start(self) -> None:
        self._child = await Child.start(self._program)
        await self._child.until_ready(self._ready, 60)

    async def stop(self) -> None:
        await self._child.stop()

    async def die_and_come_back(self) -> None:
        await self._child.kill()
        await self.start()

    async def _ready(self, seconds: float) -> bool:
        try:
            async with ClientSession() as http, http.get(f"{self.url}/health/ready") as response:
                return response.status == 200
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def sign_up(self) -> None:
        account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
        async with ClientSession(self.url) as http:
            async with http.post("/api/v1/auth/register", json=account) as response:
                assert response.status == 201
            async with http.post("/api/token", json=account) as response:
                self.token = (await response.json())["access"]

    async def offset(self, address: str) -> int:
        headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {self.token}"}
        async with ClientSession(self.url) as http, http.head(address, headers=headers) as response:
            return int(response.headers["Upload-Offset"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(services: Services, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    running = Api(services, tmp_path_factory.mktemp("api"))
    await running.start()
    try:
        await running.sign_up()
        yield running
    finally:
        await running.stop()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, webm: bytes) -> Path:
    file = tmp_path_factory.mktemp("file") / "talk.webm"
    file.write_bytes((webm + hashlib.shake_256(b"talk").digest(SIZE))[:SIZE])
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> Path:
    """tus-js-client, installed once into the cache."""
    lock = (NODE / "package-lock.json").read_bytes()
    home = PROJECT / ".cache" / "node" / hashlib.sha256(lock).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    for file in NODE.glob("*"):
        shutil.copy(file, home)
    if not (home / "node_modules" / ".package-lock.json").exists():  # which npm writes last
        shutil.copy(NODE / ".npmrc", home)
        await run(tool("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=home)
    return home


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


async def run(*command: str, cwd: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NODE_OPTIONS": "--use-system-ca"}  # a network's own authority counts
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode().strip()


async def by_javascript(api: Api, port: int, file: Path, node: Path, chunk: str) -> str:
    endpoint = f"http://{HOST}:{port}/api/v1/uploads/"
    return await run(tool("node"), "upload.mjs", endpoint, api.token, str(file), chunk, cwd=node)


async def by_python(api: Api, port: int, file: Path, chunk: int) -> str:
    client = TusClient(f"http://{HOST}:{port}/api/v1/uploads/", headers={"Authorization": f"Bearer {api.token}"})
    options: dict[str, Any] = {"chunk_size": chunk, "retries": 400, "retry_delay": 0.25, "upload_checksum": True}
    with file.open("rb") as sent:
        uploader = client.uploader(file_stream=sent, metadata={"filename": "talk.webm"}, **options)
        await asyncio.to_thread(uploader.upload)
    return str(uploader.url)


async def expect_taken_in(api: Api, address: str, file: Path) -> None:
    """The object is what was sent, byte for byte, nothing else is left, and the work has begun."""
    upload_id, database = address.rsplit("/", 1)[-1], connect(api.settings)
    try:
        recording = await Recordings(database).get(upload_id)
        assert recording is not None
        assert await Jobs(database).get(recording.job_id) is not None
        async with Objects(api.settings) as objects:
            assert await objects.keys(f"recordings/{upload_id}/") == [recording.object_key]
            assert await objects.read(recording.object_key) == file.read_bytes()
            assert await objects.open_uploads(recording.object_key) == []
    finally:
        disconnect(database)


@pytest.mark.parametrize("chunk", ["all", "1000000"])
async def test_javascript_over_a_network_that_breaks(api: Api, recording: Path, node: Path, chunk: str) -> None:
    async with cutting(api.port, CUT) as cutter:
        address = await by_javascript(api, cutter.port, recording, node, chunk)
        assert cutter.cuts >= 3
    await expect_taken_in(api, address, recording)


async def test_python_over_a_network_that_breaks(api: Api, recording: Path) -> None:
    async with cutting(api.port, CUT) as cutter:
        address = await by_python(api, cutter.port, recording, 4_000_000)
    await expect_taken_in(api, address, recording)


async def test_an_api_that_is_killed_in_the_middle_of_a_patch(api: Api, recording: Path, node: Path) -> None:
    async with cutting(api.port, HALF) as cutter:
        cutter.cut.clear()  # the request stands still in its middle, however fast or slow everything is
        sending = asyncio.create_task(by_javascript(api, cutter.port, recording, node, "all"))
        address, durable = await until_durable(api, sending)
        await api.die_and_come_back()
        assert await api.offset(address) >= durable
        cutter.cut.set()
        assert (await sending).endswith(address)
    await expect_taken_in(api, address, recording)


async def until_durable(api: Api, sending: asyncio.Task[str]) -> tuple[str, int]:
    """The address of the upload that is on its way, and how much of it is stored, once that is a part."""
    database = connect(api.settings)
    try:
        while not sending.done():
            async for found in Arrivals(database).ids():
                for upload in (await Arrivals(database).many(found)).values():
                    if upload.parts:
                        return f"/api/v1/uploads/{upload.id}", upload.offset
            await asyncio.sleep(0.05)
    finally:
        disconnect(database)
    raise AssertionError(f"it ended at {await sending}")
