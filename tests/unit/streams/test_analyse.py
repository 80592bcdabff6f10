"""analyse waits for a transcript that is being made, and not for one that is not coming."""

import pytest

from providers.language.extractive import Extractive
from schemas.analyses import Citation
from schemas.documents import Page
from schemas.failures import Busy, Permanent
from schemas.pipeline import JobType
from streams.stages import analyse
from tests.unit.stores.jobs import a_document, a_recording
from tests.unit.streams.fakes import Providers, World
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


@pytest.mark.parametrize(("begun", "failure"), [(True, Busy), (False, Permanent)])
async def test_without_all_of_its_pages_there_is_nothing_of_a_document_to_analyse(tmp_path, begun, failure):
    world, document = World(), a_document()
    await world.resources.recordings.create(document)
    if begun:
        await world.resources.pages.begin(document.id, "0", 1, None)
    ctx = await asked_for(world, document, JobType.ANALYSIS, tmp_path)
    with pytest.raises(failure):
        await analyse.perform(ctx, None)


async def test_a_document_is_analysed_citing_its_pages(tmp_path):
    world, document = World(), a_document()
    await world.resources.recordings.create(document)
    await world.resources.pages.begin(document.id, "0", 2, "en")
    pages = [Page(number=1, text="Light becomes sugar."), Page(number=2, text="Ada must water the plants.")]
    await world.resources.pages.write(document.id, "0", pages)
    await world.resources.pages.finish(document.id, "0", 8, 0)
    ctx = await asked_for(world, document, JobType.ANALYSIS, tmp_path, Providers(analyst=Extractive()))
    outcome = await analyse.perform(ctx, None)
    assert outcome.event.action_items == 1
    (item,) = (await world.resources.analyses.get(document.id)).action_items.items
    assert (item.page, item.at, item.citations) == (2, None, (Citation(page=2),))
