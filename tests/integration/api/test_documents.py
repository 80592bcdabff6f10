"""Documents through the API: taken in once, shown to their owner alone, and gone when they are deleted."""

import asyncio
import io
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from api import keys
from schemas.analyses import ActionItems, Analyses, Citation, KeyPoint, KeyPoints, Sentiment, Summary
from schemas.documents import Page
from stores import keys as object_keys
from stores.recordings import fence_of
from tests.integration.api.people import Person, advance, expect_problem, failed, unknown
from tests.media import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTS = "/api/v1/documents"
NOTES = pdf.document(["Cells divide.", "Nothing more."])


async def send(
    person: Person,
    content: Any,
    filename: str = "notes.pdf",
    path: str = f"{DOCUMENTS}/upload",
    late: bool = False,
    **fields: str,
) -> aiohttp.ClientResponse:
    """Sends a form; its other fields before the file, or behind it."""
    form = aiohttp.FormData(quote_fields=False)
    for name, value in () if late else fields.items():
        form.add_field(name, value)
    form.add_field("file", content, filename=filename, content_type="application/pdf")
    for name, value in fields.items() if late else ():
        form.add_field(name, value)
    return await person.call("POST", path, data=form)


async def sent(person: Person, content: Any = NOTES, **options: Any) -> dict[str, Any]:
    response = await send(person, content, **options)
    assert response.status == 202, await response.text()
    accepted: dict[str, Any] = await response.json()
    return accepted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def read(client, ada):
    """A document of Ada's whose pages are there, with analyses."""
    document = await sent(ada, pdf.document(["Cells divide.", "The end."]), filename="cells.pdf", course_id="biology")
    app = client.server.app
    fence = fence_of(await app[keys.JOBS].get(document["job_id"]), 1)
    pages = [
        Page(number=1, text="Cells divide.", words=2, width=8, height=9),
        Page(number=2, text="", readable=False),
    ]
    await app[keys.PAGES].begin(document["id"], fence, 2, "en")
    await app[keys.PAGES].write(document["id"], fence, pages)
    await app[keys.PAGES].finish(document["id"], fence, 2, 1)
    await app[keys.RECORDINGS].write(document["id"], "pages", fence, {"pages": 2, "language": "en"})
    await app[keys.OBJECTS].put(object_keys.page(document["id"], 1), b"picture", "image/jpeg")
    cited = (Citation(page=1),)
    analyses = Analyses(
        summary=Summary(text="Cells divide.", provider="test", citations=cited),
        action_items=ActionItems(provider="test"),
        key_points=KeyPoints(items=(KeyPoint(text="Cells divide.", page=1, citations=cited),), provider="test"),
        sentiment=Sentiment(provider="test"),
    )
    await app[keys.ANALYSES].put(document["id"], fence, analyses)
    return document


async def test_a_document_is_accepted_and_shown(client, ada):
    accepted = await sent(ada, filename="../Über Zellen.pdf", course_id="biology-1")
    assert accepted.keys() == {"id", "status", "job_id", "course_id", "filename", "size_bytes", "duplicate"}
    assert (accepted["status"], accepted["course_id"], accepted["duplicate"]) == ("processing", "biology-1", False)
    assert (accepted["filename"], accepted["size_bytes"]) == ("Über Zellen.pdf", len(NOTES))
    job = await ada.get(f"/api/v1/jobs/{accepted['job_id']}")
    assert (job["job_type"], [step["name"] for step in job["steps"]]) == ("document", ["pages", "analyse"])
    document = await ada.get(f"{DOCUMENTS}/{accepted['id']}/")
    assert (document["title"], document["status"], document["course_id"]) == ("Über Zellen", "processing", "biology-1")
    assert (document["pages"], document["text"], document["analyses"]) == (None, None, None)
    assert "object_key" not in document
    assert "sha256" not in document
    facts = [fact["type"] for fact in (await client.server.app[keys.JOBS].get(accepted["job_id"])).facts]
    assert facts == ["document.uploaded"]


async def test_the_address_of_the_earlier_system(ada):
    accepted = await sent(ada, pdf.document(["alias"]), path="/api/documents/upload", course_id="old")
    assert (await ada.get(f"/api/documents/{accepted['id']}"))["id"] == accepted["id"]


async def test_the_course_may_stand_behind_the_file(ada):
    assert (await sent(ada, pdf.document(["late"]), late=True, course_id="late"))["course_id"] == "late"
    assert (await sent(ada, pdf.document(["none"])))["course_id"] is None


@pytest.mark.parametrize("late", [False, True])
async def test_a_course_that_cannot_be_one(ada, late):
    response = await send(ada, NOTES, late=late, course_id="../etc")
    await expect_problem(response, "invalid_field", "course_id")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"just words", "text"),
        (b"\x1aE\xdf\xa3webm", "WebM"),
        (b"PK\x03\x04" + NOTES, "a ZIP archive"),
        (b"\x00\x01" * 600 + NOTES, "of no type"),
    ],
)
async def test_what_is_no_pdf_is_refused_and_leaves_nothing(client, ada, content, what):
    before = await _everything(client)
    problem = await expect_problem(await send(ada, content), "unsupported_media")
    assert what in problem["detail"]
    assert await _everything(client) == before


async def _everything(client) -> tuple[int, int]:
    app = client.server.app
    documents = [one async for page in app[keys.RECORDINGS].ids() for one in page]
    return len(documents), len(await app[keys.OBJECTS].keys("recordings/"))


async def test_a_pdf_behind_a_little_of_something_else(ada):
    assert (await sent(ada, b"\x00\x01" * 400 + pdf.document(["behind"])))["duplicate"] is False


async def test_what_is_too_large_is_refused(ada):
    await expect_problem(await send(ada, io.BytesIO(NOTES + bytes(21 * 2**20))), "too_large")


async def test_a_form_without_a_file(ada):
    await expect_problem(await ada.call("POST", f"{DOCUMENTS}/upload", data={"course_id": "x"}), "invalid_request")


async def test_other_doors_take_no_documents(ada):
    await expect_problem(await ada.send_video(NOTES), "unsupported_media")


async def test_the_same_bytes_are_one_document(client, ada, bob):
    content = pdf.document(["the same"])
    first = await sent(ada, content, course_id="one")
    before = await _everything(client)
    again = await sent(ada, content, filename="renamed.pdf", course_id="one")
    assert (again["id"], again["job_id"], again["duplicate"]) == (first["id"], first["job_id"], True)
    assert again["filename"] == "notes.pdf"
    assert await _everything(client) == before
    elsewhere = [await sent(ada, content, course_id="two"), await sent(ada, content), await sent(bob, content)]
    assert len({first["id"], *(other["id"] for other in elsewhere)}) == 4


async def test_of_many_at_once_one_is_kept(client, ada):
    content = pdf.document(["at once"])
    documents, objects = await _everything(client)
    accepted = await asyncio.gather(*(sent(ada, content, course_id="race") for _ in range(6)))
    assert len({one["id"] for one in accepted}) == 1
    assert sorted(one["duplicate"] for one in accepted) == [False] + [True] * 5
    assert await _everything(client) == (documents + 1, objects + 1)


async def test_what_was_deleted_or_has_failed_is_taken_in_anew(client, ada):
    content = pdf.document(["anew"])
    first = await sent(ada, content)
    assert (await ada.call("DELETE", f"{DOCUMENTS}/{first['id']}")).status == 204
    second = await sent(ada, content)
    assert (second["id"] != first["id"], second["duplicate"]) == (True, False)
    await advance(client.server.app, second["job_id"], failed)
    third = await sent(ada, content)
    assert (third["id"] != second["id"], third["duplicate"]) == (True, False)
    assert (await sent(ada, content))["id"] == third["id"]


async def test_what_was_taken_out_of_its_course_is_no_longer_found_there(client, ada):
    content = pdf.document(["moved"])
    first = await sent(ada, content, course_id="left")
    await client.server.app[keys.RECORDINGS].update_owned(ada.user["id"], first["id"], {"project_id": None})
    second = await sent(ada, content, course_id="left")
    assert (second["id"] != first["id"], second["duplicate"]) == (True, False)


async def test_a_claim_of_one_that_was_never_accepted_is_accepted_by_the_repeat(client, ada, monkeypatch):
    content, app = pdf.document(["half"]), client.server.app
    held = app[keys.JOBS].create

    async def away(_job):
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(app[keys.JOBS], "create", away)
    assert (await send(ada, content)).status == 500
    monkeypatch.setattr(app[keys.JOBS], "create", held)
    again = await sent(ada, content)
    assert (again["duplicate"], again["status"]) == (True, "processing")
    assert (await ada.get(f"/api/v1/jobs/{again['job_id']}"))["status"] == "queued"


async def test_the_file_is_streamed_by_ranges(ada, read):
    path, content = f"{DOCUMENTS}/{read['id']}/file", pdf.document(["Cells divide.", "The end."])
    whole = await ada.call("GET", path)
    assert (whole.status, whole.headers["Content-Type"]) == (200, "application/pdf")
    assert whole.headers["Content-Disposition"] == "inline; filename=\"cells.pdf\"; filename*=UTF-8''cells.pdf"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert await whole.read() == content
    part = await ada.call("GET", path, headers={"Range": "bytes=5-9"})
    assert (part.status, await part.read()) == (206, content[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(content)}"
    outside = await ada.call("GET", path, headers={"Range": "bytes=99999999-"})
    await expect_problem(outside, "range_not_satisfiable")


async def test_a_name_cannot_break_out_of_its_header(ada):
    hostile = await sent(ada, pdf.document(["hostile"]), filename='a" X: y/../b<script>\u202e.pdf')
    shown = (await ada.call("GET", f"{DOCUMENTS}/{hostile['id']}/file")).headers["Content-Disposition"]
    assert shown.count('"') == 2
    assert not set("<>\u202e/") & set(shown)


async def test_pages_and_their_pictures(ada, read):
    path = f"{DOCUMENTS}/{read['id']}"
    page = await ada.get(f"{path}/pages/1")
    assert (page["text"], page["image_url"]) == ("Cells divide.", f"{path}/pages/1/image")
    image = await ada.call("GET", page["image_url"])
    assert (await image.read(), image.headers["Content-Type"]) == (b"picture", "image/jpeg")
    broken = await ada.get(f"{path}/pages/2")
    assert (broken["readable"], broken["image_url"]) == (False, None)
    await expect_problem(await ada.call("GET", f"{path}/pages/2/image"), "not_ready")
    for number in ("3", "0", "-1", "1e3", "９", "99999999"):
        await expect_problem(await ada.call("GET", f"{path}/pages/{number}"), "not_found")
        await expect_problem(await ada.call("GET", f"{path}/pages/{number}/image"), "not_found")


async def test_pages_that_have_not_been_read(ada):
    new = await sent(ada, pdf.document(["new"]))
    await expect_problem(await ada.call("GET", f"{DOCUMENTS}/{new['id']}/pages/1"), "not_ready")
    await expect_problem(await ada.call("GET", f"{DOCUMENTS}/{new['id']}/pages/1/image"), "not_ready")
    await expect_problem(await ada.call("GET", f"{DOCUMENTS}/{new['id']}/renditions/poster"), "not_ready")


async def test_a_document_that_was_read_cites_its_pages(ada, read):
    document = await ada.get(f"{DOCUMENTS}/{read['id']}")
    assert document["text"] == {"language": "en", "complete": True, "pages": 2, "words": 2, "unreadable": 1}
    (point,) = document["analyses"]["key_points"]["items"]
    assert (point["page"], point["at"]) == (1, None)
    assert [citation["page"] for citation in document["analyses"]["summary"]["citations"]] == [1]
    assert [entry["kind"] for entry in document["renditions"]] == ["original"]


async def test_the_list_has_documents_alone_and_lists_of_recordings_none(ada, read, webm):
    recording = await ada.upload(webm)
    listed = await ada.get(DOCUMENTS, params={"course_id": "biology"})
    assert ([item["id"] for item in listed["items"]], listed["next_cursor"]) == ([read["id"]], None)
    ids, cursor = [], {}
    while cursor is not None:
        page = await ada.get(DOCUMENTS, params={"limit": 5, **cursor})
        ids += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert ids == sorted(set(ids), reverse=True)
    assert read["id"] in ids
    assert recording["id"] not in ids
    recordings = await ada.get("/api/v1/recordings", params={"limit": 100})
    assert [item["id"] for item in recordings["items"]] == [recording["id"]]
    assert (await ada.get("/projects/biology/videos"))["items"] == []


async def test_a_document_is_no_recording_and_the_other_way_round(ada, read, webm):
    recording = await ada.upload(webm)
    for path in ("", "/status", "/transcript", "/renditions/original", "/thumbnails/0"):
        await expect_problem(await ada.call("GET", f"/api/v1/recordings/{read['id']}{path}"), "not_found")
    await expect_problem(await ada.call("DELETE", f"/api/v1/recordings/{read['id']}"), "not_found")
    change = await ada.call("PATCH", f"/api/v1/recordings/{read['id']}", json={"title": "x"})
    await expect_problem(change, "not_found")
    complete = await ada.complete({"id": read["id"], "s3_key": object_keys.original(read["id"])})
    await expect_problem(complete, "not_found")
    await expect_problem(await ada.call("GET", f"/projects/biology/videos/{read['id']}"), "not_found")
    for path in ("", "/file", "/pages/1", "/pages/1/image", "/renditions/original"):
        await expect_problem(await ada.call("GET", f"{DOCUMENTS}/{recording['id']}{path}"), "not_found")
    await expect_problem(await ada.call("DELETE", f"{DOCUMENTS}/{recording['id']}"), "not_found")


async def test_storage_counts_both(ada, read):
    stats = await ada.get("/projects/biology/storage/stats")
    assert (stats["recordings"], stats["originals_bytes"]) == (1, read["size_bytes"])


async def test_work_on_a_document(ada, read, webm):
    for job_type in ("ingest", "render", "transcription", "scene_detection"):
        await expect_problem(await ada.ask(job_type, read["id"]), "invalid_field", "job_type")
    recording = await ada.upload(webm)
    await expect_problem(await ada.ask("document", recording["id"]), "invalid_field", "job_type")
    assert (await ada.ask("export", read["id"])).status == 202
    await expect_problem(await ada.ask("document", read["id"]), "job_running")
    new = await sent(ada, pdf.document(["unread"]))
    await expect_problem(await ada.ask("analysis", new["id"]), "not_ready")


async def test_nobody_else_sees_it(client, bob, read):
    paths = ("", "/file", "/pages/1", "/pages/1/image", "/renditions/original")
    for path in paths:
        await expect_problem(await bob.call("GET", f"{DOCUMENTS}/{read['id']}{path}"), "not_found")
        nobody = await client.get(f"{DOCUMENTS}/{read['id']}{path}")
        await expect_problem(nobody, "not_signed_in")
    await expect_problem(await bob.call("DELETE", f"{DOCUMENTS}/{read['id']}"), "not_found")
    await expect_problem(await bob.call("GET", f"{DOCUMENTS}/{unknown()}"), "not_found")
    assert read["id"] not in [item["id"] for item in (await bob.get(DOCUMENTS))["items"]]


async def test_an_administrator_may_delete_it(client, ada, bob, monkeypatch):
    document = await sent(ada, pdf.document(["admin"]))
    settings = client.server.app[keys.SETTINGS]
    monkeypatch.setitem(settings.__dict__, "admin_user_ids", bob.user["id"])
    assert (await bob.call("DELETE", f"{DOCUMENTS}/{document['id']}")).status == 204
    await expect_problem(await ada.call("GET", f"{DOCUMENTS}/{document['id']}"), "not_found")
    assert await client.server.app[keys.OBJECTS].keys(object_keys.recording_prefix(document["id"])) == []
    assert await client.server.app[keys.PAGES].outline(document["id"]) is None
