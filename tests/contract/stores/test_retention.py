"""What retention asks of the documents: what may go, marks on one condition, holds, and rules by their owner."""

from datetime import timedelta

import pytest

from schemas.holds import Hold
from schemas.ids import new_id
from schemas.media import Rendition, RenditionKind
from schemas.recordings import RecordingStatus
from schemas.retention import Basis, Matter, Rule
from stores.errors import OnHold
from stores.recordings import Recordings
from stores.retention import Rules
from tests.unit.stores.jobs import START, a_recording

DONE, FAILED = RecordingStatus.COMPLETED, RecordingStatus.FAILED
VIDEO = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=9, key="video")
HOLD = Hold(reason="Case 1", by="root", at=START)


@pytest.fixture
def recordings(database) -> Recordings:
    return Recordings(database)


@pytest.fixture
async def rules(database) -> Rules:
    rules = Rules(database)
    for _ in range(2):
        await rules.prepare()
    return rules


async def test_what_may_go_is_old_at_its_end_and_there(recordings):
    async def stored(**fields) -> str:
        recording = a_recording(**{"status": DONE, "renditions": [VIDEO], **fields})
        await recordings.create(recording)
        return recording.id

    whole, failed = await stored(), await stored(status=FAILED, renditions=[])
    bare, expired = await stored(renditions=[]), await stored(original_expired_at=START)
    others = await stored(owner_id="bob")
    await stored(status=RecordingStatus.PROCESSING)
    await stored(deleted_at=START)
    await stored(created_at=START + timedelta(days=2))

    async def found(*matters: Matter, owners: list[str] | None = None) -> set[str]:
        return set(await recordings.lists.expirable(START + timedelta(days=1), matters, owners))

    assert await found(Matter.EVERYTHING, Matter.ORIGINALS) == {whole, failed, bare, expired, others}
    assert await found(Matter.EVERYTHING, owners=["ada", "eve"]) == {whole, failed, bare, expired}
    assert await found(Matter.ORIGINALS, owners=["ada"]) == {whole, failed, bare}
    assert await found(Matter.RENDITIONS, owners=["ada"]) == {whole, expired}
    assert await found(Matter.ORIGINALS, Matter.RENDITIONS, owners=["ada"]) == {whole, failed, bare, expired}


async def test_what_has_gone_is_noted_if_nobody_wrote_and_counts_no_longer(recordings):
    recording = a_recording(status=DONE, renditions=[VIDEO], updated_at=START + timedelta(days=1))
    await recordings.create(recording)
    assert (await recordings.lists.usage("ada")).originals_bytes == recording.size_bytes
    expired = await recordings.expire(recording, originals=True, renditions=False)
    assert expired.original_expired_at is not None
    assert (expired.renditions, expired.updated_at) == ([VIDEO], recording.updated_at)
    assert (await recordings.lists.usage("ada")).originals_bytes == 0
    assert await recordings.expire(recording, originals=False, renditions=True) is None
    expired = await recordings.expire(expired, originals=False, renditions=True)
    assert (expired.renditions, expired.renditions_expired_at is not None) == ([], True)
    await recordings.update_owned("ada", recording.id, {"title": "Changed"})
    assert await recordings.expire(expired, originals=True, renditions=True) is None


async def test_what_a_job_was_noted_for_since_it_was_read_stays(recordings):
    recording = a_recording(status=DONE)
    await recordings.create(recording)
    await recordings.note_job(recording, "another")
    assert await recordings.expire(recording, originals=True, renditions=False) is None
    assert not await recordings.mark_deleted(recording, unless_changed=True)
    assert (await recordings.get(recording.id)).original_expired_at is None


async def test_a_hold_refuses_every_deletion_until_it_is_lifted(recordings):
    recording = a_recording(status=DONE, project_id="biology")
    await recordings.create(recording)
    assert await recordings.lists.held_in("ada", "biology") is None
    for _ in range(2):
        held = await recordings.set_hold(recording.id, HOLD)
        assert (held.hold, held.updated_at) == (HOLD, recording.updated_at)
    assert await recordings.lists.held_in("ada", "biology") == recording.id
    assert await recordings.lists.held_in("ada", "physics") is None
    with pytest.raises(OnHold, match="Case 1"):
        await recordings.mark_deleted(recording)
    with pytest.raises(OnHold, match="Case 1"):
        await recordings.expire(recording, originals=True, renditions=True)
    assert (await recordings.set_hold(recording.id, None)).hold is None
    assert await recordings.mark_deleted(recording)
    assert await recordings.set_hold(recording.id, HOLD) is None


async def test_rules_are_their_owners_and_the_operators_for_all(rules):
    def rule(owner_id: str | None) -> Rule:
        made = {"by": Basis.CREATED, "what": Matter.ORIGINALS, "older_than_days": 9, "created_at": START}
        return Rule(id=new_id(), owner_id=owner_id, **made)

    mine, newer, operators, others = rule("ada"), rule("ada"), rule(None), rule("bob")
    for one in (mine, newer, operators, others):
        await rules.create(one)
    assert await rules.of("ada") == [newer, mine]
    assert await rules.of(None) == [operators]
    assert await rules.for_owner("ada") == [newer, mine, operators]
    assert len(await rules.all()) == 4
    assert not await rules.delete("ada", operators.id)
    assert [await rules.delete("ada", mine.id) for _ in range(2)] == [True, False]
    await rules.forget("ada")
    assert await rules.for_owner("ada") == [operators]
    assert await rules.of("bob") == [others]
