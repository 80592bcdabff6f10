"""Uploads in parts on the running store: each part by an address of its own, listed as sent, completed once."""

import io

import aiohttp
import pytest

from schemas.multipart import SMALLEST_PART
from stores.multipart import OpenUpload, UploadMissing
from stores.objects import Objects
from stores.parts import PartUploads
from tests.contract.stores.test_objects import content

KEY = "recordings/1/original"


@pytest.fixture
def uploads(objects: Objects) -> PartUploads:
    return PartUploads(objects)


async def sent(url: str, body: bytes) -> str:
    async with aiohttp.ClientSession() as session, session.put(url, data=io.BytesIO(body)) as response:
        assert response.status == 200, await response.text()
        return response.headers["ETag"].strip('"')


async def test_parts_are_listed_as_they_were_sent_and_joined_in_order(uploads, objects):
    upload_id = await uploads.begin(KEY)
    assert await uploads.listed(KEY, upload_id) == []
    body = content(2 * SMALLEST_PART + 7)
    etags = {}
    for number in (3, 1, 2, 2):
        piece = body[(number - 1) * SMALLEST_PART : number * SMALLEST_PART]
        etags[number] = await sent(uploads.presign(KEY, upload_id, number, 60), piece)
    found = await uploads.listed(KEY, upload_id)
    assert [(part.number, part.size_bytes) for part in found] == [(1, SMALLEST_PART), (2, SMALLEST_PART), (3, 7)]
    assert {part.number: part.etag for part in found} == etags
    assert await objects.stat(KEY) is None
    await uploads.complete(KEY, upload_id, found)
    assert await objects.read(KEY) == body
    with pytest.raises(UploadMissing):
        await uploads.listed(KEY, upload_id)


async def test_a_part_that_was_sent_again_with_other_bytes_is_joined_as_said(uploads, objects):
    """Whether the store lists one of them or both."""
    upload_id = await uploads.begin(KEY)
    etags = [await sent(uploads.presign(KEY, upload_id, 1, 60), body) for body in (b"one", b"two")]
    found = {part.etag: part for part in await uploads.listed(KEY, upload_id)}
    assert set(found) in (set(etags), {etags[1]})
    await uploads.complete(KEY, upload_id, [found[etags[1]]])
    assert await objects.read(KEY) == b"two"


async def test_what_was_aborted_is_gone(uploads, objects):
    upload_id = await uploads.begin(KEY)
    await sent(uploads.presign(KEY, upload_id, 1, 60), b"bytes")
    (upload,) = await objects.open_uploads(KEY)
    assert upload == OpenUpload(key=KEY, upload_id=upload_id, begun=upload.begun)
    await objects.abort(upload)
    with pytest.raises(UploadMissing):
        await uploads.listed(KEY, upload_id)
    with pytest.raises(UploadMissing):
        await uploads.complete(KEY, upload_id, [])
    assert await objects.stat(KEY) is None


async def test_an_address_is_for_one_part_alone(uploads):
    upload_id = await uploads.begin(KEY)
    url = uploads.presign(KEY, upload_id, 1, 60)
    async with aiohttp.ClientSession() as session:
        for other in (url.replace("partNumber=1", "partNumber=2"), url.split("?")[0]):
            async with session.put(other, data=b"bytes") as response:
                assert response.status == 403


async def test_many_parts_are_all_listed(uploads, monkeypatch):
    """The store hands out some at a time; here two."""
    upload_id = await uploads.begin(KEY)
    for number in range(1, 6):
        await sent(uploads.presign(KEY, upload_id, number, 60), b"x" * number)
    page = PartUploads._page

    async def short(self, key, query):
        return await page(self, key, {**query, "max-parts": "2"})

    monkeypatch.setattr(PartUploads, "_page", short)
    assert [part.size_bytes for part in await uploads.listed(KEY, upload_id)] == [1, 2, 3, 4, 5]
