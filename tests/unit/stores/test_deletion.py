"""A deletion may break off between any two of its steps: a repeat leaves nothing, and other teams have heard of it."""

import pytest

from schemas.analyses import ActionItems, Analyses, KeyPoints, Sentiment, Summary
from schemas.documents import Page
from schemas.ids import new_id
from schemas.jobs import Status
from schemas.pipeline import JobType
from schemas.time import now
from schemas.transcripts import Segment
from stores import lifecycle
from stores.deletion import Deletion
from stores.errors import StoreUnavailable
from stores.recordings import fence_of
from tests.unit.stores.jobs import a_job, a_recording
from tests.unit.streams.fakes import World
from tests.work import jobs_of

STORES = (
    *("jobs", "recordings", "transcripts", "pages", "copies", "analyses", "arrivals", "objects", "outbox", "publisher"),
    "folders",
)
ANALYSES = Analyses(
    summary=Summary(provider="test"),
    action_items=ActionItems(provider="test"),
    key_points=KeyPoints(provider="test"),
    sentiment=Sentiment(provider="test"),
)


class Failing:
    """A store of which one call fails: the one that brings `left` to nothing, before it is made or after."""

    left: list[int]
    after: bool

    def __init__(self, store: object) -> None:
        self._store = store

    def __getattr__(self, name):
        made = getattr(self._store, name)
        if not callable(made):  # a part of the store, which fails as it does
            return type(self)(made)

        async def call(*given, **named):
            self.left[0] -= 1
            if self.left[0] or self.after:
                result = await made(*given, **named)
            if not self.left[0]:
                raise StoreUnavailable("store", "it broke off")
            return result

        return call


def failing_at(number: int, after: bool) -> type[Failing]:
    return type("FailingAt", (Failing,), {"left": [number], "after": after})


@pytest.fixture
def world():
    return World()


@pytest.fixture
async def recording(world):
    return await full(world)


async def full(world, **fields):
    """A recording with everything that one can have: a job at work and one that has ended, objects, texts."""
    recording, resources = a_recording(sha256=new_id(), **fields), world.resources
    await resources.recordings.create(recording)
    job = a_job(recording, at=now())
    lifecycle.claim(job, "audio", job.facts[0]["id"], "one", 60, now())
    export = lifecycle.requested_job(recording, JobType.EXPORT, {}, 3, None, now())
    lifecycle.cancel(export, now())
    await resources.recordings.note_job(recording, export.id)
    for made in (job, export):
        await resources.jobs.create(made)
    await world.objects.put(recording.object_key, b"video", "video/webm")
    fence = fence_of(job, 1)
    await resources.transcripts.begin(recording.id, fence, "test")
    await resources.transcripts.write(recording.id, fence, 0, [Segment(id=0, start=0, end=1, text="Hello.")])
    await resources.analyses.put(recording.id, fence, ANALYSES)
    await resources.pages.begin(recording.id, fence, 1, None)
    await resources.pages.write(recording.id, fence, [Page(number=1, text="Hello.")])
    assert await resources.copies.holder(recording) == recording.id
    return recording


def deletion_of(world, kind=lambda store: store) -> Deletion:
    resources = {name: getattr(world.resources, name) for name in STORES}
    return Deletion(**{name: kind(store) for name, store in resources.items()})


async def remains(world, recording):
    """What there is of a recording anywhere."""
    resources = world.resources
    found = (
        await resources.recordings.stored(recording.id),
        await jobs_of(resources.jobs, recording.id),
        await world.objects.keys(f"recordings/{recording.id}/"),
        await resources.transcripts.get(recording.id),
        await resources.analyses.get(recording.id),
        await resources.pages.get(recording.id),
        await world.database["document_copies"].find_one({"recording_id": recording.id}),
    )
    return [one for one in found if one]


async def test_nothing_is_left_and_nothing_else_is_touched(world, recording):
    kept = await full(world)
    await deletion_of(world).destroy(recording)
    assert await remains(world, recording) == []
    assert len(await remains(world, kept)) == 7
    assert world.publisher.types() == ["recording.deleted"]


async def test_the_watchers_of_what_is_at_work_see_its_end(world, recording):
    await deletion_of(world).destroy(recording)
    news = [event.job.status for event in world.publisher.events if event.type == "job.progressed"]
    assert news == [Status.CANCELLED]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_what_breaks_off_anywhere_is_brought_to_its_end_by_a_repeat(after):
    number = 1
    while await broke_off(number, after):
        number += 1
    assert number > 10


async def broke_off(number: int, after: bool) -> bool:
    """Whether a deletion has so many calls that this one broke it off; whatever happened, a repeat ends it."""
    world = World()
    recording = await full(world)
    try:
        await deletion_of(world, failing_at(number, after)).destroy(recording)
        broke = False
    except StoreUnavailable:
        broke = True
    if stored := await world.resources.recordings.stored(recording.id):
        await deletion_of(world).destroy(stored)
    assert await remains(world, recording) == [], number
    assert "recording.deleted" in world.publisher.types(), number
    return broke


async def test_while_kafka_is_away_it_is_out_of_sight_and_nothing_is_destroyed(world, recording):
    world.publisher.away = True
    with pytest.raises(StoreUnavailable):
        await deletion_of(world).destroy(recording)
    assert await world.resources.recordings.get(recording.id) is None
    assert len(await remains(world, recording)) == 7


async def test_what_was_never_uploaded_leaves_no_fact(world):
    waiting = a_recording()
    await world.resources.recordings.create(waiting)
    await deletion_of(world).destroy(waiting)
    assert await remains(world, waiting) == []
    assert world.publisher.events == []
