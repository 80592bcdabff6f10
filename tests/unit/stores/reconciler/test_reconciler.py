"""Documents and objects that do not match: found by name, repaired once, and left alone while somebody may be at it."""

import asyncio
from datetime import timedelta

import pytest

from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.jobs import Failure
from schemas.recordings import RecordingStatus
from schemas.time import now
from schemas.transcripts import Segment
from stores import keys, lifecycle
from stores.errors import StoreUnavailable
from stores.reconciler import Kind, Outcome, reconciler
from stores.reconciler.judgement import Ages
from stores.recordings import fence_of
from tests.unit.stores.jobs import a_job, a_recording, wake_of
from tests.unit.stores.reconciler.house import OLD, WEBM, House

ABANDONED = 120
ANALYSES = Analyses(
    summary=Summary(text="All is well.", provider="test"),
    action_items=ActionItems(provider="test"),
    key_points=KeyPoints(provider="test"),
    sentiment=Sentiment(provider="test", label="positive", score=0.5),
)


@pytest.fixture
def house() -> House:
    return House()


async def test_where_all_is_well_there_is_nothing_to_be_found(house):
    for _ in range(5):
        await house.completed()
    assert await house.found() == []
    report = await house.reconciler.run()
    assert (report.recordings, report.objects, report.findings) == (5, 15, ())


async def test_objects_of_no_recording_are_removed_once_they_are_old(house):
    kept, orphan = await house.completed(), a_recording()
    house.bucket.store(orphan.object_key, minutes=ABANDONED + 1)
    house.bucket.store(keys.rendition(orphan.id, "video.mp4"), minutes=ABANDONED - 1)
    house.bucket.store("documents/of somebody else")
    assert await house.reconciled() == [("object_orphaned", "repaired")]
    assert house.keys_of(orphan) == [keys.rendition(orphan.id, "video.mp4")]
    assert len(house.keys_of(kept)) == 3
    assert "documents/of somebody else" in house.bucket.objects
    assert await house.found() == []


async def test_the_merge_sees_every_recording_wherever_it_lies(house):
    """With documents only, objects only and both, in every order; a listing's page ends anywhere."""
    orphans, empty = [], []
    for number in range(60):
        match number % 3:
            case 0:
                await house.completed()
            case 1:
                orphans.append(a_recording())
                house.bucket.store(orphans[-1].object_key)
            case 2:
                empty.append(await house.awaiting())
    found = await house.found()
    assert sorted(found) == sorted(
        [("object_orphaned", one.id) for one in orphans] + [("upload_abandoned", one.id) for one in empty]
    )


async def test_a_recording_whose_upload_is_lost_says_so_once(house):
    recording = await house.completed()
    del house.bucket.objects[recording.object_key]
    assert await house.reconciled() == [("source_missing", "repaired")]
    found = await house.recordings.get(recording.id)
    assert (found.status, found.error.code) == (RecordingStatus.FAILED, "source_missing")
    assert found.renditions == recording.renditions
    assert await house.found() == []


async def test_what_is_being_worked_on_is_left_to_its_job(house):
    recording = await house.completed()
    await house.recordings.amend(recording, {"status": RecordingStatus.PROCESSING})
    del house.bucket.objects[recording.object_key]
    assert await house.found() == []


async def test_renditions_that_are_not_there_are_no_longer_listed(house):
    recording = await house.completed()
    del house.bucket.objects[recording.renditions[0].key]
    del house.bucket.objects[recording.thumbnails[0].key]
    assert await house.reconciled() == [("rendition_missing", "repaired")]
    found = await house.recordings.get(recording.id)
    assert (found.renditions, found.thumbnails, found.status) == ([], [], RecordingStatus.COMPLETED)
    assert await house.found() == []


async def test_what_was_written_a_moment_ago_is_nobodys_business(house):
    recording = await house.completed(minutes=0.5)
    del house.bucket.objects[recording.renditions[0].key]
    del house.bucket.objects[recording.object_key]
    assert await house.found() == []


async def test_an_upload_that_was_swapped_is_reported_and_nothing_is_destroyed(house):
    recording = await house.completed()
    house.bucket.store(recording.object_key, WEBM + b"more")
    assert await house.reconciled() == [("source_changed", "reported")]
    assert len(house.keys_of(recording)) == 3
    assert await house.recordings.get(recording.id) == recording
    told = Failure(code="source_changed", detail="It was replaced.").model_dump()
    await house.recordings.write(recording.id, "job", fence_of(a_job(recording), 1), {"error": told})
    assert await house.found() == []


async def test_a_lost_job_is_made_again(house):
    recording = await house.recording(status=RecordingStatus.PROCESSING)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("job_missing", "repaired")]
    assert (await house.jobs.get(recording.job_id)).recording_id == recording.id
    assert await house.found() == []


async def test_a_lost_job_that_had_begun_gets_a_number_whose_fences_are_newer(house):
    fences = {"audio": fence_of(a_job(), 7)}
    recording = await house.recording(status=RecordingStatus.PROCESSING, fences=fences)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("job_missing", "repaired")]
    job = await house.jobs.get((await house.recordings.get(recording.id)).job_id)
    await house.recordings.write(recording.id, "audio", fence_of(job, 1), {"has_audio": True})
    assert job.recording_id == recording.id


async def test_a_lost_job_of_a_lost_upload_cannot_be_made_again(house):
    recording = await house.recording(status=RecordingStatus.PROCESSING)
    assert await house.reconciled() == [("source_missing", "repaired")]
    assert (await house.recordings.get(recording.id)).error.code == "source_missing"
    assert await house.found() == []


async def test_what_was_made_for_a_recording_that_is_gone_goes_too(house):
    kept, gone = await house.completed(), a_recording()
    job = await house.jobs.create(a_job(gone))
    for recording in (kept, gone):
        await house.transcripts.begin(recording.id, fence_of(a_job(recording), 1), "echo")
        await house.analyses.put(recording.id, fence_of(a_job(recording), 1), ANALYSES)
    outcomes = [("job_orphaned", "repaired"), ("transcript_orphaned", "repaired"), ("analyses_orphaned", "repaired")]
    assert await house.reconciled() == outcomes
    assert await house.jobs.get(job.id) is None
    assert await house.transcripts.get(gone.id) is None
    assert await house.analyses.get(gone.id) is None
    assert await house.transcripts.get(kept.id)
    assert await house.analyses.get(kept.id)
    assert await house.found() == []


async def test_a_deletion_that_broke_off_is_brought_to_its_end(house):
    recording, earlier = await house.completed(), now() - timedelta(minutes=2)
    await house.recordings.amend(recording, {"deleted_at": earlier})
    await house.recordings.mark_deleted(await house.completed())
    assert await house.reconciled() == [("deletion_unfinished", "repaired")]
    assert await house.recordings.stored(recording.id) is None
    assert await house.jobs.get(recording.job_id) is None
    assert house.keys_of(recording) == []
    assert house.publisher.types() == ["recording.deleted"]


async def test_a_deletion_waits_for_kafka_and_keeps_nothing_else_waiting(house):
    recording, orphan = await house.completed(), a_recording()
    await house.recordings.amend(recording, {"deleted_at": now() - timedelta(minutes=2)})
    house.bucket.store(orphan.object_key)
    house.publisher.away = True
    assert await house.reconciled() == [("deletion_unfinished", "put_off"), ("object_orphaned", "repaired")]
    house.publisher.away = False
    assert await house.reconciled() == [("deletion_unfinished", "repaired")]


async def test_parts_that_nobody_is_sending_are_thrown_away(house):
    recording = await house.completed()
    for minutes in (ABANDONED - 1, ABANDONED + 1):
        house.bucket.begin(keys.rendition(recording.id, "video.mp4"), minutes)
        house.bucket.begin(keys.original(a_recording().id), minutes)
    house.bucket.begin("documents/of somebody else")
    assert await house.reconciled() == [("upload_parts", "repaired")] * 2
    assert len(house.bucket.uploads) == 3
    assert await house.found() == []


async def test_a_wrong_bucket_destroys_no_document(house):
    for _ in range(10):
        await house.completed()
    house.bucket.objects.clear()
    found = await house.reconciled()
    assert set(found) == {("source_missing", "held"), ("rendition_missing", "held")}
    assert {finding.outcome for finding in (await house.reconciler.find()).findings} == {Outcome.HELD}
    assert len(await house.found()) == 20


async def test_a_wrong_database_destroys_no_object(house):
    for _ in range(10):
        house.bucket.store(a_recording().object_key)
        await house.jobs.create(a_job())
    assert set(await house.reconciled()) == {("object_orphaned", "held"), ("job_orphaned", "held")}
    assert len(house.bucket.objects) == 10


async def test_a_person_who_has_looked_may_have_it_done_all_the_same(house):
    for _ in range(10):
        house.bucket.store(a_recording().object_key)
    assert set(await house.reconciled(hold=False)) == {("object_orphaned", "repaired")}
    assert house.bucket.objects == {}


async def test_a_few_losses_among_many_are_no_reason_to_hold(house):
    for _ in range(20):
        await house.completed()
    for _ in range(4):
        house.bucket.store(a_recording().object_key)
    assert set(await house.reconciled()) == {("object_orphaned", "repaired")}


async def test_a_kind_that_never_settles_keeps_no_other_from_its_turn(house, monkeypatch):
    monkeypatch.setattr(reconciler, "_MOST_OF_A_KIND", 3)
    for _ in range(8):
        swapped = await house.completed()
        house.bucket.store(swapped.object_key, WEBM + b"more")
    orphan = a_recording()
    house.bucket.store(orphan.object_key)
    report = await house.reconciler.run()
    assert report.counts == {Kind.SOURCE_CHANGED: 8, Kind.OBJECT_ORPHANED: 1}
    outcomes = [(finding.kind.value, finding.outcome.value) for finding in report.findings]
    assert outcomes == [("source_changed", "reported")] * 3 + [("object_orphaned", "repaired")]


async def test_one_that_cannot_be_repaired_keeps_no_other_of_its_kind_waiting_for_ever(house, monkeypatch):
    """Which ones a run takes on is left to chance."""
    monkeypatch.setattr(reconciler, "_MOST_OF_A_KIND", 1)
    broken, recording = await house.awaiting(), await house.awaiting()
    delete_prefix = house.bucket.delete_prefix

    async def fails_for_one(prefix: str) -> None:
        if broken.id in prefix:
            raise StoreUnavailable("object store", "it does not answer for this one")
        await delete_prefix(prefix)

    house.bucket.delete_prefix = fails_for_one
    for _ in range(200):
        assert len(await house.reconciled()) == 1
        if await house.recordings.stored(recording.id) is None:
            break
    assert await house.recordings.stored(recording.id) is None


async def test_pages_of_a_transcript_that_came_after_its_deletion_go(house):
    """A worker that is killed between a page and the look whether the recording is still there."""
    kept, gone = await house.completed(), a_recording()
    for recording in (kept, gone):
        await house.transcripts.begin(recording.id, "fence", "echo")
        await house.transcripts.write(recording.id, "fence", 0, [Segment(id=0, start=0, end=1, text="Well.")])
    await house.database["transcripts"].delete_one({"_id": gone.id})
    assert await house.found() == [("transcript_orphaned", gone.id)]
    assert await house.reconciled() == [("transcript_orphaned", "repaired")]
    assert [page["recording_id"] async for page in house.database["transcript_pages"].find({})] == [kept.id]
    assert await house.found() == []


async def test_pages_that_cannot_be_looked_at_in_time_keep_nothing_from_its_turn(house):
    house.bucket.store(a_recording().object_key)

    async def headless():
        raise StoreUnavailable("document store", "no answer within 10 s")
        yield []

    house.transcripts.headless = headless
    assert await house.reconciled() == [("object_orphaned", "repaired")]


async def test_one_document_that_cannot_be_read_keeps_no_other_from_its_turn(house):
    await house.database["recordings"].insert_one({"_id": "0broken"})
    house.bucket.store(keys.original("0broken"))
    recording = await house.awaiting()
    assert await house.found() == [("upload_abandoned", recording.id)]
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert house.bucket.objects


async def test_one_that_cannot_be_repaired_keeps_no_other_from_its_turn(house):
    broken, recording = await house.awaiting(), await house.awaiting()
    delete_prefix = house.bucket.delete_prefix

    async def fails_for_one(prefix: str) -> None:
        assert broken.id not in prefix, "nobody foresaw this"
        await delete_prefix(prefix)

    house.bucket.delete_prefix = fails_for_one
    assert await house.reconciled() == [("upload_abandoned", "put_off"), ("upload_abandoned", "repaired")]
    assert await house.recordings.stored(recording.id) is None


@pytest.mark.parametrize("which", ["bucket", "database"])
async def test_a_store_that_is_away_ends_the_run(house, which):
    await house.completed()
    getattr(house, which).away = True
    with pytest.raises(StoreUnavailable):
        await house.reconciler.run()


async def test_a_store_that_goes_away_meanwhile_ends_the_run(house):
    for _ in range(9):
        await house.awaiting()

    async def gone(prefix: str) -> None:
        raise StoreUnavailable("object store", "it is away")

    house.bucket.delete_prefix = gone
    with pytest.raises(StoreUnavailable):
        await house.reconciler.run()
    assert len(await house.found()) <= 6  # nothing is half: what is marked is a deletion, which is repeated


async def test_a_worker_that_goes_on_writing_loses_nothing_to_the_reconciler(house):
    """A rendition is stored again at the moment at which its absence is repaired."""
    for turns in range(30):
        house = House()
        recording = await house.completed()
        made = recording.renditions[0]
        del house.bucket.objects[made.key]
        run = asyncio.create_task(house.reconciler.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        house.bucket.store(made.key, b"made again", minutes=0)
        await house.recordings.add_rendition(recording.id, "render", fence_of(a_job(recording), 2), made)
        await run
        assert (await house.recordings.get(recording.id)).renditions == [made]


async def test_a_deletion_under_the_work_of_a_job_leaves_nothing(house):
    """A worker that is killed before it notices leaves things of a recording that is gone: all are found."""
    recording = await house.completed()
    job = await house.jobs.get(recording.job_id)
    lifecycle.claim(job, "audio", wake_of(job, "audio"), "one", 60, now())
    await house.deletion.destroy(recording)
    house.bucket.store(keys.speech_part(recording.id, 3), minutes=OLD)
    await house.transcripts.begin(recording.id, "fence", "echo")
    await house.analyses.put(recording.id, "fence", ANALYSES)
    await house.jobs.create(job)
    assert len(await house.reconciled()) == 4
    assert house.state() == ({}, {}) or set(house.state()[0]) <= {"alarms"}
    assert await house.found() == []


async def test_what_comes_by_addresses_of_deleted_recordings_is_removed_however_much_it_is(house):
    deleted = [await house.recording() for _ in range(5)]
    for recording in deleted:
        await house.deletion.destroy(recording)
        house.bucket.store(recording.object_key, minutes=1)
    assert await house.reconciled() == []
    for recording in deleted:
        house.bucket.store(recording.object_key)
    assert await house.reconciled() == [("object_late", "repaired")] * 5
    assert house.bucket.objects == {}


async def test_traces_of_deleted_recordings_hide_nothing_that_was_lost_and_go_in_time(house):
    form, deleted = await house.form(), await house.recording()
    for recording in (form, deleted):
        await house.deletion.destroy(recording)
    traces = house.recordings.traces
    assert await traces.among([form.id, deleted.id]) == {deleted.id}
    for orphan in (a_recording() for _ in range(5)):
        house.bucket.store(orphan.object_key)
    assert set(await house.reconciled()) == {("object_orphaned", "held")}
    assert await traces.among([deleted.id]) == {deleted.id}
    await traces.leave(deleted.id, now() - Ages.of(house.settings).trace - timedelta(minutes=1))
    await house.reconciler.run()
    assert await traces.among([deleted.id]) == set()
