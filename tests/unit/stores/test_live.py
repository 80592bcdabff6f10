"""A live recording: its job is there before its upload has ended, its bytes can be read, and it comes to an end."""

import asyncio
from datetime import timedelta

import pytest

from schemas.ids import new_id
from schemas.jobs import Failure, Status
from schemas.recordings import RecordingStatus, Source
from schemas.time import after, now
from stores import keys, lifecycle
from stores.closing import Closing
from stores.intake import accept, go_live
from stores.resumable import Arrival, Assembly, Following, Gone, arrival, following
from stores.resumable.arrival import close, grow
from tests.unit.stores.jobs import a_recording, result_of, uploaded, wake_of
from tests.unit.stores.multipart import LEAST
from tests.unit.stores.reconciler.house import OLD, WEBM, House


@pytest.fixture
def house() -> House:
    return House(live_idle_seconds=60)


async def live(house: House, body: bytes = WEBM, minutes: float = OLD, **fields):
    """A recording of which so much has come, that long ago; its job is there."""
    recording = await house.awaiting(
        source=Source.TUS, size_bytes=0, id=(made := new_id()), object_key=keys.original(made)
    )
    at = now() - timedelta(minutes=minutes)
    upload = Arrival(made, recording.owner_id, None, "", after(3600), at, live=True, **fields)
    await house.arrivals.create(upload)
    assembly = Assembly(house.bucket, house.arrivals)
    stored = await assembly.piece(made, 0, body)
    await house.arrivals.change(made, lambda found: grow(found, "one", [stored], at, after(3600)))
    job = await go_live(house.jobs, house.recordings, recording, 3)
    await house.outbox.settle(job)
    return await house.recordings.get(made), job


async def claim(house: House, job, stage: str):
    wake = wake_of(await house.jobs.get(job.id), stage)
    return await house.jobs.change(job.id, lambda job: lifecycle.claim(job, stage, wake, "one", 60, now()))


async def arrived(house: House, recording):
    job, _ = await accept(house.jobs, house.recordings, recording.model_copy(update={"content_type": "video/webm"}), 3)
    await house.outbox.settle(job)
    return job


async def test_its_other_steps_wait_for_the_end_of_its_upload(house):
    recording, job = await live(house)
    assert recording.status is RecordingStatus.LIVE
    assert [step.name for step in job.steps] == ["live", "audio", "render", "transcribe", "analyse"]
    assert [event.type for event in house.publisher.events] == ["recording.live"], "its first state is no news"
    await claim(house, job, "live")
    with pytest.raises(lifecycle.Refused):
        await claim(house, job, "audio")
    await arrived(house, recording)
    assert (await house.recordings.get(recording.id)).status is RecordingStatus.PROCESSING
    await claim(house, job, "audio")
    job = await arrived(house, recording)
    assert house.publisher.types().count("recording.uploaded") == 1
    assert job.step("live").status is Status.RUNNING


async def test_a_live_step_that_nobody_is_at_when_the_upload_ends_is_passed_over(house):
    recording, _ = await live(house)
    job = await arrived(house, recording)
    assert job.step("live").status is Status.CANCELLED
    for stage in ("audio", "render", "transcribe", "analyse"):
        _, step = await claim(house, job, stage)
        job, _ = await house.jobs.change(
            job.id,
            lambda job, stage=stage, step=step: lifecycle.complete(
                job, stage, step.fence, {}, result_of(job, stage), now()
            ),
        )
    assert job.status is Status.COMPLETED


async def test_a_live_step_that_fails_fails_nothing_else(house):
    recording, job = await live(house)
    _, step = await claim(house, job, "live")
    failure = Failure(code="undecodable", detail="No.")
    job, _ = await house.jobs.change(job.id, lambda job: lifecycle.fail(job, "live", step.fence, failure, now()))
    await house.outbox.settle(job, whole=True)
    assert (job.status, job.failure) == (Status.RUNNING, None)
    assert (await house.recordings.get(recording.id)).status is RecordingStatus.LIVE
    assert (await arrived(house, recording)).status is Status.RUNNING


async def test_one_that_is_cancelled_keeps_its_upload(house):
    recording, job = await live(house)
    job, _ = await house.jobs.change(job.id, lambda job: lifecycle.cancel(job, now()))
    await house.outbox.settle(job)
    assert (await house.recordings.get(recording.id)).status is RecordingStatus.LIVE
    job = await arrived(house, recording)
    found = await house.recordings.get(recording.id)
    assert (found.status, found.error.code) == (RecordingStatus.FAILED, "cancelled")
    job, _ = await house.jobs.change(job.id, lambda job: lifecycle.retry(job, now()))
    assert job.facts[-1]["steps"] == ["audio", "render"]


def test_that_an_upload_has_ended_is_told_once():
    job = lifecycle.new_job(*_pair(), 3, now())
    before = job.model_copy(deep=True)
    assert not lifecycle.take_in(job, uploaded(_pair()[0]), now())
    assert job == before, "it was no live one"


def _pair():
    recording = a_recording()
    return recording, uploaded(recording)


async def test_its_bytes_are_read_while_they_come_however_they_lie(house, monkeypatch):
    monkeypatch.setattr(arrival, "LEAST_PART_BYTES", LEAST)
    monkeypatch.setattr(arrival, "_PART_BYTES", LEAST * 2)
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0)
    recording, _ = await live(house, b"")
    assembly, told = Assembly(house.bucket, house.arrivals), bytes(range(200))
    readers = [asyncio.create_task(_read(house, recording.id))]
    for at in range(0, len(told), 8):
        stored = await assembly.piece(recording.id, at, told[at : at + 8])
        grown = await house.arrivals.change(
            recording.id, lambda found, s=stored: grow(found, "one", [s], now(), after(60))
        )
        assembly.fold_soon(grown)
        await assembly.folded(recording.id)
        if at % 64 == 0:  # another worker takes over and begins anew
            readers.append(asyncio.create_task(_read(house, recording.id)))
    assert grown.live
    found = await house.arrivals.get(recording.id)
    assert len(found.parts) > 3, "most of it cannot be read where it lies"
    closed = await house.arrivals.change(recording.id, lambda found: close(found, now(), now()))
    await assembly.seal(closed)
    late = asyncio.create_task(_read(house, recording.id))
    await assembly.end(closed)
    assert await asyncio.gather(*readers, late) == [told] * (len(readers) + 1)
    assert house.keys_of(recording) == [recording.object_key], "what was kept to be read is gone"


async def _read(house: House, recording_id: str) -> bytes:
    return b"".join([chunk async for chunk in Following(house.bucket, house.arrivals, recording_id).chunks()])


async def test_one_whose_recorder_has_vanished_is_closed_once(house):
    recording, job = await live(house)
    closing = [Closing(house.deletion, house.settings) for _ in range(2)]
    assert sum(await asyncio.gather(*(one.run() for one in closing))) == 1
    found = await house.recordings.get(recording.id)
    assert (found.status, found.size_bytes) == (RecordingStatus.PROCESSING, len(WEBM))
    assert len({event.id for event in house.publisher.events if event.type == "recording.uploaded"}) == 1
    assert house.bucket.objects[recording.object_key][0] == WEBM
    assert (await house.jobs.get(job.id)).live is False
    with pytest.raises(Gone):
        await house.arrivals.change(recording.id, lambda found: found)


@pytest.mark.parametrize("held", [False, True], ids=["young", "held"])
async def test_one_that_is_still_coming_is_not_closed(house, held):
    fields = {"holder": "one", "held_until": after(600)} if held else {"minutes": 0.5}
    recording, _ = await live(house, **fields)
    assert await Closing(house.deletion, house.settings).run() == 0
    assert (await house.recordings.get(recording.id)).status is RecordingStatus.LIVE


async def test_the_reconciler_leaves_one_alone_that_may_go_on_and_takes_in_one_that_is_whole(house):
    recording, job = await live(house)
    long_ago = {"updated_at": now() - timedelta(minutes=OLD)}
    await house.database["recordings"].update_one({"_id": recording.id}, {"$set": long_ago})
    assert await house.found() == []
    await house.arrivals.change(recording.id, lambda found: close(found, now(), now()))
    assert await house.reconciled() == [("upload_stored", "repaired")]
    found = await house.recordings.get(recording.id)
    assert (found.status, found.job_id) == (RecordingStatus.PROCESSING, job.id)
    assert await house.found() == []


async def test_a_deletion_takes_what_has_come(house):
    recording, _ = await live(house)
    await house.deletion.destroy(recording)
    assert house.keys_of(recording) == []
    assert await house.arrivals.get(recording.id) is None
