"""Recordings: listed, read, changed and deleted by their owner alone; their transcript and bytes in every form."""

import hashlib
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from api import keys
from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.media import Rendition, RenditionKind, Thumbnail
from schemas.transcripts import Segment
from stores import keys as layout
from tests.integration.api.people import Person, advance, expect_problem, failed, first_fence, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTING = "/api/v1/recordings/"
VIDEO = bytes(range(256)) * 4000
ANALYSES = Analyses(
    summary=Summary(text="All is well.", provider="test"),
    action_items=ActionItems(provider="test"),
    key_points=KeyPoints(provider="test"),
    sentiment=Sentiment(provider="test", label="positive", score=0.5),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(client: TestClient, ada: Person, webm: bytes) -> str:
    """A recording of which everything is there, as the pipeline would have left it."""
    address = await ada.upload(webm, filename="Zoë's «talk».webm", title="Zoë's talk")
    recording_id, fence, app = address["id"], first_fence(address), client.app
    video, picture = layout.rendition(recording_id, "video.mp4"), layout.thumbnail(recording_id, 0)
    await app[keys.OBJECTS].put(video, VIDEO, "video/mp4")
    await app[keys.OBJECTS].put(picture, b"\xff\xd8\xff picture", "image/jpeg")
    rendition = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=len(VIDEO), key=video)
    thumbnail = Thumbnail(at=1.5, key=picture, width=320, height=180)
    await app[keys.RECORDINGS].add_rendition(recording_id, "render", fence, rendition)
    fields: dict[str, Any] = {"thumbnails": [thumbnail.model_dump()], "duration_seconds": 45.2, "has_video": True}
    await app[keys.RECORDINGS].write(recording_id, "render", fence, fields)
    await transcribed(app, recording_id, fence)
    await app[keys.ANALYSES].put(recording_id, fence, ANALYSES)
    return str(recording_id)


async def transcribed(app: Any, recording_id: str, fence: str, *, whole: bool = True) -> None:
    segment = Segment(id=0, start=0.4, end=2.1, speaker="Ada", text="1 < 2 & so on")
    await app[keys.TRANSCRIPTS].begin(recording_id, fence, "test")
    await app[keys.TRANSCRIPTS].write(recording_id, fence, 0, [segment])
    if whole:
        await app[keys.TRANSCRIPTS].finish(recording_id, fence, "test", "en")


async def test_everything_that_is_ready_is_shown_and_no_storage_detail(ada: Person, made: str) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/")
    shown, path = await response.json(), f"/api/v1/recordings/{made}"
    assert (shown["status"], shown["duration_seconds"], shown["title"]) == ("processing", 45.2, "Zoë's talk")
    assert [(entry["kind"], entry["url"]) for entry in shown["renditions"]] == [
        ("mp4", f"{path}/renditions/mp4"),
        ("original", f"{path}/renditions/original"),
    ]
    assert shown["thumbnails"] == [{"at": 1.5, "width": 320, "height": 180, "url": f"{path}/thumbnails/0"}]
    assert shown["transcript"] == {"language": "en", "complete": True, "url": f"{path}/transcript"}
    assert set(shown["analyses"]) == {"summary", "action_items", "key_points", "sentiment"}
    assert shown["analyses"]["summary"]["text"] == "All is well."
    text = await response.text()
    assert not any(word in text for word in ("object_key", "s3", "fence", '"key"', "owner_id"))


async def test_pages_are_newest_first_and_whole(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-pages")
    ids = [(await eve.announce(10, title=f"Talk {number}"))["id"] for number in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        page = await eve.get(LISTING, params={"limit": "2"} | ({"cursor": cursor} if cursor else {}))
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]
    assert cursor is None


async def test_a_list_can_be_filtered(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-filters")
    kept = (await eve.upload(webm, title="Release (v1.0) plan", project_id="web"))["id"]
    other = (await eve.announce(10, title="Other", project_id="app"))["id"]

    async def found(**query: str) -> list[str]:
        return [entry["id"] for entry in (await eve.get(LISTING, params=query))["items"]]

    assert await found(q="release (V1.0)") == [kept]
    assert await found(q="v1x0") == []
    assert await found(q=".*") == []
    assert await found(project_id="app") == [other]
    assert await found(status="processing") == [kept]
    assert await found(status="awaiting_upload", project_id="web") == []
    assert await found() == [other, kept]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "../x"}, "cursor"),
        ({"status": "lost"}, "status"),
        ({"project_id": "a/b"}, "project_id"),
    ],
)
async def test_a_wrong_filter_is_named(ada: Person, query: dict[str, str], field: str) -> None:
    await expect_problem(await ada.call("GET", LISTING, params=query), "invalid_field", field)


async def test_nobody_else_sees_it(bob: Person, made: str) -> None:
    assert (await bob.get(LISTING))["items"] == []
    for identifier in (made, unknown(), "..", "%00"):
        for path in ("", "/status", "/transcript", "/renditions/mp4", "/thumbnails/0"):
            response = await bob.call("GET", f"/api/v1/recordings/{identifier}{path}")
            assert response.status == 404
    await expect_problem(await bob.call("DELETE", f"{LISTING}{made}"), "not_found")
    await expect_problem(await bob.call("PATCH", f"{LISTING}{made}", json={"title": "Mine"}), "not_found")


async def test_a_title_can_be_changed(ada: Person) -> None:
    path = f"{LISTING}{(await ada.announce(10))['id']}"
    response = await ada.call("PATCH", path, json={"title": "  A\tnew\u202e title ", "status": "completed"})
    assert response.status == 200
    changed = await ada.get(path)
    assert (changed["title"], changed["status"]) == ("A new title", "awaiting_upload")
    for body in ({"title": ""}, {"title": 5}, {"title": "x" * 201}):
        await expect_problem(await ada.call("PATCH", path, json=body), "invalid_field", "title")


async def test_the_state_tells_progress_and_failure(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm)
    state = await ada.get(f"{LISTING}{address['id']}/status/")
    assert state == {
        "id": address["id"],
        "status": "processing",
        "progress": 0,
        "job_id": address["job_id"],
        "error": None,
    }
    await advance(client.app, address["job_id"], failed)
    state = await ada.get(f"{LISTING}{address['id']}/status")
    assert (state["status"], state["error"]["code"]) == ("failed", "undecodable")


async def test_a_transcript_in_every_form(ada: Person, made: str) -> None:
    path = f"{LISTING}{made}/transcript"
    whole = await ada.get(path)
    assert (whole["language"], whole["complete"], whole["text"]) == ("en", True, "1 < 2 & so on")
    assert whole["segments"][0]["speaker"] == "Ada"
    expected = {
        "txt": ("text/plain", "Ada: 1 < 2 & so on\n"),
        "srt": ("application/x-subrip", "1\n00:00:00,400 --> 00:00:02,100\nAda: 1 < 2 & so on\n\n"),
        "vtt": ("text/vtt", "WEBVTT\n\n0\n00:00:00.400 --> 00:00:02.100\n<v Ada>1 &lt; 2 &amp; so on\n\n"),
    }
    for name, (content_type, text) in expected.items():
        response = await ada.call("GET", path, params={"format": name})
        assert (response.content_type, response.charset) == (content_type, "utf-8")
        assert await response.text() == text
        assert response.headers["Content-Disposition"].endswith(f"''Zo%C3%AB%27s%20talk.{name}")
    await expect_problem(await ada.call("GET", path, params={"format": "doc"}), "invalid_field", "format")


async def test_a_transcript_that_grows_or_is_not_there(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm)
    path = f"{LISTING}{address['id']}"
    response = await ada.call("GET", f"{path}/transcript")
    await expect_problem(response, "not_ready")
    assert response.status == 409
    await transcribed(client.app, address["id"], first_fence(address), whole=False)
    assert (await ada.get(f"{path}/transcript"))["complete"] is False
    assert (await ada.get(path))["transcript"]["complete"] is False


async def test_a_whole_transcript_stays_until_another_is_whole(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm)
    path = f"{LISTING}{address['id']}"
    await transcribed(client.app, address["id"], first_fence(address))
    whole = await ada.get(f"{path}/transcript")
    await transcribed(client.app, address["id"], f"{unknown()}/00000001", whole=False)
    assert await ada.get(f"{path}/transcript") == whole
    assert (await ada.get(path))["transcript"]["complete"] is True


async def test_a_rendition_is_served_whole(ada: Person, made: str) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/renditions/mp4")
    assert response.status == 200
    assert hashlib.sha256(await response.read()).digest() == hashlib.sha256(VIDEO).digest()
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Disposition"].startswith("inline; ")
    assert response.content_type == "video/mp4"


@pytest.mark.parametrize(
    ("header", "first", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-", 1000, len(VIDEO) - 1000),
        ("bytes=-7", len(VIDEO) - 7, 7),
        ("bytes=5-9", 5, 5),
    ],
)
async def test_a_range_is_served(ada: Person, made: str, header: str, first: int, length: int) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/renditions/mp4", headers={"Range": header})
    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{first + length - 1}/{len(VIDEO)}"
    assert await response.read() == VIDEO[first : first + length]


async def test_a_range_outside_the_object(ada: Person, made: str) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/renditions/mp4", headers={"Range": f"bytes={len(VIDEO)}-"})
    await expect_problem(response, "range_not_satisfiable")
    assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{len(VIDEO)}")


async def test_head_and_etag(ada: Person, made: str) -> None:
    path = f"{LISTING}{made}/renditions/mp4"
    head = await ada.call("HEAD", path)
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(VIDEO)), b"")
    etag = head.headers["ETag"]
    same = await ada.call("GET", path, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (same.status, await same.read()) == (304, b"")
    for condition, status in ((etag, 206), ('"another"', 200)):
        response = await ada.call("GET", path, headers={"Range": "bytes=0-9", "If-Range": condition})
        assert response.status == status
        response.close()


async def test_the_original_is_a_download_of_its_real_type(ada: Person, made: str, webm: bytes) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/renditions/original/")
    assert await response.read() == webm
    assert response.content_type in ("video/webm", "video/x-matroska")
    assert response.headers["Content-Disposition"].startswith("attachment; ")


async def test_a_thumbnail(ada: Person, made: str) -> None:
    response = await ada.call("GET", f"{LISTING}{made}/thumbnails/0")
    assert (response.content_type, await response.read()) == ("image/jpeg", b"\xff\xd8\xff picture")
    for number in ("1", "-1", "x", "99999999999"):
        await expect_problem(await ada.call("GET", f"{LISTING}{made}/thumbnails/{number}"), "not_found")


@pytest.mark.parametrize(("kind", "code"), [("m4a", "not_ready"), ("poster", "not_ready"), ("exe", "not_found")])
async def test_a_rendition_that_is_not_there(ada: Person, made: str, kind: str, code: str) -> None:
    await expect_problem(await ada.call("GET", f"{LISTING}{made}/renditions/{kind}"), code)


async def test_a_package_is_sent_as_a_file_to_be_kept(client: TestClient, ada: Person, webm: bytes) -> None:
    address = await ada.upload(webm, filename="Stand-up.webm")
    path = f"{LISTING}{address['id']}/renditions/package"
    await expect_problem(await ada.call("GET", path), "not_ready")
    key = layout.rendition(address["id"], "package.zip")
    await client.app[keys.OBJECTS].put(key, b"PK\x03\x04 package", "application/zip")
    made = Rendition(kind=RenditionKind.PACKAGE, content_type="application/zip", size_bytes=12, key=key)
    fence = first_fence(address)
    await client.app[keys.RECORDINGS].add_rendition(address["id"], "export", fence, made)
    response = await ada.call("GET", path)
    assert (response.content_type, await response.read()) == ("application/zip", b"PK\x03\x04 package")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="Stand-up.zip"')


async def test_the_original_of_an_upload_that_never_came(ada: Person) -> None:
    address = await ada.announce(10)
    response = await ada.call("GET", f"{LISTING}{address['id']}/renditions/original")
    await expect_problem(response, "not_ready")


async def test_deleting_leaves_nothing_and_tells_the_watchers(client: TestClient, ada: Person, webm: bytes) -> None:
    address, app = await ada.upload(webm), client.app
    await transcribed(app, address["id"], first_fence(address))
    async with client.ws_connect(f"/api/stream/{address['job_id']}", headers=ada.headers) as ws:
        await ws.receive(timeout=20)
        response = await ada.call("DELETE", f"{LISTING}{address['id']}/")
        assert (response.status, await response.read()) == (204, b"")
        assert (await ws.receive_json(timeout=20))["status"] == "cancelled"
    assert await app[keys.OBJECTS].keys(layout.recording_prefix(address["id"])) == []
    assert await app[keys.TRANSCRIPTS].get(address["id"]) is None
    assert await app[keys.JOBS].get(address["job_id"]) is None
    await expect_problem(await ada.call("DELETE", f"{LISTING}{address['id']}/"), "not_found")
    await expect_problem(await ada.complete(address), "not_found")


async def test_what_was_never_uploaded_can_be_deleted(ada: Person) -> None:
    address = await ada.announce(10)
    assert (await ada.call("DELETE", f"{LISTING}{address['id']}")).status == 204
