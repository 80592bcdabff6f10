"""The pages of a caller's recordings: whole and in order whatever is missing, and what they cost does not grow."""

import asyncio

import pytest

from stores.places import Places, shelf_of
from stores.recordings import Recordings
from tests.unit.stores.jobs import a_recording


@pytest.fixture
async def recordings(database) -> Recordings:
    recordings = Recordings(database)
    await recordings.prepare()
    return recordings


async def made(recordings: Recordings, count: int, **fields) -> list[str]:
    ids = []
    for _ in range(count):
        recording = a_recording(**fields)
        await recordings.create(recording)
        ids.append(recording.id)
    return ids


async def listed(recordings: Recordings, limit: int, **filters) -> list[str]:
    """All pages, one after the other."""
    ids, before = [], None
    while page := await recordings.lists.owned("ada", limit=limit, before=before, **filters):
        assert len(page) <= limit
        before = page[-1].id
        ids += [recording.id for recording in page]
    return ids


async def test_pages_go_on_over_what_is_gone(recordings, database):
    ids = await made(recordings, 30)
    kept = [ids[0], *ids[20:24], ids[29]]
    for number, recording_id in enumerate(ids):
        if recording_id not in kept and number % 2:
            await recordings.forget(await recordings.get(recording_id))
        elif recording_id not in kept:
            await recordings.mark_deleted(await recordings.get(recording_id))
    await Places(database).take([shelf_of("ada")] * 5)  # for recordings that were never made
    for limit in (1, 2, 3, 50):
        assert await listed(recordings, limit) == kept[::-1]


@pytest.mark.parametrize("filters", [{}, {"title": "up"}])
async def test_a_list_goes_on_though_the_recording_is_gone_where_it_stopped(recordings, filters):
    ids = await made(recordings, 4, title="Stand-up")
    for going in (recordings.mark_deleted, recordings.forget):
        await going(await recordings.stored(ids[2]))
        found = await recordings.lists.owned("ada", limit=2, before=ids[2], **filters)
        assert [recording.id for recording in found] == [ids[1], ids[0]]


async def test_nobody_reads_on_in_anothers_list(recordings):
    mine, others = await made(recordings, 3), await made(recordings, 2, owner_id="bob")
    found = await recordings.lists.owned("ada", limit=2, before=others[-1])
    assert [recording.id for recording in found] == mine[:0:-1]
    assert await recordings.lists.owned("eve", limit=2) == []


async def test_recordings_that_several_processes_make_at_once_are_all_listed_once(recordings, database):
    processes = [recordings, Recordings(database), Recordings(database)]
    many = [(process, a_recording(owner_id=owner)) for owner in ("ada", "bob") for process in processes for _ in "1234"]
    await asyncio.gather(*(process.create(recording) for process, recording in many))
    found = await listed(recordings, 5)
    assert sorted(found) == sorted(recording.id for _, recording in many if recording.owner_id == "ada")


async def test_recordings_of_an_older_version_come_into_the_list(database):
    older = [a_recording(owner_id=owner) for owner in ("ada", "bob", "ada")]
    for recording in older:
        fields = recording.model_dump()
        await database["recordings"].insert_one({"_id": fields.pop("id"), **fields})
    recordings = Recordings(database)
    for _ in range(2):
        await recordings.prepare()
    newer = await made(recordings, 1)
    assert await listed(recordings, 2) == [newer[0], older[2].id, older[0].id]
    assert await Places(database).number_of(shelf_of("ada"), newer[0]) == 3
