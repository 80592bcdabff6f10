"""Courses and projects: found by their owner alone, counted from what is in them, one of an id."""

from datetime import timedelta

import pytest

from schemas.folders import Folder, FolderKind, Section
from schemas.holds import Hold
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores.errors import Duplicate, OnHold
from stores.folders import Folders
from stores.recordings import Recordings
from tests.unit.stores.jobs import START, a_recording

WEEKS = [Section(id="one", title="Week 1", position=0), Section(id="two", title="Week 2", position=1)]


@pytest.fixture
async def folders(database) -> Folders:
    folders = Folders(database)
    for _ in range(2):
        await folders.prepare()
    return folders


@pytest.fixture
def recordings(database) -> Recordings:
    return Recordings(database)


def a_folder(folder_id: str = "biology", owner_id: str = "ada", **fields) -> Folder:
    return Folder(
        **{
            "id": Folder.key(owner_id, folder_id),
            "owner_id": owner_id,
            "folder_id": folder_id,
            "kind": FolderKind.COURSE,
            "title": "Biology 101",
            "sections": WEEKS,
            "created_at": START,
            "updated_at": START,
            **fields,
        }
    )


async def test_one_of_an_id_an_owner(folders):
    folder = a_folder()
    await folders.create(folder)
    with pytest.raises(Duplicate):
        await folders.create(a_folder(kind=FolderKind.PROJECT))
    await folders.create(a_folder(owner_id="bob"))
    assert await folders.get("ada", "biology") == folder
    assert await folders.get("ada", "physics") is None
    assert await folders.of_owner("ada") == [folder]


async def test_what_is_changed_stays_changed_and_what_is_gone_is_not_made_again(folders):
    await folders.create(a_folder())
    changed = await folders.update("ada", "biology", {"title": "Life", "tags": ["spring"]})
    assert (changed.title, changed.tags, changed.sections) == ("Life", ["spring"], WEEKS)
    assert changed.updated_at > START
    for _ in range(2):
        await folders.delete("ada", "biology")
    assert await folders.update("ada", "biology", {"title": "Again"}) is None
    assert await folders.get("ada", "biology") is None


async def test_the_hold_of_any_of_its_owners_is_found(folders):
    hold = Hold(reason="Case 1", by="root", at=START)
    await folders.create(a_folder())
    await folders.create(a_folder(owner_id="bob", hold=hold))
    assert await folders.held(("ada", "eve"), "biology") is None
    assert await folders.held((*(f"reader {number}" for number in range(300)), "bob"), "biology") == hold
    assert await folders.held(("ada", "bob"), "chemistry") is None


async def test_one_that_is_on_hold_is_not_deleted(folders):
    await folders.create(a_folder(hold=Hold(reason="Case 1", by="root", at=START)))
    with pytest.raises(OnHold, match="Case 1"):
        await folders.delete("ada", "biology")
    assert (await folders.update("ada", "biology", {"hold": None})).hold is None
    await folders.delete("ada", "biology")
    assert await folders.get("ada", "biology") is None


async def test_all_of_an_owner_go_and_nobody_elses(folders):
    for owner in ("ada", "bob"):
        for name in ("biology", "physics"):
            await folders.create(a_folder(name, owner))
    for _ in range(2):
        await folders.forget("ada")
    assert await folders.of_owner("ada") == []
    assert len(await folders.of_owner("bob")) == 2


async def test_what_is_in_folders_is_counted(folders, recordings):
    early, late = START - timedelta(days=2), START + timedelta(days=2)
    fields = {"project_id": "biology", "size_bytes": 10}
    await recordings.create(a_recording(**fields, created_at=early, duration_seconds=1.5, section_id="one"))
    await recordings.create(a_recording(**fields, updated_at=late))
    await recordings.create(a_recording(**fields, deleted_at=now()))
    await recordings.create(a_recording(project_id="physics", size_bytes=1, status=RecordingStatus.COMPLETED))
    await recordings.create(a_recording(owner_id="bob", project_id="biology"))
    await recordings.create(a_recording())
    found = await folders.contents("ada")
    assert set(found) == {"biology", "physics"}
    assert found["biology"] == await folders.contents_of("ada", "biology") == (2, 20, 1.5, early, late)
    assert found["physics"][:2] == (1, 1)
    assert await folders.contents_of("ada", "chemistry") is None
    assert await folders.by_section("ada", "biology") == {"one": 1}


async def test_what_never_came_and_what_has_gone_by_a_rule_has_no_size(folders, recordings):
    for fields in (
        {"status": RecordingStatus.AWAITING_UPLOAD},
        {"status": RecordingStatus.LIVE},
        {"status": RecordingStatus.COMPLETED, "original_expired_at": now()},
        {"status": RecordingStatus.FAILED},
    ):
        await recordings.create(a_recording(project_id="biology", size_bytes=10, **fields))
    found = await folders.contents_of("ada", "biology")
    assert (found.items, found.size_bytes) == (4, 10)
    assert found.size_bytes == (await recordings.lists.usage("ada", "biology")).originals_bytes


async def test_a_section_that_is_closed_leaves_what_was_in_it_even_to_a_late_writer(folders, recordings):
    filed = a_recording(project_id="biology", section_id="one")
    kept = a_recording(project_id="biology", section_id="two")
    for recording in (filed, kept):
        await recordings.create(recording)
    for _ in range(2):
        await folders.close_sections("ada", "biology", ["one"])
    found = await recordings.get(filed.id)
    assert (found.section_id, found.project_id) == (None, "biology")
    assert found.revision > filed.revision
    assert (await recordings.get(kept.id)).section_id == "two"


async def test_what_is_filed_is_found_by_tag_and_section(recordings):
    one = a_recording(project_id="biology", section_id="one", tags=["exam", "cells"])
    for recording in (one, a_recording(project_id="biology", tags=["cells"]), a_recording(tags=["exams"])):
        await recordings.create(recording)

    async def ids(**filters) -> list[str]:
        return [found.id for found in await recordings.lists.owned("ada", limit=10, **filters)]

    assert await ids(tag="exam") == await ids(section_id="one") == [one.id]
    assert len(await ids(tag="cells", project_id="biology")) == 2
    assert await ids(tag="none") == []
