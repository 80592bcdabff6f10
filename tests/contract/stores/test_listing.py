"""What the bucket shows of itself: objects in the order of their keys, page by page, and uploads that were left."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from stores.errors import StoreUnavailable
from stores.multipart import PART_BYTES, Upload


async def begun(objects, key: str) -> Upload:
    """An upload whose sender died after its first part."""
    upload = Upload(objects.request, key, "video/webm")
    await upload.write(bytes(PART_BYTES + 1))
    return upload


async def test_a_listing_says_what_a_look_at_the_object_says(objects):
    await objects.put("r/1/original", b"bytes", "video/webm")
    (listed,) = await objects.listed("r/")
    stat = await objects.stat("r/1/original")
    assert (listed.key, listed.size_bytes, listed.etag) == ("r/1/original", stat.size_bytes, stat.etag)
    assert abs(datetime.now(UTC) - listed.modified) < timedelta(minutes=1)


async def test_the_etag_is_that_of_the_bytes_and_not_of_the_upload(objects):
    """So a client that repeats its PUT, since it missed the answer, replaces nothing."""
    etags = []
    for body in (b"bytes", b"bytes", b"other"):
        await objects.put("a", body, "video/webm")
        etags.append((await objects.stat("a")).etag)
    assert etags[0] == etags[1] != etags[2]


async def test_pages_are_in_the_order_of_the_keys_and_go_on_after_one(objects):
    names = [f"r/{number}/{name}" for number in (1, 2, 3) for name in ("original", "renditions/a.mp4", "speech/0.pcm")]
    await asyncio.gather(*(objects.put(name, b"x", "text/plain") for name in [*names, "s/1/original"]))
    assert [listed.key for listed in await objects.listed("r/")] == names
    for number, name in enumerate(names):
        assert [listed.key for listed in await objects.listed("r/", name)] == names[number + 1 :]
    assert await objects.listed("r/", names[-1]) == []
    assert [listed.key for listed in await objects.listed("r/", "r/2/renditions/b")] == names[5:]


async def test_an_upload_that_was_left_is_seen_and_can_be_thrown_away(objects):
    for key in ("r/1/original", "r/2/original", "s/1/original"):
        upload = await begun(objects, key)
    assert {left.key for left in await objects.open_uploads("r/")} == {"r/1/original", "r/2/original"}
    (left,) = await objects.open_uploads("r/1/original")
    assert abs(datetime.now(UTC) - left.begun) < timedelta(minutes=1)
    for _ in range(2):
        await objects.abort(left)
    assert [found.key for found in await objects.open_uploads("r/")] == ["r/2/original"]
    await upload.complete()
    assert await objects.open_uploads("s/") == []


async def test_who_still_sends_parts_of_an_aborted_upload_is_refused(objects):
    upload = await begun(objects, "r/1/original")
    await objects.abort((await objects.open_uploads("r/"))[0])
    with pytest.raises(StoreUnavailable):
        await upload.complete()
    assert await objects.stat("r/1/original") is None
