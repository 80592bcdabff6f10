"""Media that are read straight from the object store's addresses: by ranges, and never from anywhere else."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from schemas.failures import Retryable
from streams.media.probe import probe
from tests.media.make import SCREEN_H264, flash_and_beep

ASKED = web.AppKey("asked", list)


@pytest.fixture
async def server(tmp_path):
    film = flash_and_beep(tmp_path / "late-moov.mp4", 1.0, video="libx264", audio="aac")
    asked: list[str] = []

    async def file(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.FileResponse(film if request.path == "/film" else SCREEN_H264)

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/inside")

    app = web.Application()
    app.router.add_get("/film", file)
    app.router.add_get("/screen", file)
    app.router.add_get("/inside", file)
    app.router.add_get("/elsewhere", elsewhere)
    app[ASKED] = asked
    async with TestServer(app) as server:
        yield server


async def test_a_file_with_its_index_at_the_end_is_read_by_ranges(server):
    found = await asyncio.to_thread(probe, str(server.make_url("/film")))
    assert (found.has_video, found.has_audio) == (True, True)
    assert found.duration_seconds == pytest.approx(4, abs=0.1)


async def test_a_recording_is_read(server):
    assert (await asyncio.to_thread(probe, str(server.make_url("/screen")))).video_codec == "h264"


async def test_a_redirect_is_not_followed(server):
    with pytest.raises(Retryable) as refused:
        await asyncio.to_thread(probe, str(server.make_url("/elsewhere")))
    assert refused.value.code == "source_unreadable"
    assert server.app[ASKED] == []


async def test_what_is_not_there_may_come_back(server):
    with pytest.raises(Retryable) as away:
        await asyncio.to_thread(probe, str(server.make_url("/gone")))
    assert away.value.code == "source_unreadable"
