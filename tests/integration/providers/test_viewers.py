"""Media behind a viewer's page: found by yt-dlp in a child that can reach nothing but what may be downloaded."""

from contextlib import aclosing

import pytest
from aiohttp import web

from providers.child import Children
from providers.sources.viewers import find_media
from schemas.failures import Permanent
from tests.integration.providers.serving import Server, status

_PAGE = "<!doctype html><html><title>A lecture</title><video src='{0}' type='video/mp4'></video></html>"


@pytest.fixture
async def server():
    async with Server() as server:
        yield server


def page(server: Server, media: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=_PAGE.format(media), content_type="text/html")

    server.answers["/viewer"] = answer


async def found(url: str, *allowed) -> str:
    async with Children() as children, aclosing(children.run(find_media, url, allowed, timeout=60)) as messages:
        return await anext(messages)


async def test_the_media_of_a_page_is_found(server):
    page(server, "/film.mp4")
    assert await found(f"{server.url}/viewer", ("127.0.0.1", server.port)) == f"{server.url}/film.mp4"


async def test_a_page_inside_is_not_read(server):
    page(server, "/film.mp4")
    with pytest.raises(Permanent, match="download_refused"):
        await found(f"{server.url}/viewer", ("127.0.0.1", 1), ("127.0.0.1", None))
    assert server.asked == []


async def test_a_page_that_leads_inside_is_not_followed(server):
    async with Server() as inside:
        page(inside, "/film.mp4")
        server.answers["/viewer"] = status(302, Location=f"{inside.url}/viewer")
        with pytest.raises(Permanent, match="download_refused"):
            await found(f"{server.url}/viewer", ("127.0.0.1", server.port))
        assert inside.asked == []
