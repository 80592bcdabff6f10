"""A recorder comes back to a recording that was closed without it: all of it becomes one recording."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.jobs import Status
from schemas.recordings import RecordingStatus
from schemas.time import after, now
from stores import lifecycle, reopening
from stores.closing import Closing
from stores.intake import go_live
from stores.reopening import Reopening, Unfinished
from stores.resumable import Assembly, Following, Moved, arrival, following
from stores.resumable.arrival import close, grow
from tests.unit.stores.jobs import result_of
from tests.unit.stores.multipart import LEAST
from tests.unit.stores.reconciler.house import WEBM, House
from tests.unit.stores.test_live import claim, live

LONG = WEBM + bytes(range(200))


@pytest.fixture
def house() -> House:
    return House(live_idle_seconds=60)


@pytest.fixture(params=["a piece", "parts"])
def small(request, monkeypatch) -> None:
    """What there is is either too little for a part, or enough for some."""
    if request.param == "parts":
        monkeypatch.setattr(arrival, "LEAST_PART_BYTES", LEAST)
        monkeypatch.setattr(reopening, "LEAST_PART_BYTES", LEAST)
        monkeypatch.setattr(reopening, "_COPIED_BYTES", 100)
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0)


async def closed(house: House, *, ended: bool = True):
    """A recording whose recorder has vanished, with all that was made of it."""
    recording, job = await live(house, LONG)
    assert await Closing(house.deletion, house.settings).run() == 1
    for stage in ("audio", "render", "transcribe", "analyse") if ended else ():
        _, step = await claim(house, job, stage)
        job, _ = await house.jobs.change(
            job.id,
            lambda job, stage=stage, step=step: lifecycle.complete(
                job, stage, step.fence, {}, result_of(job, stage), now()
            ),
        )
    job = await house.jobs.get(job.id)
    await house.outbox.settle(job, whole=True)
    assert job.status is (Status.COMPLETED if ended else Status.RUNNING)
    return await house.recordings.get(recording.id)


def again(house: House) -> Reopening:
    return Reopening(house.deletion, Assembly(house.bucket, house.arrivals))


async def add(house: House, recording_id: str, at: int, body: bytes):
    stored = await Assembly(house.bucket, house.arrivals).piece(recording_id, at, body)
    return await house.arrivals.change(recording_id, lambda found: grow(found, "one", [stored], now(), after(60)))


@pytest.mark.usefixtures("small")
async def test_what_came_before_is_the_beginning_of_what_comes_now(house):
    recording = await closed(house)
    assert recording.vanished_at is not None
    reopened, upload = await again(house).reopen(recording, after(60))
    assert (upload.offset, upload.live) == (len(LONG), True)
    assert (reopened.status, recording.job_id in reopened.job_ids) == (RecordingStatus.AWAITING_UPLOAD, True)
    job = await go_live(house.jobs, house.recordings, reopened, 3)
    assert job.id == reopened.job_id != recording.job_id
    reader = asyncio.create_task(_read(house, recording.id))
    grown = await add(house, recording.id, len(LONG), b"and the rest of it")
    whole = await house.arrivals.change(recording.id, lambda found: close(found, now(), now()))
    assert whole.length == grown.offset
    assembly = Assembly(house.bucket, house.arrivals)
    await assembly.seal(whole)
    late = asyncio.create_task(_read(house, recording.id))
    await assembly.end(whole)
    assert await asyncio.gather(reader, late) == [LONG + b"and the rest of it"] * 2
    assert (await house.bucket.read(recording.object_key)) == LONG + b"and the rest of it"
    assert house.keys_of(recording) == [recording.object_key]


@pytest.mark.usefixtures("small")
async def test_whoever_looks_for_what_was_left_leaves_it_alone_until_it_is_whole(house):
    recording = await closed(house)
    _, upload = await again(house).reopen(recording, after(60))
    await _age(house, recording.id)
    assert await house.reconciled() == []
    await add(house, recording.id, upload.offset, b"and the rest of it")
    await house.arrivals.change(recording.id, lambda found: close(found, now(), now()))
    await _age(house, recording.id)
    assert await house.reconciled() == [("upload_stored", "repaired")]
    assert (await house.bucket.read(recording.object_key)) == LONG + b"and the rest of it"
    found = await house.recordings.get(recording.id)
    assert (found.status, found.size_bytes) == (RecordingStatus.PROCESSING, len(LONG) + 18)


async def test_work_on_what_came_before_is_done_first(house):
    recording = await closed(house, ended=False)
    with pytest.raises(Unfinished):
        await again(house).reopen(recording, after(60))
    assert await house.arrivals.get(recording.id) is None


@pytest.mark.usefixtures("small")
async def test_of_two_who_reopen_it_one_is_refused(house):
    recording = await closed(house)
    _, upload = await again(house).reopen(recording, after(60))
    with pytest.raises(Moved):
        await again(house).reopen(recording, after(60))
    assert len(house.bucket.parts.uploads) == len(upload.parts[:1]), "what nobody names is given up"


async def test_news_of_the_job_before_change_nothing(house):
    recording = await closed(house)
    reopened, _ = await again(house).reopen(recording, after(60))
    assert await house.recordings.follow(await house.jobs.get(recording.job_id))
    found = await house.recordings.get(recording.id)
    assert (found.job_id, found.status) == (reopened.job_id, RecordingStatus.AWAITING_UPLOAD)


async def _age(house: House, recording_id: str) -> None:
    """Nobody has touched it for long."""
    long_ago = now() - timedelta(days=1)
    documents = house.database["recordings"]
    await documents.update_one({"_id": recording_id}, {"$set": {"updated_at": long_ago}})
    await house.arrivals.change(recording_id, lambda upload: replace(upload, updated_at=long_ago))


async def _read(house: House, recording_id: str) -> bytes:
    return b"".join([chunk async for chunk in Following(house.bucket, house.arrivals, recording_id).chunks()])
