"""From stored bytes to accepted work: what is refused and why, and that a deletion at the same moment wins whole."""

import asyncio

import pytest

from schemas.problems import CODES
from schemas.recordings import RecordingStatus, Source
from stores.intake import RecordingGone, Stored, Unacceptable, accept, examine
from tests.unit.stores.jobs import a_recording
from tests.unit.stores.reconciler.house import WEBM, House
from tests.unit.streams.fakes import etag_of
from tests.work import jobs_of

MOST = 1000


@pytest.fixture
def house() -> House:
    return House()


async def examined(house: House, body: bytes | None, **fields) -> Stored:
    recording = a_recording(**{"size_bytes": len(body or b""), **fields})
    if body is not None:
        house.bucket.store(recording.object_key, body)
    return await examine(house.bucket, recording, MOST)


async def test_what_is_stored_is_described_as_the_store_has_it(house):
    stored = Stored(content_type="video/webm", size_bytes=len(WEBM), etag=etag_of(WEBM))
    assert await examined(house, WEBM) == stored
    assert await examined(house, WEBM, source=Source.MULTIPART, size_bytes=0) == stored


@pytest.mark.parametrize(
    ("body", "announced", "code"),
    [
        (None, 5, "object_missing"),
        (WEBM, len(WEBM) + 1, "size_mismatch"),
        (b"", 5, "size_mismatch"),
        (WEBM + bytes(MOST), len(WEBM) + MOST, "too_large"),
        (b"%PDF-1.7", 8, "unsupported_media"),
    ],
)
async def test_what_is_refused_has_a_code_for_requests(house, body, announced, code):
    with pytest.raises(Unacceptable) as refused:
        await examined(house, body, size_bytes=announced)
    assert refused.value.code == code
    assert CODES[code].status


async def test_what_the_job_says_was_accepted_comes_into_the_recording_whoever_sees_to_it(house):
    """The process dies between the two: the job is there, the recording says nothing yet."""
    recording = await house.recording(status=RecordingStatus.AWAITING_UPLOAD, content_type=None)
    house.bucket.store(recording.object_key, WEBM)
    stored = await examine(house.bucket, recording, MOST)

    class Dead:
        async def follow(self, job, known):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await accept(house.jobs, Dead(), recording, 3, stored=stored)
    job = await house.jobs.get(recording.job_id)
    assert (await house.recordings.get(recording.id)).etag is None
    await house.outbox.settle(job, whole=True)
    found = await house.recordings.get(recording.id)
    assert (found.status, found.etag, found.content_type) == ("processing", stored.etag, "video/webm")


async def test_of_two_that_complete_it_at_once_the_first_ones_look_counts(house):
    recording = await house.recording(status=RecordingStatus.AWAITING_UPLOAD, content_type=None)
    first, second = (Stored(content_type="video/webm", size_bytes=5, etag=etag) for etag in ("first", "second"))
    await asyncio.gather(
        *(accept(house.jobs, house.recordings, recording, 3, stored=stored) for stored in (first, second))
    )
    job = await house.jobs.get(recording.job_id)
    assert (await house.recordings.get(recording.id)).etag == job.facts[0]["etag"] == "first"


async def test_a_repeat_finds_the_same_job(house):
    recording = await house.recording()
    first, new = await accept(house.jobs, house.recordings, recording, 3)
    again, newer = await accept(house.jobs, house.recordings, recording, 3)
    assert (first.id, new, newer) == (recording.job_id, True, False)
    assert again.model_dump(exclude={"sweep_at"}) == first.model_dump(exclude={"sweep_at"})


async def test_what_is_deleted_before_its_job_is_there_has_none(house):
    recording = await house.recording()
    await house.recordings.mark_deleted(recording)
    with pytest.raises(RecordingGone):
        await accept(house.jobs, house.recordings, recording, 3)
    assert await house.jobs.get(recording.job_id) is None


async def test_of_an_acceptance_and_a_deletion_at_once_one_wins_whole():
    """In every order of their steps: after a deletion there is no job, whatever the client was told before."""
    for turns in range(60):
        house = House()
        recording = await house.recording(status=RecordingStatus.AWAITING_UPLOAD)
        house.bucket.store(recording.object_key, WEBM)
        accepting = asyncio.create_task(accept(house.jobs, house.recordings, recording, 3))
        for _ in range(turns):
            await asyncio.sleep(0)
        await asyncio.gather(house.deletion.destroy(recording), accepting, return_exceptions=True)
        assert await jobs_of(house.jobs, recording.id) == []
        assert await house.recordings.stored(recording.id) is None
        assert house.bucket.objects == {}
