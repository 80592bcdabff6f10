"""Recordings: what their owner lists and changes, and that only the newest writer of a stage is heard."""

import asyncio

import pytest

from schemas.ids import new_id
from schemas.jobs import Failure
from schemas.media import Rendition, RenditionKind
from schemas.recordings import RecordingKind, RecordingStatus
from stores import lifecycle
from stores.errors import Duplicate, LeaseLost
from stores.recordings import Recordings, fence_of
from tests.unit.stores.jobs import START, a_document, a_job, a_recording, result_of, wake_of

JOB = a_job()
OLD, NEW = fence_of(JOB, 9), fence_of(JOB, 10)


@pytest.fixture
async def recordings(database) -> Recordings:
    recordings = Recordings(database)
    for _ in range(2):
        await recordings.prepare()
    return recordings


@pytest.fixture
async def recording(recordings):
    recording = a_recording()
    await recordings.create(recording)
    return recording


def rendition(kind=RenditionKind.AUDIO, size=10) -> Rendition:
    return Rendition(kind=kind, content_type="audio/mp4", size_bytes=size, key=f"renditions/{kind}")


async def test_a_recording_comes_back_as_it_was_stored(recordings, recording):
    assert await recordings.get(recording.id) == recording
    with pytest.raises(Duplicate):
        await recordings.create(recording)


async def test_nobody_else_sees_changes_or_deletes_it(recordings, recording):
    assert await recordings.get_owned("bob", recording.id) is None
    assert await recordings.update_owned("bob", recording.id, {"title": "Mine"}) is None
    await recordings.delete_owned("bob", recording.id)
    assert await recordings.get_owned("ada", recording.id) == recording


async def test_its_owner_changes_and_deletes_it(recordings, recording):
    changed = await recordings.update_owned("ada", recording.id, {"title": "Retro"})
    assert (changed.title, changed.filename) == ("Retro", "standup.webm")
    assert changed.updated_at > recording.updated_at
    for _ in range(2):
        await recordings.delete_owned("ada", recording.id)
    assert await recordings.get(recording.id) is None


async def test_lists_are_newest_first_and_go_on_where_they_stopped(recordings):
    ids = []
    for owner in ("ada", "bob", "ada", "ada", "ada", "ada"):
        recording = a_recording(owner_id=owner)
        await recordings.create(recording)
        ids += [recording.id] if owner == "ada" else []
    listed, before = [], None
    while page := await recordings.lists.owned("ada", limit=2, before=before):
        before = page[-1].id
        listed += [recording.id for recording in page]
    assert listed == ids[::-1]


async def test_documents_and_recordings_have_lists_of_their_own(recordings, database):
    """And one of an earlier release, which names no kind, is a recording."""
    earlier, document = a_recording(), a_document()
    for made in (earlier, document, recent := a_recording()):
        await recordings.create(made)
    fields = await database["recordings"].find_one({"_id": earlier.id})
    del fields["kind"]
    await database["recordings"].replace_one({"_id": earlier.id, "revision": 1}, fields)
    assert [found.id for found in await recordings.lists.owned("ada", limit=9)] == [recent.id, earlier.id]
    assert [found.id for found in await recordings.lists.documents("ada", limit=9)] == [document.id]
    everything = [found.id for found in await recordings.lists.everything("ada", limit=9)]
    assert everything == [recent.id, document.id, earlier.id]
    assert (await recordings.get(earlier.id)).kind is RecordingKind.RECORDING


async def test_lists_can_be_filtered(recordings):
    await recordings.create(a_recording(title="Plan (Q1.*)", project_id="web", status=RecordingStatus.COMPLETED))
    await recordings.create(a_recording(title="plan b", project_id="web"))
    await recordings.create(a_recording(title="Other"))

    async def titles(**filters) -> list[str]:
        return [recording.title for recording in await recordings.lists.owned("ada", limit=10, **filters)]

    assert await titles(title="PLAN") == ["plan b", "Plan (Q1.*)"]
    assert await titles(title="(q1.*)") == ["Plan (Q1.*)"]
    assert await titles(title=".*") == ["Plan (Q1.*)"]
    assert await titles(project_id="web") == ["plan b", "Plan (Q1.*)"]
    assert await titles(status=RecordingStatus.COMPLETED, title="plan") == ["Plan (Q1.*)"]


async def test_only_the_newest_writer_of_a_stage_is_heard(recordings, recording):
    await recordings.write(recording.id, "audio", NEW, {"has_audio": True})
    await recordings.write(recording.id, "audio", NEW, {"duration_seconds": 3.0})
    with pytest.raises(LeaseLost):
        await recordings.write(recording.id, "audio", OLD, {"has_audio": False})
    await recordings.write(recording.id, "render", OLD, {"has_video": True})
    found = await recordings.get(recording.id)
    assert (found.has_audio, found.has_video, found.duration_seconds) == (True, True, 3)
    assert found.fences == {"audio": NEW, "render": OLD}


async def test_a_job_that_is_set_going_again_is_newer_than_one_that_came_between(recordings, recording):
    first, between = a_job(recording), a_job()
    await recordings.write(recording.id, "audio", fence_of(between, 1), {"has_audio": True})
    with pytest.raises(LeaseLost):
        await recordings.write(recording.id, "audio", fence_of(first, 5), {"has_audio": False})
    lifecycle.cancel(first, START)
    lifecycle.retry(first, START)
    await recordings.write(recording.id, "audio", fence_of(first, 6), {"has_video": True})
    with pytest.raises(LeaseLost):
        await recordings.write(recording.id, "audio", fence_of(between, 2), {"has_audio": False})
    assert (await recordings.get(recording.id)).has_video


async def test_a_lost_recording_stays_lost(recordings):
    for act in (
        recordings.write("nothing", "audio", NEW, {"has_audio": True}),
        recordings.add_rendition("nothing", "audio", NEW, rendition()),
    ):
        with pytest.raises(LeaseLost):
            await act
    assert await recordings.get("nothing") is None


async def test_a_rendition_takes_the_place_of_its_kind(recordings, recording):
    await recordings.add_rendition(recording.id, "audio", OLD, rendition(size=1))
    await recordings.add_rendition(recording.id, "audio", OLD, rendition(RenditionKind.SPEECH))
    await recordings.add_rendition(recording.id, "audio", NEW, rendition(size=2))
    await recordings.add_rendition(recording.id, "audio", NEW, rendition(size=2))
    with pytest.raises(LeaseLost):
        await recordings.add_rendition(recording.id, "audio", OLD, rendition(size=3))
    found = await recordings.get(recording.id)
    assert found.renditions == [rendition(size=2), rendition(RenditionKind.SPEECH)]


async def test_an_overtaken_writer_takes_no_rendition_away(database, recordings, recording):
    """The old writer had passed its check when the new one came: what it writes then is refused."""
    old = Recordings(database)
    read, come = old._collection.read, []

    async def overtaken(recording_id):
        found = await read(recording_id)
        if not come:
            come.append(True)
            await recordings.add_rendition(recording.id, "audio", NEW, rendition(size=2))
        return found

    old._collection.read = overtaken
    with pytest.raises(LeaseLost):
        await old.add_rendition(recording.id, "audio", OLD, rendition(size=1))
    assert (await recordings.get(recording.id)).renditions == [rendition(size=2)]


async def test_of_many_writers_at_once_each_is_heard(database, recordings, recording):
    """One of a group is made, the others are tried again."""
    kinds, processes = list(RenditionKind), [recordings, Recordings(database)]
    made = [process.add_rendition(recording.id, kind, OLD, rendition(kind)) for kind in kinds for process in processes]
    await asyncio.gather(*made)
    found = await recordings.get(recording.id)
    assert sorted(found.renditions, key=lambda made: kinds.index(made.kind)) == [rendition(kind) for kind in kinds]
    assert found.revision >= 1 + len(made)


async def test_a_recording_as_it_was_read_is_no_older_than_its_document(recordings, recording):
    """What somebody else has written since is kept, and a deletion is noticed."""
    await recordings.update_owned("ada", recording.id, {"title": "Retro"})
    assert await recordings.follow(a_job(recording), recording)
    found = await recordings.get(recording.id)
    assert (found.title, found.status) == ("Retro", RecordingStatus.PROCESSING)
    await recordings.mark_deleted(recording)
    assert not await recordings.follow(a_job(recording), found)


async def test_following_again_writes_nothing(recordings, recording):
    job = a_job(recording)
    for _ in range(2):
        assert await recordings.follow(job)
    assert (await recordings.get(recording.id)).revision == 2


async def test_the_status_follows_the_job(recordings, recording):
    job = a_job(recording)
    await recordings.follow(job)
    assert (await recordings.get(recording.id)).status is RecordingStatus.PROCESSING
    lifecycle.cancel(job, START)
    await recordings.follow(job)
    found = await recordings.get(recording.id)
    assert (found.status, found.error.code) == (RecordingStatus.FAILED, "cancelled")


async def test_the_status_says_which_step_failed(recordings, recording):
    job = a_job(recording)
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 10, START)
    lifecycle.fail(job, "audio", 1, Failure(code="no_media", detail="Nothing there."), START)
    lifecycle.claim(job, "render", wake_of(job, "render"), "one", 10, START)
    lifecycle.complete(job, "render", 1, {}, result_of(job, "render"), START)
    await recordings.follow(job)
    found = await recordings.get(recording.id)
    assert (found.status, found.error.code) == (RecordingStatus.FAILED, "no_media")


async def test_an_older_state_of_the_job_does_not_come_back(recordings, recording):
    older = a_job(recording)
    newer = older.model_copy(deep=True)
    newer.version += 1
    lifecycle.cancel(newer, START)
    await recordings.follow(newer)
    await recordings.follow(older)
    assert (await recordings.get(recording.id)).status is RecordingStatus.FAILED


async def test_the_newest_job_that_is_followed_is_the_recordings(recordings, recording):
    first, second = (a_job(recording).model_copy(update={"id": job_id}) for job_id in (recording.job_id, new_id()))
    await recordings.follow(second)
    await recordings.follow(first)
    assert (await recordings.get(recording.id)).job_id == second.id


async def test_every_job_is_found_by_its_recording(recordings, recording):
    await recordings.note_job(recording, "second")
    again = await recordings.get(recording.id)
    for _ in range(2):
        await recordings.note_job(again.model_copy(update={"job_id": "third"}), "fourth")
    found = await recordings.get(recording.id)
    assert found.every_job_id == (recording.job_id, "second", "third", "fourth")
    assert found.updated_at == recording.updated_at
    await recordings.note_job(a_recording(id="nothing"), "fifth")
    assert await recordings.get("nothing") is None


async def test_following_for_a_deleted_recording_is_harmless(recordings):
    job = a_job()
    await recordings.follow(job)
    assert await recordings.get(job.recording_id) is None


async def test_what_recordings_take_up_is_summed_from_their_documents(recordings):
    made = [rendition(RenditionKind.VIDEO, 50), rendition(RenditionKind.AUDIO, 7)]
    await recordings.create(a_recording(project_id="web", size_bytes=1000, renditions=made))
    await recordings.create(a_recording(project_id="web", size_bytes=200, status=RecordingStatus.COMPLETED))
    await recordings.create(a_recording(size_bytes=30, renditions=made[1:], status=RecordingStatus.COMPLETED))
    await recordings.create(a_recording(project_id="web", size_bytes=9000, status=RecordingStatus.AWAITING_UPLOAD))
    await recordings.create(a_recording(project_id="web", size_bytes=5, owner_id="bob", renditions=made))
    gone = a_recording(project_id="web", renditions=made, deleted_at=START)
    await recordings.create(gone)
    web, everything = await recordings.lists.usage("ada", "web"), await recordings.lists.usage("ada")
    waiting, processing, completed = (
        RecordingStatus.AWAITING_UPLOAD,
        RecordingStatus.PROCESSING,
        RecordingStatus.COMPLETED,
    )
    assert web.by_status == {waiting: 1, processing: 1, completed: 1}
    assert (web.originals_bytes, web.by_rendition) == (1200, {RenditionKind.VIDEO: 50, RenditionKind.AUDIO: 7})
    assert everything.by_status == {waiting: 1, processing: 1, completed: 2}
    assert everything.originals_bytes == 1230
    assert everything.by_rendition == {RenditionKind.VIDEO: 50, RenditionKind.AUDIO: 14}
    assert await recordings.lists.usage("eve") == ({}, 0, {})


async def test_what_is_to_go_from_a_project_includes_what_is_going_already(recordings):
    mine = [a_recording(project_id="web") for _ in range(3)]
    others = [a_recording(), a_recording(project_id="app"), a_recording(project_id="web", owner_id="bob")]
    for recording in (*mine, *others):
        await recordings.create(recording)
    await recordings.mark_deleted(mine[1])
    later = new_id()
    await recordings.create(a_recording(id=new_id(), project_id="web"))
    found = await recordings.lists.stored_in("ada", "web", before=later, limit=2)
    assert [recording.id for recording in found] == [mine[2].id, mine[1].id]
    rest = await recordings.lists.stored_in("ada", "web", before=found[-1].id, limit=2)
    assert [recording.id for recording in rest] == [mine[0].id]


async def test_what_was_accepted_is_noted_once(recordings):
    """An operator may have taken the mark away since, as after moving to another object store."""
    recording = a_recording(status=RecordingStatus.AWAITING_UPLOAD, content_type=None)
    await recordings.create(recording)
    job = a_job(recording)
    job.facts[0] |= {"type": "recording.uploaded", "etag": "mark", "content_type": "audio/ogg", "size_bytes": 7}
    await recordings.follow(job)
    found = await recordings.get(recording.id)
    assert (found.etag, found.content_type, found.size_bytes) == ("mark", "audio/ogg", 7)
    await recordings.amend(found, {"etag": None})
    lifecycle.cancel(job, START)
    job.version += 1
    await recordings.follow(job)
    found = await recordings.get(recording.id)
    assert (found.status, found.etag) == (RecordingStatus.FAILED, None)
