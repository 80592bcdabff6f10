"""What a project holds: listed, measured from documents, and deleted as a whole."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from schemas.media import Rendition, RenditionKind
from stores import keys as layout
from tests.integration.api.people import Person, expect_problem, first_fence, unknown
from tests.work import jobs_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMPTY = {
    "recordings": 0,
    "by_status": {},
    "originals_bytes": 0,
    "renditions_bytes": 0,
    "by_rendition": {},
    "total_bytes": 0,
}


async def rendered(client: TestClient, address: dict[str, Any], content: bytes) -> None:
    key = layout.rendition(address["id"], "video.mp4")
    await client.app[keys.OBJECTS].put(key, content, "video/mp4")
    made = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=len(content), key=key)
    fence = first_fence(address)
    await client.app[keys.RECORDINGS].add_rendition(address["id"], "render", fence, made)


async def test_a_projects_videos_are_listed(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-videos")
    first = await eve.upload(webm, project_id="web", title="Plan", filename="plan.webm")
    second = await eve.announce(10, project_id="web")
    other = await eve.announce(10, project_id="app")
    listed = await eve.get("/projects/web/videos/")
    assert [entry["asset_id"] for entry in listed["items"]] == [second["id"], first["id"]]
    shown = listed["items"][1]
    assert (shown["id"], shown["original_filename"], shown["project_id"]) == (first["id"], "plan.webm", "web")
    assert shown["size_bytes"] == len(webm)
    page = await eve.get("/projects/web/videos", params={"limit": "1"})
    rest = await eve.get("/projects/web/videos", params={"limit": "1", "cursor": page["next_cursor"]})
    assert [entry["id"] for entry in rest["items"]] == [first["id"]]
    assert rest["next_cursor"] is None
    for query in ({"q": "plan"}, {"status": "processing"}):
        found = await eve.get("/projects/web/videos", params=query)
        assert [entry["id"] for entry in found["items"]] == [first["id"]]
    assert (await eve.get("/projects/none/videos"))["items"] == []
    assert [entry["id"] for entry in (await eve.get("/projects/app/videos"))["items"]] == [other["id"]]


async def test_a_video_is_found_in_its_own_project_alone(client: TestClient, ada: Person, bob: Person) -> None:
    address = await ada.announce(10, project_id="web")
    place = f"/projects/web/videos/{address['id']}"
    assert await ada.get(place) == await ada.get(f"/api/v1/recordings/{address['id']}")
    for person, path in (
        (bob, place),
        (ada, f"/projects/app/videos/{address['id']}"),
        (ada, f"/projects/web/videos/{unknown()}"),
    ):
        for method in ("GET", "DELETE"):
            await expect_problem(await person.call(method, path), "not_found")
    assert (await ada.call("DELETE", place)).status == 204
    await expect_problem(await ada.call("GET", place), "not_found")


async def test_what_is_stored_is_summed_up(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-stats")
    assert await eve.get("/storage/stats") == {"project_id": None, **EMPTY}
    await rendered(client, await eve.upload(webm, project_id="web"), b"x" * 100)
    await eve.upload(webm)
    await eve.announce(5000, project_id="web")
    web = await eve.get("/projects/web/storage/stats/")
    assert web == {
        "project_id": "web",
        "recordings": 2,
        "by_status": {"processing": 1, "awaiting_upload": 1},
        "originals_bytes": len(webm),
        "renditions_bytes": 100,
        "by_rendition": {"mp4": 100},
        "total_bytes": len(webm) + 100,
    }
    everything = await eve.get("/storage/stats")
    assert (everything["recordings"], everything["total_bytes"]) == (3, 2 * len(webm) + 100)
    assert await eve.get("/projects/none/storage/stats") == {"project_id": "none", **EMPTY}
    await expect_problem(await eve.call("GET", "/projects/a%20b/storage/stats"), "invalid_field", "project_id")


async def test_a_project_is_deleted_with_all_that_it_holds_and_nothing_else(
    client: TestClient, bob: Person, webm: bytes
) -> None:
    eve, app = await Person.register(client, "eve-clear"), client.app
    gone = [await eve.upload(webm, project_id="web") for _ in range(2)]
    gone += [await eve.announce(10, project_id="web") for _ in range(9)]
    await rendered(client, gone[0], b"x" * 100)
    kept = [await eve.upload(webm, project_id="app"), await eve.upload(webm)]
    foreign = await bob.upload(webm, project_id="web")
    response = await eve.call("DELETE", "/projects/web/storage")
    assert response.status == 200
    assert await response.json() == {"project_id": "web", "recordings": 11, "total_bytes": 2 * len(webm) + 100}
    assert await eve.get("/projects/web/storage/stats") == {"project_id": "web", **EMPTY}
    for address in gone:
        assert await app[keys.OBJECTS].keys(layout.recording_prefix(address["id"])) == []
        assert await app[keys.RECORDINGS].stored(address["id"]) is None
        assert await jobs_of(app[keys.JOBS], address["id"]) == []
    assert {entry["id"] for entry in (await eve.get("/api/v1/recordings"))["items"]} == {one["id"] for one in kept}
    assert (await bob.get(f"/projects/web/videos/{foreign['id']}"))["id"] == foreign["id"]
    again = await eve.call("DELETE", "/projects/web/storage/")
    assert await again.json() == {"project_id": "web", "recordings": 0, "total_bytes": 0}


async def test_a_deletion_that_broke_off_is_brought_to_its_end_by_a_repeat(client: TestClient, webm: bytes) -> None:
    eve, app = await Person.register(client, "eve-again"), client.app
    first, second = [await eve.upload(webm, project_id="web") for _ in range(2)]
    for address in (first, second):
        recording = await app[keys.RECORDINGS].get(address["id"])
        assert recording is not None
        await app[keys.RECORDINGS].mark_deleted(recording)
        await expect_problem(await eve.call("GET", f"/api/v1/recordings/{address['id']}"), "not_found")
    assert await eve.get("/projects/web/storage/stats") == {"project_id": "web", **EMPTY}
    assert (await eve.call("DELETE", f"/projects/web/videos/{first['id']}")).status == 204
    assert (await (await eve.call("DELETE", "/projects/web/storage")).json())["recordings"] == 1
    for address in (first, second):
        assert await app[keys.OBJECTS].keys(layout.recording_prefix(address["id"])) == []
        assert await app[keys.JOBS].get(address["job_id"]) is None
        assert await app[keys.RECORDINGS].stored(address["id"]) is None


async def test_who_deletes_at_the_same_time_gets_the_same(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-twice")
    for _ in range(3):
        await eve.upload(webm, project_id="web")
    answers = await asyncio.gather(*(eve.call("DELETE", "/projects/web/storage") for _ in range(3)))
    assert {answer.status for answer in answers} == {200}
    assert (await eve.get("/api/v1/recordings"))["items"] == []


async def test_nobody_deletes_a_project_with_a_cookie_from_elsewhere(client: TestClient, ada: Person) -> None:
    cookie = {"Cookie": f"__session={ada.tokens['access']}", "Origin": "https://evil.example"}
    response = await client.delete("/projects/web/storage", headers=cookie)
    await expect_problem(response, "origin_refused")
