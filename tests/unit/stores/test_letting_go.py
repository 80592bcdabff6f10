"""Letting go of lectures: what a course's hold protects, and whose work it is after a death in between."""

import pytest

from schemas.folders import Folder
from schemas.holds import Hold
from schemas.recordings import Link, RecordingStatus
from stores import lifecycle
from stores.errors import OnHold, StoreUnavailable
from stores.lectures import OWNER, Lectures
from stores.letting_go import LettingGo
from streams.housekeeping import deletion_of
from tests.unit.stores.jobs import START, a_lecture
from tests.unit.streams.fakes import World


@pytest.fixture
def world():
    return World()


@pytest.fixture
def letting_go(world):
    return LettingGo(Lectures(world.database), deletion_of(world.resources))


async def shared(world, *readers):
    """A lecture of the course algebra that those read, and that is the work of the first."""
    links = [Link(user_id=reader, at=START) for reader in readers]
    recording = a_lecture(project_id="algebra", links=links, status=RecordingStatus.PROCESSING)
    await world.resources.recordings.create(recording)
    await world.resources.jobs.create(lifecycle.lecture_job(recording, readers[0], 3, START))
    return recording


async def hold_course(world, owner_id):
    hold = Hold(reason="A case is open.", by="root", at=START)
    about = {"kind": None, "title": "Algebra", "hold": hold, "created_at": START, "updated_at": START}
    folder_id = Folder.key(owner_id, "algebra")
    await world.resources.folders.create(Folder(id=folder_id, owner_id=owner_id, folder_id="algebra", **about))


@pytest.mark.parametrize("owner_id", ["ada", OWNER])
async def test_what_is_in_a_course_on_hold_stays_with_its_last_reader(world, letting_go, owner_id):
    recording = await shared(world, "bob", "ada")
    await hold_course(world, owner_id)
    await letting_go.let_go(recording, "bob")
    left = await world.resources.recordings.get(recording.id)
    with pytest.raises(OnHold, match="A case is open"):
        await letting_go.let_go(left, "ada")
    assert await world.resources.recordings.get(recording.id) == left
    await world.resources.folders.update(owner_id, "algebra", {"hold": None})
    await letting_go.let_go(left, "ada")
    assert await world.resources.recordings.stored(recording.id) is None


@pytest.mark.parametrize("owner_id", ["bob", OWNER])
async def test_nobody_deletes_what_is_in_a_course_on_hold_of_any_reader(world, letting_go, owner_id):
    recording = await shared(world, "ada", "bob")
    await hold_course(world, owner_id)
    with pytest.raises(OnHold, match="A case is open"):
        await letting_go.destroy(recording)
    assert await world.resources.recordings.get(recording.id) == recording
    await world.resources.folders.update(owner_id, "algebra", {"hold": None})
    await letting_go.destroy(recording)
    assert await world.resources.recordings.stored(recording.id) is None


async def test_a_course_of_that_name_of_nobody_who_reads_it_keeps_nothing(world, letting_go):
    recording = await shared(world, "ada", "bob")
    await hold_course(world, "eve")
    await letting_go.destroy(recording)
    assert await world.resources.recordings.stored(recording.id) is None


async def test_somebody_elses_course_of_that_name_protects_nothing(world, letting_go):
    recording = await shared(world, "ada")
    await hold_course(world, "eve")
    await letting_go.let_go(recording, "ada")
    assert await world.resources.recordings.stored(recording.id) is None


class Dying(Lectures):
    """Whoever takes a link away with it dies behind that."""

    async def unlink(self, *given):
        await super().unlink(*given)
        raise StoreUnavailable("document store", "it broke off")


async def test_work_goes_over_to_the_others_whatever_breaks_off(world):
    recording = await shared(world, "ada", "bob")
    with pytest.raises(StoreUnavailable):
        await LettingGo(Dying(world.database), deletion_of(world.resources)).let_go(recording, "ada")
    left = await world.resources.recordings.get(recording.id)
    assert [link.user_id for link in left.links] == ["bob"]
    assert (await world.resources.jobs.get(recording.job_id)).owner_id == "bob"
