"""One's own data as one download: everything of oneself, nothing of others, and nothing half that looks whole."""

import io
import json
import zipfile

import aiohttp
import pytest
import pytest_asyncio

from api import keys
from schemas.documents import Page
from schemas.media import Rendition, RenditionKind
from schemas.transcripts import Segment
from stores import keys as object_keys
from stores.recordings import fence_of
from tests.integration.api.people import Person, expect_problem
from tests.media import pdf

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARCHIVE = "/api/v1/account/archive"


async def archive_of(person, **query) -> zipfile.ZipFile:
    response = await person.call("GET", ARCHIVE, params=query)
    assert response.status == 200, await response.text()
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    return zipfile.ZipFile(io.BytesIO(await response.read()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recording(client, ada, webm):
    """A recording of Ada's with words and a rendition."""
    uploaded = await ada.upload(webm)
    app = client.server.app
    job = await app[keys.JOBS].get(uploaded["job_id"])
    fence = fence_of(job, 1)
    await app[keys.TRANSCRIPTS].begin(uploaded["id"], fence, "offline")
    await app[keys.TRANSCRIPTS].write(uploaded["id"], fence, 0, [Segment(id=0, start=0, end=1, text="Good morning.")])
    await app[keys.TRANSCRIPTS].finish(uploaded["id"], fence, "offline", "en")
    key = object_keys.rendition(uploaded["id"], "audio.m4a")
    await app[keys.OBJECTS].put(key, b"sound", "audio/mp4")
    made = Rendition(kind=RenditionKind.AUDIO, key=key, content_type="audio/mp4", size_bytes=5)
    await app[keys.RECORDINGS].add_rendition(uploaded["id"], "audio", fence, made)
    return uploaded


async def test_everything_of_the_caller_is_in_it(ada, recording, webm):
    found = await archive_of(ada)
    assert found.testzip() is None
    folder = f"recordings/{recording['id']}"
    assert found.read(f"{folder}/original.webm") == webm
    assert found.read(f"{folder}/audio.m4a") == b"sound"
    assert json.loads(found.read(f"{folder}/transcript.json"))["text"] == "Good morning."
    assert json.loads(found.read(f"{folder}/recording.json"))["id"] == recording["id"]
    assert json.loads(found.read(f"{folder}/jobs.json"))[0]["id"] == recording["job_id"]
    account = json.loads(found.read("account.json"))
    assert account["username"] == "ada"
    assert "argon2" not in json.dumps(account)
    manifest = json.loads(found.read("manifest.json"))
    assert {entry["name"] for entry in manifest["files"]} == set(found.namelist()) - {"manifest.json"}
    assert manifest["missing"] == []


async def test_the_texts_alone_can_be_had(ada, recording):
    found = await archive_of(ada, media="false")
    assert not [name for name in found.namelist() if name.endswith((".webm", ".m4a"))]
    assert f"recordings/{recording['id']}/transcript.json" in found.namelist()


async def test_nothing_of_others_is_in_it(bob, recording):
    found = await archive_of(bob)
    assert not [name for name in found.namelist() if recording["id"] in name]


async def test_what_is_not_there_is_named(client, webm):
    eve = await Person.register(client, "eve")
    uploaded = await eve.upload(webm)
    await client.server.app[keys.OBJECTS].delete(object_keys.original(uploaded["id"]))
    found = await archive_of(eve)
    assert json.loads(found.read("manifest.json"))["missing"] == [f"recordings/{uploaded['id']}/original.webm"]


async def test_one_at_a_time(client, ada):
    with client.server.app[keys.ADMISSION].archive(ada.user["id"]):
        await expect_problem(await ada.call("GET", ARCHIVE), "queue_full")
    await archive_of(ada, media="false")


async def test_documents_are_in_it_with_their_pages(client, ada):
    form = aiohttp.FormData()
    form.add_field("file", pdf.document(["Cells."]), filename="cells.pdf", content_type="application/pdf")
    document = await (await ada.call("POST", "/api/v1/documents/upload", data=form)).json()
    fence = fence_of(await client.server.app[keys.JOBS].get(document["job_id"]), 1)
    await client.server.app[keys.PAGES].begin(document["id"], fence, 1, "en")
    await client.server.app[keys.PAGES].write(document["id"], fence, [Page(number=1, text="Cells.")])
    found, folder = await archive_of(ada), f"documents/{document['id']}"
    assert found.read(f"{folder}/original.pdf") == pdf.document(["Cells."])
    assert json.loads(found.read(f"{folder}/document.json"))["id"] == document["id"]
    assert json.loads(found.read(f"{folder}/pages.json"))["pages"][0]["text"] == "Cells."
    assert f"recordings/{document['id']}/recording.json" not in found.namelist()
