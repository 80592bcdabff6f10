"""Whatever mixture of documents, objects and jobs is left behind: afterwards all match, and nothing more is found."""

import asyncio
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.recordings import RecordingStatus, Source
from schemas.time import now
from stores import keys
from stores.recordings import fence_of
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.stores.reconciler.house import WEBM, House

BODIES = {"none": None, "whole": WEBM, "short": WEBM[:-3], "no media": b"%PDF-" + WEBM[5:], "empty": b""}

REMAINS = st.fixed_dictionaries(
    {
        "document": st.booleans(),
        "status": st.sampled_from([status for status in RecordingStatus if status is not RecordingStatus.LIVE]),
        "source": st.sampled_from(Source),
        "deleted": st.booleans(),
        "content_type": st.sampled_from([None, "video/webm"]),
        "etag": st.sampled_from([None, "of then"]),
        "fences": st.booleans(),
        "body": st.sampled_from(sorted(BODIES)),
        "job": st.booleans(),
        "rendition": st.booleans(),
        "listed": st.booleans(),  # never before its work began
        "transcript": st.booleans(),
        "parts": st.booleans(),
    }
)


async def lay(house: House, remains: dict) -> None:
    """Leaves the remains of one recording."""
    recording = a_recording(
        source=remains["source"],
        status=remains["status"],
        content_type=remains["content_type"] or (None if awaited(remains) else "video/webm"),
        etag=remains["etag"],
        fences={"audio": fence_of(a_job(), 3)} if remains["fences"] else {},
        size_bytes=0 if remains["source"] is Source.MULTIPART and awaited(remains) else len(WEBM),
        deleted_at=now() - timedelta(days=1) if remains["deleted"] else None,
    )
    video = keys.rendition(recording.id, "video.mp4")
    if remains["listed"] and not awaited(remains):
        entry = {"kind": "mp4", "content_type": "video/mp4", "size_bytes": 1, "key": video}
        recording = recording.model_validate({**recording.model_dump(), "renditions": [entry]})
    if remains["document"]:
        await house.recordings.create(recording)
    if remains["job"]:
        await house.jobs.create(a_job(recording))
    if BODIES[remains["body"]] is not None:
        house.bucket.store(recording.object_key, BODIES[remains["body"]])
    if remains["rendition"]:
        house.bucket.store(video)
    if remains["transcript"]:
        await house.transcripts.begin(recording.id, "fence", "echo")
    if remains["parts"]:
        house.bucket.begin(recording.object_key)


def awaited(remains: dict) -> bool:
    return remains["status"] is RecordingStatus.AWAITING_UPLOAD


@settings(deadline=None)
@given(st.lists(REMAINS, max_size=12))
def test_afterwards_everything_matches(mixture):
    asyncio.run(reconciled(mixture))


async def reconciled(mixture: list[dict]) -> None:
    house = House()
    for remains in mixture:
        await lay(house, remains)
    await house.reconciler.run(hold=False)
    await expect_matching(house)
    again = [kind for kind, _ in await house.found()]
    assert set(again) <= {"source_changed"}, again


async def expect_matching(house: House) -> None:
    ids = [recording_id async for page in house.recordings.ids() for recording_id in page]
    recordings = {recording_id: await house.recordings.stored(recording_id) for recording_id in ids}
    jobs = [pair async for page in house.jobs.recordings() for pair in page]
    assert {keys.recording_of(key) for key in house.bucket.objects} <= set(recordings)
    assert {recording_id for _, recording_id in jobs} <= set(recordings)
    assert {recording_id async for page in house.transcripts.ids() for recording_id in page} <= set(recordings)
    assert house.bucket.uploads == []
    for recording in recordings.values():
        assert recording.deleted_at is None
        assert {rendition.key for rendition in recording.renditions} <= set(house.bucket.objects)
        expect_bytes_and_work(house, recording, {job_id for job_id, _ in jobs})


def expect_bytes_and_work(house: House, recording, jobs: set[str]) -> None:
    """There are bytes, or it says that they are lost; who is to be worked on has a job."""
    lost = recording.error is not None and recording.error.code == "source_missing"
    working = recording.status in (RecordingStatus.PROCESSING, RecordingStatus.AWAITING_UPLOAD)
    assert recording.object_key in house.bucket.objects or lost or (working and recording.job_id in jobs)
    assert not working or recording.job_id in jobs
