"""Housekeeping: by one process at a time, again after a while, and whatever goes wrong it goes on."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from schemas.recordings import RecordingStatus
from stores.errors import StoreUnavailable
from stores.jobs import Jobs
from streams import duty
from streams.housekeeping import DUTY, Housekeeping
from tests.unit.stores.jobs import a_recording
from tests.unit.stores.reconciler.house import Bucket
from tests.unit.streams.fakes import World, eventually


class Place(World):
    """The resources of processes that share their stores."""

    def __init__(self, **changes) -> None:
        super().__init__(**changes)
        self.bucket = Bucket()
        self.resources = replace(self.resources, objects=self.bucket)

    def process(self, owner: str) -> Housekeeping:
        return Housekeeping(self.resources, owner)

    async def abandoned(self):
        """A recording whose upload was announced long ago and never came."""
        recording = a_recording(status=RecordingStatus.AWAITING_UPLOAD, content_type=None)
        await self.resources.recordings.create(recording)
        return recording

    async def until(self):
        """Until when the duty is taken; None before it ever was."""
        found = await self.database["duties"].find_one({"_id": DUTY})
        return found and found["until"]

    async def gone(self, recording) -> bool:
        return await self.resources.recordings.stored(recording.id) is None


def found() -> float:
    labels = {"kind": "upload_abandoned", "outcome": "repaired"}
    return REGISTRY.get_sample_value("tidemark_findings_total", labels) or 0


async def test_it_repairs_and_counts_what_it_found():
    place, before = Place(), found()
    recording = await place.abandoned()
    assert await place.process("one").look()
    assert await place.gone(recording)
    assert found() == before + 1
    assert REGISTRY.get_sample_value("tidemark_reconciled_seconds")


async def test_of_many_processes_one_keeps_house_and_then_all_rest():
    place = Place()
    processes = [place.process(f"worker {number}") for number in range(5)]
    assert sorted(await asyncio.gather(*(process.look() for process in processes))) == [False] * 4 + [True]
    assert not any([await process.look() for process in processes])


async def test_after_the_pause_it_is_anybodys_again():
    place = Place(reconcile_seconds=0.01)
    assert await place.process("one").look()
    recording, two = await place.abandoned(), place.process("two")
    assert await eventually(two.look)
    assert await place.gone(recording)


async def test_an_owner_that_died_holds_up_nobody_for_long(monkeypatch):
    monkeypatch.setattr(duty, "LEASE_SECONDS", 0.05)
    place = Place()
    assert await place.resources.duties.take(DUTY, "one that died", 0.05)
    assert await eventually(place.process("two").look)


async def test_who_lost_the_duty_stops_at_once(monkeypatch):
    monkeypatch.setattr(duty, "LEASE_SECONDS", 0.03)
    place = Place()
    reached = asyncio.Event()

    async def hang(*_):
        reached.set()
        await asyncio.Event().wait()

    place.bucket.listed = hang
    look = asyncio.create_task(place.process("one").look())
    await reached.wait()
    await place.database["duties"].update_one({"_id": DUTY}, {"$set": {"owner": "two"}})
    assert await look is False


async def test_the_lease_is_kept_while_the_work_goes_on(monkeypatch):
    monkeypatch.setattr(duty, "LEASE_SECONDS", 0.6)
    place, go, listed = Place(), asyncio.Event(), Bucket().listed

    async def slow(prefix, after=""):
        await go.wait()
        return await listed(prefix, after)

    place.bucket.listed = slow
    look = asyncio.create_task(place.process("one").look())
    first = await eventually(place.until)

    async def prolonged():
        return await place.until() > first + timedelta(seconds=1)

    await eventually(prolonged)
    assert not await place.process("two").look()
    go.set()
    assert await look


async def test_a_store_that_is_away_is_told_and_the_next_time_it_is_done(monkeypatch):
    monkeypatch.setattr(duty, "LEASE_SECONDS", 0.01)
    place = Place(reconcile_seconds=0.01)
    recording = await place.abandoned()
    place.bucket.away = True
    with pytest.raises(StoreUnavailable):
        await place.process("one").look()
    running = asyncio.create_task(place.process("two").run())
    place.bucket.away = False
    await eventually(lambda: place.gone(recording))
    running.cancel()
    await asyncio.wait([running])


async def test_an_error_that_nobody_foresaw_does_not_end_the_worker(monkeypatch):
    monkeypatch.setattr(duty, "LEASE_SECONDS", 0.01)
    place, tries = Place(reconcile_seconds=0.01), 0
    recording, recordings = await place.abandoned(), Jobs.recordings

    def broken(jobs):
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("nobody foresaw this")
        return recordings(jobs)

    monkeypatch.setattr(Jobs, "recordings", broken)
    running = asyncio.create_task(place.process("one").run())
    await eventually(lambda: place.gone(recording))
    assert tries > 1
    running.cancel()
    await asyncio.wait([running])
