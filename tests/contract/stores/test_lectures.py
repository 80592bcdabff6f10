"""Lectures: found by what names them, linked and let go of without anything lost in between."""

import asyncio

import pytest

from stores.lectures import Lectures, key_of
from tests.unit.stores.jobs import a_lecture


@pytest.fixture
async def lectures(database):
    found = Lectures(database)
    await found.prepare()
    return found


async def stored(lectures, **fields):
    recording = a_lecture(**fields)
    await lectures.create(recording)
    return recording


def readers(recording):
    return [link.user_id for link in recording.links]


def test_a_key_is_of_course_session_and_media_but_not_of_a_signature():
    one = key_of("algebra", "1", "https://media.example/a.mp4?sig=1")
    assert one == key_of("algebra", "1", "https://MEDIA.example/a.mp4?sig=2#t=1")
    others = {
        key_of("biology", "1", "https://media.example/a.mp4"),
        key_of("algebra", "2", "https://media.example/a.mp4"),
        key_of("algebra", "1", "https://media.example/b.mp4"),
        key_of("algebra", "1", "https://other.example/a.mp4"),
        key_of("algebra", "1", "http://media.example/a.mp4"),
    }
    assert len(others) == 5
    assert one not in others


def test_a_key_counts_what_of_the_query_may_name_the_media():
    def key(query):
        return key_of("algebra", "1", f"https://media.example/download{query}")

    one = key("?id=7&part=2")
    assert one == key("?part=2&id=7&X-Amz-Signature=a&x-amz-date=1")
    assert one == key("?Signature=a&id=7&Expires=9&Policy=p&Key-Pair-Id=k&part=2&TOKEN=t")
    assert one == key("?sv=1&sr=b&sig=a&se=2&sp=r&id=7&part=2&hdn%65a=e&&jwt")
    others = {key(""), key("?id=7"), key("?id=8&part=2"), key("?id=7&part=2&part=3"), key("?7"), key("?id=7%26part=2")}
    assert len(others) == 6
    assert one not in others
    assert key("") == key("?token=1")


async def test_a_lecture_is_pointed_to_by_one_and_turned_by_one(lectures):
    assert await lectures.known("key") is None
    took = await asyncio.gather(*(lectures.point("key", name, None) for name in ("a", "b", "c")))
    assert sum(took) == 1
    first = await lectures.known("key")
    turned = await asyncio.gather(*(lectures.point("key", name, first) for name in ("d", "e")))
    assert sum(turned) == 1
    assert await lectures.known("key") in ("d", "e")
    await lectures.unpoint("key", first)
    second = await lectures.known("key")
    assert second in ("d", "e")
    await lectures.unpoint("key", second)
    await lectures.unpoint("key", second)
    assert await lectures.known("key") is None


async def test_links_are_made_once_and_together(lectures):
    recording = await stored(lectures)
    linked = await asyncio.gather(*(lectures.link(recording.id, name) for name in ("bob", "cem", "bob", "ada")))
    assert all(linked)
    assert sorted(readers(await lectures.get(recording.id))) == ["ada", "bob", "cem"]
    assert await lectures.link("nothing", "bob") is None


async def test_the_last_unlink_marks_the_lecture_and_no_other(lectures):
    recording = await stored(lectures)
    await lectures.link(recording.id, "bob")
    left = await lectures.unlink(recording.id, "ada")
    assert (readers(left), left.deleted_at) == (["bob"], None)
    assert await lectures.unlink(recording.id, "ada") is None
    left = await lectures.unlink(recording.id, "bob")
    assert left.deleted_at is not None
    assert readers(left) == ["bob"]
    assert await lectures.link(recording.id, "ada") is None
    assert await lectures.unlink(recording.id, "bob") is None


async def test_a_link_beside_the_last_unlink_is_kept_or_refused(lectures):
    for _ in range(10):
        recording = await stored(lectures)
        linked, left = await asyncio.gather(lectures.link(recording.id, "bob"), lectures.unlink(recording.id, "ada"))
        there = await lectures.get(recording.id)
        assert left is not None
        assert (linked is None) == (there is None)
        assert there is None or readers(there) == ["bob"]


async def test_what_is_to_be_downloaded_again_is_so_only_if_nobody_wrote(lectures):
    recording = await stored(lectures)
    renewed = await lectures.renew(recording, "https://media.example/new")
    assert (renewed.lecture.url, renewed.job_id) == ("https://media.example/new", recording.job_id)
    assert await lectures.renew(recording, "https://media.example/older") is None
    lost = await stored(lectures, etag="one", content_type="video/mp4", size_bytes=7)
    renewed = await lectures.renew(lost, "https://media.example/new")
    assert renewed.to_be_downloaded
    assert (renewed.size_bytes, renewed.content_type) == (0, None)
    assert renewed.job_id > lost.job_id
    assert lost.job_id in renewed.every_job_id


async def test_lists_show_what_somebody_is_linked_to_newest_first(lectures):
    made = [await stored(lectures, project_id=f"course{n % 2}") for n in range(4)]
    for recording in made[1:]:
        await lectures.link(recording.id, "bob")
    newest = [recording.id for recording in reversed(made)]
    assert [one.id for one in await lectures.list_linked("ada", limit=9)] == newest
    assert [one.id for one in await lectures.list_linked("bob", limit=2)] == newest[:2]
    assert [one.id for one in await lectures.list_linked("bob", limit=9, before=newest[1])] == newest[2:3]
    assert [one.id for one in await lectures.list_linked("ada", limit=9, course_id="course0")] == newest[1::2]
    await lectures.unlink(made[0].id, "ada")
    assert len(await lectures.list_linked("ada", limit=9)) == 3
    assert await lectures.list_linked("eve", limit=9) == []
