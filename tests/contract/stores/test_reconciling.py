"""What deletion and the reconciler ask of the documents: marks, writes on one condition, whole collections."""

from datetime import timedelta

import pytest

from schemas.media import Rendition, RenditionKind, Thumbnail
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores import keys
from stores.analyses import AnalysesStore
from stores.errors import LeaseLost
from stores.jobs import Jobs
from stores.recordings import Recordings, fence_of
from tests.contract.stores.test_analyses import analyses
from tests.unit.stores.jobs import a_job, a_recording

FENCE = fence_of(a_job(), 1)


@pytest.fixture
def recordings(database) -> Recordings:
    return Recordings(database)


@pytest.fixture
async def recording(recordings):
    recording = a_recording(updated_at=now() - timedelta(minutes=5))
    await recordings.create(recording)
    return recording


def made(recording, kind=RenditionKind.AUDIO) -> Rendition:
    return Rendition(kind=kind, content_type="audio/mp4", size_bytes=9, key=keys.rendition(recording.id, kind))


async def test_a_deleted_recording_is_unknown_at_once(recordings, recording):
    assert await recordings.mark_deleted(recording)
    marked = (await recordings.stored(recording.id)).deleted_at
    assert not await recordings.mark_deleted(recording)
    assert (await recordings.stored(recording.id)).deleted_at == marked
    assert await recordings.get(recording.id) is None
    assert await recordings.get_owned(recording.owner_id, recording.id) is None
    assert await recordings.lists.owned(recording.owner_id, limit=9) == []


async def test_a_deleted_recording_takes_no_write_whatever_its_fence(recordings, recording):
    await recordings.mark_deleted(recording)
    assert await recordings.update_owned(recording.owner_id, recording.id, {"title": "Again"}) is None
    with pytest.raises(LeaseLost):
        await recordings.write(recording.id, "audio", FENCE, {"has_audio": True})
    with pytest.raises(LeaseLost):
        await recordings.add_rendition(recording.id, "audio", FENCE, made(recording))
    await recordings.follow(a_job(recording))
    assert not await recordings.amend(await recordings.stored(recording.id), {"title": "Again"})
    assert (await recordings.stored(recording.id)).title == recording.title


async def test_forgotten_it_is_gone(recordings, recording):
    await recordings.mark_deleted(recording)
    for _ in range(2):
        await recordings.forget(recording)
    assert await recordings.stored(recording.id) is None


async def test_what_was_read_before_somebody_wrote_changes_nothing(recordings, recording):
    await recordings.update_owned(recording.owner_id, recording.id, {"title": "Newer"})
    assert not await recordings.amend(recording, {"title": "Older"})
    assert not await recordings.mark_deleted(recording, unless_changed=True)
    assert not await recordings.unlist(recording, ["any"])
    assert (await recordings.get(recording.id)).title == "Newer"


async def test_what_nobody_has_touched_is_amended_once(recordings, recording):
    assert await recordings.amend(recording, {"status": RecordingStatus.FAILED})
    assert (await recordings.get(recording.id)).status is RecordingStatus.FAILED
    assert not await recordings.amend(recording, {"status": RecordingStatus.PROCESSING})


async def test_missing_objects_go_off_the_lists_and_others_stay(recordings, recording):
    pictures = [Thumbnail(at=at, key=keys.thumbnail(recording.id, at), width=1, height=1) for at in range(3)]
    for kind in (RenditionKind.AUDIO, RenditionKind.VIDEO):
        await recordings.add_rendition(recording.id, "audio", FENCE, made(recording, kind))
    await recordings.write(recording.id, "render", FENCE, {"thumbnails": [one.model_dump() for one in pictures]})
    missing = [made(recording).key, pictures[1].key]
    assert await recordings.unlist(await recordings.get(recording.id), missing)
    found = await recordings.get(recording.id)
    assert [one.kind for one in found.renditions] == [RenditionKind.VIDEO]
    assert found.thumbnails == [pictures[0], pictures[2]]


async def test_every_recording_is_seen_in_the_order_of_the_ids(recordings, database):
    stored = [a_recording() for _ in range(5)]
    for recording in reversed(stored):
        await recordings.create(recording)
    await recordings.mark_deleted(stored[2])
    ids = [recording.id for recording in stored]
    assert [recording_id for page in [page async for page in recordings.ids()] for recording_id in page] == ids
    assert await recordings.present([*ids[:2], "none"]) == set(ids[:2])


async def test_one_that_cannot_be_read_keeps_no_other_from_being_read(recordings, recording, database):
    await database["recordings"].insert_one({"_id": "broken"})
    found, unreadable = await recordings.many([recording.id, "broken", "none"])
    assert found == {recording.id: recording}
    assert unreadable == ["broken"]


async def test_every_job_is_seen_with_its_recording(database):
    jobs, made = Jobs(database), [a_job() for _ in range(3)]
    for job in made:
        await jobs.create(job)
    seen = [pair async for page in jobs.recordings() for pair in page]
    assert seen == [(job.id, job.recording_id) for job in made]
    assert await jobs.present([made[1].id, "none"]) == {made[1].id}


async def test_all_analyses_are_found_by_their_recording(database):
    store = AnalysesStore(database)
    for recording_id in ("b", "a"):
        await store.put(recording_id, FENCE, analyses("one"))
    assert [recording_id async for page in store.ids() for recording_id in page] == ["a", "b"]
