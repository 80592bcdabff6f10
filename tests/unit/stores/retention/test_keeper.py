"""Rules are applied as a dry run says, once, and to their end whatever breaks off; what is on hold or at work stays."""

from datetime import timedelta

import pytest

from schemas.folders import Folder, FolderKind
from schemas.holds import Hold
from schemas.ids import new_id
from schemas.jobs import Status
from schemas.pipeline import JobType
from schemas.recordings import Link
from schemas.retention import Basis, Matter, Rule
from schemas.time import now
from stores import lifecycle
from stores.errors import OnHold, StoreUnavailable
from stores.retention import Keeper, Rules, expiring
from tests.unit.stores.jobs import START
from tests.unit.stores.reconciler.house import House
from tests.unit.stores.test_deletion import failing_at

DAYS = 24 * 60
HOLD = Hold(reason="Case 1", by="root", at=START)


class Archive(House):
    """A house whose recordings have come to their end, with rules."""

    def __init__(self, **changes) -> None:
        super().__init__(**changes)
        self.rules = Rules(self.database)
        self.keeper = Keeper(self.deletion, self.rules, pause=0)

    async def old(self, days: int = 100, **fields):
        recording = await self.completed(days * DAYS, **fields)
        await self.jobs.change(recording.job_id, _completed)
        return recording

    async def rule(self, what: Matter = Matter.ORIGINALS, **fields) -> Rule:
        made = {"owner_id": "ada", "older_than_days": 90, "by": Basis.CREATED, **fields}
        rule = Rule(id=new_id(), created_at=now(), what=what, **made)
        await self.rules.create(rule)
        return rule

    async def preview(self, owner_id: str | None = None):
        rules = await self.rules.for_owner(owner_id) if owner_id else await self.rules.all()
        return [expiring(due) async for due in self.keeper.due(rules, owner_id)]

    def age(self) -> None:
        """Marks of deletion are as old as everything else."""
        for fields in self.database["recordings"]._documents.values():
            if fields.get("deleted_at"):
                fields["deleted_at"] -= timedelta(days=1)

    async def kinds(self) -> list[str]:
        return [kind for kind, _ in await self.found()]


def _completed(job) -> None:
    for step in job.steps:
        step.status = Status.COMPLETED
    job.status = Status.COMPLETED


@pytest.fixture
def archive() -> Archive:
    return Archive()


async def test_originals_go_and_the_rest_stays_usable(archive):
    recording, young = await archive.old(), await archive.old(10)
    await archive.rule()
    before = archive.state()
    (said,) = await archive.preview("ada")
    assert archive.state() == before
    assert (said.recording_id, said.what, said.total_bytes) == (recording.id, ("originals",), recording.size_bytes)
    assert await archive.keeper.run() == [said]
    stored = await archive.recordings.get(recording.id)
    assert stored.original_expired_at is not None
    assert (stored.updated_at, stored.renditions) == (recording.updated_at, recording.renditions)
    assert len(archive.keys_of(recording)) == 2
    assert len(archive.keys_of(young)) == 3
    assert await archive.found() == []
    assert await archive.keeper.run() == []


async def test_renditions_go_and_the_texts_stay(archive):
    recording = await archive.old()
    await archive.transcripts.begin(recording.id, "fence", "test")
    await archive.rule(Matter.RENDITIONS)
    assert [one.what for one in await archive.keeper.run()] == [("renditions",)]
    stored = await archive.recordings.get(recording.id)
    assert (stored.renditions, stored.thumbnails) == ([], [])
    assert archive.keys_of(recording) == [recording.object_key]
    assert await archive.transcripts.get(recording.id)
    assert await archive.found() == []


async def test_everything_goes_as_if_its_owner_had_deleted_it(archive):
    recording = await archive.old()
    await archive.rule(Matter.EVERYTHING, owner_id=None)
    assert len(await archive.keeper.run()) == 1
    assert await archive.recordings.stored(recording.id) is None
    assert archive.keys_of(recording) == []
    assert archive.publisher.types() == ["recording.deleted"]


async def test_a_rule_is_for_its_owner_and_its_course(archive):
    for owner_id in ("ada", "bob"):
        for project_id in ("biology", None):
            await archive.old(owner_id=owner_id, project_id=project_id)
    await archive.rule(course_id="biology")
    (one,) = await archive.preview()
    assert one.owner_id == "ada"
    assert await archive.preview("bob") == []
    await archive.rule(owner_id=None)
    assert len(await archive.preview("bob")) == 2
    assert len(await archive.preview()) == 4


async def test_what_is_on_hold_stays_until_the_hold_is_lifted(archive):
    held = await archive.old()
    filed = await archive.old(project_id="biology")
    folder = Folder(
        id=Folder.key("ada", "biology"),
        owner_id="ada",
        folder_id="biology",
        kind=FolderKind.COURSE,
        title="Biology",
        hold=HOLD,
        created_at=START,
        updated_at=START,
    )
    await archive.folders.create(folder)
    await archive.recordings.set_hold(held.id, HOLD)
    for what in Matter:
        await archive.rule(what)
    assert await archive.preview() == await archive.keeper.run() == []
    for recording in (held, filed):
        with pytest.raises(OnHold, match="Case 1"):
            await archive.deletion.destroy(await archive.recordings.get(recording.id))
        assert len(archive.keys_of(recording)) == 3
    await archive.recordings.set_hold(held.id, None)
    await archive.folders.update("ada", "biology", {"hold": None})
    assert len(await archive.keeper.run()) == 2


async def test_what_a_reader_has_in_a_course_on_hold_stays_too(archive):
    links = [Link(user_id=reader, at=now()) for reader in ("ada", "bob")]
    lecture = await archive.old(owner_id="lectures", project_id="biology", links=links)
    await archive.rule(Matter.EVERYTHING, owner_id=None)
    about = {"title": "Biology", "kind": FolderKind.COURSE, "hold": HOLD, "created_at": now(), "updated_at": now()}
    await archive.folders.create(Folder(id="bob/biology", owner_id="bob", folder_id="biology", **about))
    assert await archive.preview() == await archive.keeper.run() == []
    await archive.folders.update("bob", "biology", {"hold": None})
    assert [one.recording_id for one in await archive.keeper.run()] == [lecture.id]


async def test_a_hold_that_comes_between_the_look_and_the_deletion_holds(archive):
    recording = await archive.old()
    await archive.recordings.set_hold(recording.id, HOLD)
    with pytest.raises(OnHold):
        await archive.deletion.destroy(recording)
    for what in ({"originals": True, "renditions": False}, {"originals": False, "renditions": True}):
        with pytest.raises(OnHold):
            await archive.recordings.expire(recording, **what)
    assert len(archive.keys_of(recording)) == 3


async def test_an_upload_that_is_on_hold_does_not_expire(archive):
    recording = await archive.awaiting(hold=HOLD)
    assert await archive.found() == []
    await archive.recordings.set_hold(recording.id, None)
    assert await archive.kinds() == ["upload_abandoned"]


async def test_what_a_job_is_at_waits_and_what_was_changed_meanwhile_stays(archive):
    recording = await archive.old()
    await archive.rule(Matter.EVERYTHING, by=Basis.CHANGED)
    job = lifecycle.requested_job(recording, JobType.RENDER, {}, 3, None, now())
    await archive.recordings.note_job(recording, job.id)
    await archive.jobs.create(job)
    assert await archive.keeper.run() == []
    await archive.jobs.change(job.id, _completed)
    (due,) = [due async for due in archive.keeper.due(await archive.rules.all())]
    await archive.recordings.update_owned("ada", recording.id, {"title": "Still in use"})
    assert not await archive.keeper._expire(due, [])
    assert await archive.keeper.run() == []


@pytest.mark.parametrize("what", [Matter.EVERYTHING, Matter.ORIGINALS])
@pytest.mark.parametrize("noted", [False, True], ids=["ordered", "noted before the look"])
async def test_what_is_ordered_while_others_of_the_batch_go_stays(archive, what, noted):
    await archive.old()
    recording = await archive.old()
    await archive.rule(what)
    job = lifecycle.requested_job(recording, JobType.TRANSCRIPTION, {}, 3, None, now())
    if noted:
        await archive.recordings.note_job(recording, job.id)
    found = [due async for due in archive.keeper.due(await archive.rules.all())]
    if not noted:
        await archive.recordings.note_job(recording, job.id)
    await archive.jobs.create(job)
    went = [due.recording.id for due in found if await archive.keeper._expire(due, [])]
    assert len(went) == 1
    assert recording.id not in went
    assert (await archive.recordings.get(recording.id)).original_expired_at is None
    assert recording.object_key in archive.bucket.objects


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_what_breaks_off_anywhere_is_brought_to_its_end(after):
    """By the next run, or by the reconciler: whichever finds it."""
    number = 1
    while await broke_off(number, after):
        number += 1
    assert number > 8


async def broke_off(number: int, after: bool) -> bool:
    archive = Archive()
    kept = [await archive.old(), await archive.old()]
    gone = await archive.old(1000)
    for what, days in ((Matter.ORIGINALS, 90), (Matter.RENDITIONS, 90), (Matter.EVERYTHING, 900)):
        await archive.rule(what, older_than_days=days)
    kind = failing_at(number, after)
    stores = {name: kind(store) for name, store in vars(archive.deletion).items()}
    try:
        await Keeper(type(archive.deletion)(**stores), kind(archive.rules), pause=0).run()
        broke = False
    except StoreUnavailable:
        broke = True
    archive.age()
    await archive.reconciler.run(hold=False)
    await archive.keeper.run()
    assert await archive.recordings.stored(gone.id) is None, number
    for recording in kept:
        stored = await archive.recordings.get(recording.id)
        assert stored.original_expired_at, number
        assert stored.renditions == [], number
    assert archive.bucket.objects == {}, number
    assert await archive.found() == [], number
    return broke


async def test_what_was_put_again_behind_an_address_that_is_still_valid_goes(archive):
    recording = await archive.old()
    await archive.rule()
    await archive.keeper.run()
    archive.bucket.store(recording.object_key, b"again")
    assert await archive.reconciled() == [("expiry_unfinished", "repaired")]
    assert recording.object_key not in archive.bucket.objects


async def test_a_recording_that_has_lost_its_original_by_a_rule_is_not_called_broken(archive):
    recording = await archive.old()
    await archive.rule()
    await archive.keeper.run()
    assert await archive.reconciled() == []
    assert (await archive.recordings.get(recording.id)).error is None
