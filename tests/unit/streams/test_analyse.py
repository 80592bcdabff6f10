"""analyse waits for a transcript that is being made, and not for one that is not coming."""

import pytest

from schemas.failures import Busy, Permanent
from schemas.pipeline import JobType
from streams.stages import analyse
from tests.unit.stores.jobs import a_recording
from tests.unit.streams.fakes import World
from tests.unit.streams.working import asked_for


@pytest.mark.parametrize(("begun", "failure"), [(True, Busy), (False, Permanent)])
async def test_without_a_whole_transcript_there_is_nothing_to_analyse(tmp_path, begun, failure):
    world, recording = World(), a_recording()
    await world.resources.recordings.create(recording)
    if begun:
        await world.resources.transcripts.begin(recording.id, "0", "echo")
    ctx = await asked_for(world, recording, JobType.ANALYSIS, tmp_path)
    with pytest.raises(failure):
        await analyse.perform(ctx, None)
