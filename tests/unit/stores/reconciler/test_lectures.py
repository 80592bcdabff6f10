"""Lectures whose bytes have not come are no uploads: what is missing of them is their download, and its job."""

from datetime import timedelta

import pytest

from schemas.jobs import Failure
from schemas.pipeline import JobType
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores import lifecycle
from tests.unit.stores.jobs import a_lecture
from tests.unit.stores.reconciler.house import OLD, WEBM, House, etag_of


@pytest.fixture
def house() -> House:
    return House()


async def lecture(house, status, minutes=OLD, **fields):
    made = now() - timedelta(minutes=minutes)
    recording = a_lecture(status=status, created_at=made, updated_at=made, **fields)
    await house.recordings.create(recording)
    return recording


async def with_job(house, recording):
    await house.jobs.create(lifecycle.lecture_job(recording, "ada", 3, now()))


@pytest.mark.parametrize("status", [RecordingStatus.AWAITING_UPLOAD, RecordingStatus.PROCESSING])
async def test_one_that_is_being_downloaded_is_left_alone(house, status):
    await with_job(house, await lecture(house, status))
    assert await house.found() == []


async def test_one_whose_download_failed_keeps_its_own_reason(house):
    failure = Failure(code="download_denied", detail="The address has expired.")
    recording = await lecture(house, RecordingStatus.FAILED, error=failure)
    assert await house.reconciled() == []
    assert (await house.recordings.get(recording.id)).error == failure


async def test_one_whose_job_is_gone_gets_another_that_downloads_it(house):
    recording = await lecture(house, RecordingStatus.PROCESSING)
    assert await house.reconciled() == [("job_missing", "repaired")]
    job = await house.jobs.get(recording.job_id)
    assert (job.job_type, job.owner_id, job.steps[0].name) == (JobType.LECTURE, "ada", "download")
    assert await house.found() == []


async def test_one_that_has_come_and_lost_its_job_is_not_downloaded_again(house):
    there = {"etag": etag_of(WEBM), "content_type": "video/webm", "size_bytes": len(WEBM), "fences": {"download": "x"}}
    recording = await lecture(house, RecordingStatus.PROCESSING, **there)
    house.bucket.store(recording.object_key, WEBM)
    assert await house.reconciled() == [("job_missing", "repaired")]
    job = await house.jobs.get((await house.recordings.get(recording.id)).job_id)
    assert job.job_type is JobType.INGEST


async def test_one_that_has_come_and_is_gone_says_so(house):
    await lecture(house, RecordingStatus.COMPLETED, etag="one", content_type="video/webm")
    assert await house.reconciled() == [("source_missing", "repaired")]


async def test_a_call_that_died_before_the_job_expires_when_nobody_repeats_it(house):
    recording = await lecture(house, RecordingStatus.AWAITING_UPLOAD, minutes=119)
    assert await house.found() == []
    late = await lecture(house, RecordingStatus.AWAITING_UPLOAD, minutes=121)
    assert await house.reconciled() == [("upload_abandoned", "repaired")]
    assert await house.recordings.stored(late.id) is None
    assert await house.recordings.get(recording.id) is not None


def test_what_is_told_of_a_lecture_does_not_show_its_address():
    assert "secret" not in repr(a_lecture())
