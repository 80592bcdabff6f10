"""Announced uploads that have not come, counted by who announced them: the same on every server."""

import pytest

from schemas.recordings import RecordingStatus
from stores.recordings import Recordings
from stores.uploads import Uploads
from tests.unit.stores.jobs import a_recording

AWAITING = RecordingStatus.AWAITING_UPLOAD


@pytest.fixture
async def uploads(database) -> Uploads:
    uploads = Uploads(database)
    for _ in range(2):
        await uploads.prepare()
    return uploads


async def test_awaited_uploads_are_counted_by_owner(uploads, database):
    recordings = Recordings(database)
    assert await uploads.awaited_by_owner() == {}
    made = [a_recording(owner_id=owner, status=AWAITING) for owner in ("ada", "bob", "ada", "ada", "eve")]
    for recording in (*made, a_recording(owner_id="bob")):
        await recordings.create(recording)
    await recordings.amend(made[0], {"status": RecordingStatus.PROCESSING})
    await recordings.mark_deleted(made[-1])
    assert await uploads.awaited_by_owner() == {"ada": 2, "bob": 1}
