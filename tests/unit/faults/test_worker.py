"""A worker that dies between any two lines of a job: the next one ends it, with exactly one set of results."""

import pytest

from schemas.time import now
from tests.unit.faults.ground import Ground
from tests.unit.faults.mortal import Mortal
from tests.unit.stores.jobs import a_job, a_recording

FACTS = {
    *("recording.uploaded", "audio.available", "audio.extracted"),
    *("media.rendered", "recording.transcribed", "recording.analysed"),
}


async def accepted(ground: Ground, *, told: bool = True) -> str:
    """The id of a recording whose upload is accepted; `told`: whoever accepted it lived to tell it."""
    recording = a_recording(size_bytes=4)
    ground.objects[recording.object_key] = b"webm"
    await ground.recordings.create(recording)
    job = await ground.jobs.create(a_job(recording, at=now()))
    if told:
        await ground.resources(Mortal()).outbox.settle(job)
    return recording.id


@pytest.fixture
async def undisturbed(ground_of):
    """What a worker that nothing happens to leaves, and its life."""
    ground = ground_of()
    recording_id = await accepted(ground)
    mortal = await ground.work()
    await ground.nothing_is_owed()
    left = await ground.left(recording_id)
    assert left["recording"]["status"] == "completed"
    assert [kind for kind, _ in left["facts"]] == sorted(FACTS)
    return left, mortal


async def goes_on_after(ground: Ground, recording_id: str, ended: Mortal, left) -> None:
    """Another worker brings everything to the same end."""
    try:
        assert ended.dead
        await ground.work()
        await ground.nothing_is_owed()
        assert await ground.left(recording_id) == left
    except BaseException as error:
        error.add_note(f"It died at point {ended.points} or so: {ended.effects[-3:]}")
        raise


async def test_death_at_any_point_of_a_job(ground_of, undisturbed):
    left, life = undisturbed
    assert life.points > 100
    for point in range(life.points):
        ground = ground_of()
        recording_id = await accepted(ground)
        await goes_on_after(ground, recording_id, await ground.work(point), left)


async def test_death_at_any_point_of_paying_what_a_dead_api_owes(ground_of, undisturbed):
    ground = ground_of()
    await accepted(ground, told=False)
    life = await ground.work()
    points = 2 * next(number for number, effect in enumerate(life.effects) if effect.startswith("commit"))
    assert points > 6
    for point in range(points):
        ground = ground_of()
        recording_id = await accepted(ground, told=False)
        await goes_on_after(ground, recording_id, await ground.work(point), undisturbed[0])


async def test_death_of_who_takes_over_from_the_dead(ground_of, undisturbed):
    """The first dies with its steps in hand; the second anywhere between taking them back and ending them."""
    left, life = undisturbed
    first = 2 * life.effects.index("objects.put")

    async def orphaned() -> tuple[Ground, str]:
        ground = ground_of()
        recording_id = await accepted(ground)
        assert (await ground.work(first)).dead
        return ground, recording_id

    ground, _ = await orphaned()
    heir = await ground.work()
    points = 2 * heir.effects.index("publish audio.available")
    assert points > 20
    for point in range(points):
        ground, recording_id = await orphaned()
        await goes_on_after(ground, recording_id, await ground.work(point), left)
