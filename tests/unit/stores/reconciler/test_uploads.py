"""Uploads that were never completed: completed if they are whole and media, else given up, each at its time."""

import asyncio
from datetime import timedelta

import pytest

from schemas.jobs import Status
from schemas.parts import Parts
from schemas.recordings import RecordingKind, RecordingStatus, Source
from schemas.time import now
from stores import intake
from stores.intake import RecordingGone
from stores.reconciler import Kind
from tests.unit.stores.jobs import a_job
from tests.unit.stores.reconciler.house import WEBM, House

ABANDONED, ADDRESS = 120, 60
"""Minutes, by the defaults of the settings: uploads are abandoned, and addresses become invalid."""


@pytest.fixture
def house() -> House:
    return House()


async def test_a_whole_upload_is_completed_as_its_client_would_have(house):
    recording = await house.awaiting(ABANDONED + 1)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.found() == [("upload_stored", recording.id)]
    assert await house.reconciled() == [("upload_stored", "repaired")]
    job, stored = await house.jobs.get(recording.job_id), await house.recordings.get(recording.id)
    assert (job.status, job.recording_id) == (Status.QUEUED, recording.id)
    assert (stored.status, stored.content_type) == (RecordingStatus.PROCESSING, "video/webm")
    assert stored.etag == (await house.bucket.stat(recording.object_key)).etag
    assert house.publisher.types() == ["recording.uploaded"]
    assert await house.found() == []


async def test_what_is_beyond_the_end_of_its_callers_queue_waits():
    """And holds up nobody else; the next run completes it, if there is room then."""
    house = House(max_queue_size_per_caller=2)
    busy = await house.completed()
    uploads = [await stored_upload(house) for _ in range(3)]
    await stored_upload(house, owner_id="bob")
    assert sorted(await house.reconciled()) == [("upload_stored", "put_off")] * 2 + [("upload_stored", "repaired")] * 2
    assert await house.jobs.open_by_owner() == {"ada": 2, "bob": 1}
    waiting = [one for one in uploads if await house.jobs.get(one.job_id) is None]
    for recording in waiting:
        assert (await house.recordings.get(recording.id)) == recording
        assert house.keys_of(recording)
    await house.jobs.delete(busy.job_id)
    assert sorted(await house.reconciled()) == [("upload_stored", "put_off"), ("upload_stored", "repaired")]


async def test_what_is_beyond_the_end_of_the_whole_queue_waits():
    house = House(max_queue_size=2)
    for owner_id in ("ada", "bob", "eve"):
        await stored_upload(house, owner_id=owner_id)
    assert sorted(await house.reconciled()) == [("upload_stored", "put_off")] + [("upload_stored", "repaired")] * 2


async def stored_upload(house: House, **fields):
    """What is to be completed."""
    recording = await house.awaiting(**fields)
    house.bucket.store(recording.object_key, WEBM)
    return recording


async def test_before_that_it_is_its_clients_affair(house):
    recording = await house.awaiting(ABANDONED - 1)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.found() == []


async def test_what_a_client_tried_to_complete_does_not_wait(house):
    """The API died between what it wrote of the upload and its job."""
    recording = await house.awaiting(2, content_type="video/webm", etag="of then")
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("upload_stored", "repaired")]
    assert await house.jobs.get(recording.job_id)


async def test_what_a_client_is_completing_at_this_moment_is_left_alone_however_old_it_is(house):
    for body in (WEBM, WEBM[:-1]):
        recording = await house.awaiting(content_type="video/webm", etag="of then", updated_at=now())
        house.bucket.store(recording.object_key, body)
    assert await house.found() == []


async def test_completing_needs_no_kafka(house):
    house.publisher.away = True
    recording = await house.awaiting()
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("upload_stored", "repaired")]
    job = await house.jobs.get(recording.job_id)
    assert job.outbox == [job.facts[0]["id"]]
    assert job.sweep_at is not None


@pytest.mark.parametrize("body", [None, WEBM[:-1], b"%PDF-" + WEBM[5:]], ids=["nothing", "another size", "no media"])
async def test_what_is_not_the_announced_recording_expires_with_its_bytes(house, body):
    early, recording = await house.awaiting(ABANDONED + ADDRESS - 1), await house.awaiting(ABANDONED + ADDRESS + 1)
    for awaited in (early, recording) if body else ():
        house.bucket.store(awaited.object_key, body)
    assert await house.found() == [("upload_abandoned", recording.id)]
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert await house.recordings.stored(recording.id) is None
    assert house.keys_of(recording) == []
    assert await house.recordings.get(early.id) == early
    assert len(house.keys_of(early)) == bool(body)
    assert house.publisher.events == []


async def test_a_slow_put_that_began_in_time_is_not_lost(house):
    """Its address was valid when it began; the object appears long after."""
    recording = await house.awaiting(ABANDONED + ADDRESS - 1)
    assert await house.found() == []
    house.bucket.store(recording.object_key, WEBM, minutes=0)
    assert await house.reconciled() == [("upload_stored", "repaired")]


async def test_more_than_is_allowed_expires(house):
    small = House(max_upload_size_mb=0)
    recording = await small.awaiting()
    small.bucket.store(recording.object_key, WEBM)
    assert await small.reconciled() == [("upload_abandoned", "repaired")]


async def test_a_form_that_was_stored_whole_is_completed(house):
    """Its API died before it wrote how many bytes they were."""
    recording = await house.form(ABANDONED + 1)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("upload_stored", "repaired")]
    stored = await house.recordings.get(recording.id)
    assert (stored.size_bytes, stored.status) == (len(WEBM), RecordingStatus.PROCESSING)


async def test_a_document_whose_form_broke_off_expires_even_if_its_bytes_are_whole(house):
    """Nobody was told that it arrived, and what its bytes are is not known: it is sent again."""
    document = await house.form(ABANDONED + 1, kind=RecordingKind.DOCUMENT, source=Source.DOCUMENT)
    house.bucket.store(document.object_key, b"%PDF-1.7")
    assert await house.found() == [("upload_abandoned", document.id)]
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert await house.recordings.stored(document.id) is None
    assert house.keys_of(document) == []


async def test_a_document_whose_job_is_gone_is_read_again(house):
    fields = {"kind": RecordingKind.DOCUMENT, "source": Source.DOCUMENT, "sha256": "0" * 64}
    document = await house.recording(ABANDONED + 1, **fields)
    house.bucket.store(document.object_key, b"%PDF-1.7")
    assert await house.reconciled() == [("job_missing", "repaired")]
    job = await house.jobs.get(document.job_id)
    assert [step.name for step in job.steps] == ["pages", "analyse"]
    assert house.publisher.types() == ["document.uploaded"]


async def test_a_form_that_broke_off_goes_with_its_parts(house):
    recording = await house.form(ABANDONED + 1)
    house.bucket.begin(recording.object_key)
    assert await house.reconciled() == [("upload_abandoned", "repaired"), ("upload_parts", "settled")]
    assert await house.recordings.stored(recording.id) is None
    assert house.bucket.uploads == []


async def test_a_form_that_is_still_being_received_stays(house):
    made = now() - timedelta(hours=9)
    recording = await house.form(1, created_at=made)
    house.bucket.begin(recording.object_key, minutes=9 * 60)
    assert await house.found() == []


async def test_a_job_that_is_there_is_left_to_its_outbox(house):
    recording = await house.awaiting()
    house.bucket.store(recording.object_key, WEBM)
    await house.jobs.create(a_job(recording))
    assert await house.found() == []


async def test_of_a_completion_and_an_expiry_at_once_one_wins_whole(house):
    """Every order of their steps: either all of it is there, or nothing."""
    for turns in range(40):
        house = House()
        recording = await house.awaiting()
        house.bucket.store(recording.object_key, WEBM[:-1])
        run = asyncio.create_task(house.reconciler.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        house.bucket.store(recording.object_key, WEBM)
        job = await complete(house, recording)
        await run
        alive = await house.recordings.stored(recording.id)
        assert bool(job) == bool(alive)
        assert bool(house.keys_of(recording)) == bool(alive) or not alive
        assert bool(await house.jobs.get(recording.job_id)) == bool(alive)


async def complete(house: House, recording):
    """What the API does with upload-complete."""
    stored = await intake.examine(house.bucket, recording, house.settings.max_upload_bytes)
    updated = await house.recordings.update_owned(recording.owner_id, recording.id, stored.fields())
    if updated is None:
        return None
    try:
        return (await intake.accept(house.jobs, house.recordings, updated, 3))[0]
    except RecordingGone:
        return None


async def test_two_reconcilers_and_the_client_at_once_make_one_job(house):
    recording = await house.awaiting()
    house.bucket.store(recording.object_key, WEBM)
    first, second, job = await asyncio.gather(
        house.reconciler.run(), house.reconciler.run(), complete(house, recording)
    )
    assert job.id == recording.job_id
    assert {finding.kind for finding in (*first.findings, *second.findings)} <= {Kind.UPLOAD_STORED}
    assert len([event for event in house.publisher.events if event.type == "recording.uploaded"]) <= 2
    assert [pair async for page in house.jobs.recordings() for pair in page] == [(job.id, recording.id)]


def in_parts(house: House, recording):
    """The upload of the recording's parts, as the bucket shows it."""
    (upload,) = (found for found in house.bucket.uploads if found.key == recording.object_key)
    return Parts(upload_id=upload.upload_id, part_size=5 * 2**20)


async def test_parts_that_a_client_sends_stay_while_it_asks_for_addresses(house):
    """However long ago the upload began; those of another upload to its key go."""
    recording = await house.awaiting(minutes=ABANDONED + ADDRESS - 5, created_at=now() - timedelta(days=9))
    house.bucket.begin(recording.object_key)
    await house.recordings.amend(recording, {"parts": in_parts(house, recording).model_dump()})
    house.touch(recording, ABANDONED + ADDRESS - 5)
    assert await house.found() == []
    house.bucket.begin(recording.object_key)
    assert await house.reconciled() == [("upload_parts", "repaired")]
    assert [upload.upload_id for upload in house.bucket.uploads] == [(await parts_of(house, recording)).upload_id]


async def parts_of(house: House, recording):
    return (await house.recordings.get(recording.id)).parts


async def test_parts_that_nobody_sends_any_more_go_with_their_recording(house):
    recording = await house.awaiting(created_at=now() - timedelta(days=9))
    house.bucket.begin(recording.object_key)
    await house.recordings.amend(recording, {"parts": in_parts(house, recording).model_dump()})
    house.touch(recording, ABANDONED + ADDRESS + 5)
    assert await house.found() == [("upload_abandoned", recording.id)]
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert house.bucket.uploads == []
    assert await house.recordings.stored(recording.id) is None
