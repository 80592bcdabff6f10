"""The pages' files: what is served is in the folder, nothing else can be reached, nothing is fetched from outside."""

import gzip
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.binding import bind
from api.site import FOLDER, PAGES, Site, site

SOURCES = {name: file.body.decode() for name, file in site().files.items()}
MODULES = {name: text for name, text in SOURCES.items() if name.endswith(".js")}


@pytest.fixture
def app() -> web.Application:
    made = web.Application()
    bind(made, PAGES)
    return made


def test_every_module_and_style_that_is_named_is_there() -> None:
    page = SOURCES["index.html"]
    for name in re.findall(rf'"/web/{site().version}/([^"]+)"', page):
        assert name in site().files
    for name, text in MODULES.items():
        for wanted in re.findall(r'(?:from |import\()"([^"]+)"', text):
            assert (FOLDER / name).parent.joinpath(wanted).resolve().is_file(), (name, wanted)


def test_nothing_comes_from_outside_and_nothing_is_parsed_as_markup() -> None:
    for name, text in SOURCES.items():
        assert set(re.findall(r"https?://[^\s\"'`/)]+", text)) <= {"http://www.w3.org"}, name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|style=\"", text), name


def test_all_that_the_library_loads_is_small() -> None:
    assert sum(len(file.body) for file in site().files.values()) < 200_000
    assert max(text.count("\n") for text in SOURCES.values()) <= 300


def test_the_version_is_another_when_any_file_is(tmp_path) -> None:
    (tmp_path / "index.html").write_text("VERSION")
    (tmp_path / "notes.txt").write_text("kept out")
    before = Site(tmp_path)
    assert before.files.keys() == {"index.html"}
    assert before.files["index.html"].body.decode() == before.version
    (tmp_path / "a.js").write_text("export {}")
    assert Site(tmp_path).version != before.version


async def test_addresses_are_the_page_and_files_are_kept_for_ever(app) -> None:
    async with TestClient(TestServer(app)) as client:
        for path in ("/", "/sign-in", "/recordings/x", "/activity/"):
            answer = await client.get(path)
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert "'unsafe" not in answer.headers["Content-Security-Policy"]
        etag = answer.headers["ETag"]
        assert (await client.get("/", headers={"If-None-Match": etag})).status == 304
        plain = await client.get(f"/web/{site().version}/app.js", headers={"Accept-Encoding": "identity"})
        assert (await plain.read()).decode() == SOURCES["app.js"]
        assert "immutable" in plain.headers["Cache-Control"]
        assert (await client.get("/web/older/app.js")).headers["Cache-Control"] == "no-cache"
        assert gzip.decompress(site().files["app.js"].zipped) == site().files["app.js"].body


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "%2e%2e/pyproject.toml", "..%2fpyproject.toml", "index.html", "x"]
)
async def test_no_other_file_can_be_reached(app, path) -> None:
    async with TestClient(TestServer(app)) as client, client.get(f"/web/{site().version}/{path}") as answer:
        assert answer.status in (404, 500)  # 500: a Problem that nobody explains in this small application
        assert "hatchling" not in await answer.text()
