"""Objects on the running store: parts of odd sizes, ranges, addresses for clients, and nothing left behind."""

import hashlib
from urllib.parse import urlsplit

import aiohttp
import pytest
from minio import Minio

from schemas.settings import Settings
from stores.errors import StoreUnavailable
from stores.multipart import PART_BYTES
from stores.objects import ObjectMissing, Objects

MEGABYTE = 1024 * 1024


def content(size: int) -> bytes:
    """Bytes that are different everywhere, so that parts in a wrong order are noticed."""
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 20 * MEGABYTE + 17])
async def test_an_upload_of_odd_chunks_appears_as_a_whole(objects, size):
    body, offset, chunk = content(size), 0, 1
    async with objects.upload("a", "video/webm") as upload:
        while offset < size:
            await upload.write(body[offset : offset + chunk])
            offset, chunk = offset + chunk, (chunk * 7 + 13) % (3 * MEGABYTE)
        assert await objects.stat("a") is None
    found = await objects.stat("a")
    assert (found.size_bytes, found.content_type) == (size, "video/webm")
    assert hashlib.sha256(await objects.read("a")).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("size", [0, 1, 4096, 10_000])
async def test_the_beginning_says_what_the_whole_is(objects, size):
    assert await objects.beginning("a", 4096) is None
    await objects.put("a", content(size), "video/webm")
    assert await objects.beginning("a", 4096) == (await objects.stat("a"), content(size)[:4096])


async def break_off(objects: Objects, body: bytes) -> None:
    async with objects.upload("a", "video/webm") as upload:
        await upload.write(body)
        raise ConnectionError("the client is gone")


@pytest.mark.parametrize("size", [10, PART_BYTES + 10])
async def test_an_upload_that_breaks_off_leaves_nothing(objects, settings_of, size):
    with pytest.raises(ConnectionError):
        await break_off(objects, content(size))
    assert await objects.keys("") == []
    assert open_uploads(settings_of(s3_bucket=objects._bucket)) == []


def open_uploads(settings: Settings) -> list[object]:
    """The multipart uploads of which the store still keeps parts."""
    client = Minio(
        urlsplit(settings.s3_endpoint).netloc,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=False,
        region=settings.s3_region,
    )
    return client._list_multipart_uploads(settings.s3_bucket).uploads


async def test_ranges(objects):
    body = content(1000)
    await objects.put("a", body, "audio/pcm")
    assert await objects.read("a") == body
    assert await objects.read("a", 990) == body[990:]
    assert await objects.read("a", 10, 5) == body[10:15]
    assert await objects.read("a", 990, 50) == body[990:]


async def test_an_object_is_replaced_as_a_whole(objects, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(content(PART_BYTES + 5))
    assert await objects.put("a", file, "video/mp4") == PART_BYTES + 5
    assert await objects.put("a", b"small", "text/plain") == 5
    assert await objects.read("a") == b"small"


async def test_what_is_missing(objects):
    assert await objects.stat("nothing") is None
    with pytest.raises(ObjectMissing):
        await objects.read("nothing")
    await objects.delete("nothing")
    await objects.delete_prefix("nothing/")


async def test_a_client_puts_with_a_plain_http_request(objects):
    async with (
        aiohttp.ClientSession() as client,
        client.put(objects.presign_put("up/one", 60), data=b"bytes", headers={"Content-Type": "video/webm"}) as answer,
    ):
        assert answer.status == 200
    found = await objects.stat("up/one")
    assert (found.size_bytes, found.content_type) == (5, "video/webm")


async def test_an_address_opens_one_key_for_one_method(objects):
    await objects.put("theirs", b"theirs", "text/plain")
    url = objects.presign_put("mine", 60)
    async with aiohttp.ClientSession() as client:
        async with client.put(url.replace("/mine?", "/theirs?"), data=b"x") as answer:
            assert answer.status == 403
        async with client.get(url) as answer:
            assert answer.status == 403
        async with client.get(objects.internal_url("theirs").split("?")[0]) as answer:
            assert answer.status == 403
    assert await objects.read("theirs") == b"theirs"


async def test_clients_are_given_the_public_address(settings_of):
    objects = Objects(settings_of(s3_public_endpoint="https://media.example.org"))
    assert urlsplit(objects.presign_put("a", 60)).netloc == "media.example.org"
    assert urlsplit(objects.internal_url("a")).netloc != "media.example.org"


async def test_a_part_of_the_program_reads_with_ranges(objects):
    await objects.put("a", b"0123456789", "video/webm")
    async with (
        aiohttp.ClientSession() as client,
        client.get(objects.internal_url("a"), headers={"Range": "bytes=3-5"}) as answer,
    ):
        assert (answer.status, await answer.read()) == (206, b"345")


async def test_everything_under_a_prefix_goes_and_nothing_else(objects):
    for key in ("r/1/a", "r/1/b/c", "r/10/a"):
        await objects.put(key, b"x", "text/plain")
    assert await objects.keys("r/1/") == ["r/1/a", "r/1/b/c"]
    for _ in range(2):
        await objects.delete_prefix("r/1/")
    assert await objects.keys("r/") == ["r/10/a"]


async def test_keys_of_many_pages(objects):
    """S3 lists and removes at most 1000 at a time; 30 of them show that all are seen, in order."""
    names = [f"p/{number:04d}" for number in range(30)]
    for name in names:
        await objects.put(name, b"x", "text/plain")
    assert await objects.keys("p/") == names


async def test_a_bucket_that_is_not_there_is_no_silence(settings_of):
    async with Objects(settings_of(s3_bucket="never-made")) as objects:
        with pytest.raises(StoreUnavailable):
            await objects.ping()
