"""Transcripts grow page by page, and a newer writer hides all that an older one wrote."""

import asyncio

import pytest

from schemas.transcripts import Segment, Word
from stores.errors import LeaseLost
from stores.recordings import fence_of
from stores.transcripts import SEGMENTS_A_PAGE, Transcripts

OLD, NEW = fence_of("job", 9), fence_of("job", 10)


@pytest.fixture
async def transcripts(database) -> Transcripts:
    transcripts = Transcripts(database)
    for _ in range(2):
        await transcripts.prepare()
    return transcripts


def segments(count: int, text: str = "word") -> list[Segment]:
    word = Word(text=text, start=0, end=1, confidence=0.5)
    return [Segment(id=n, start=n, end=n + 1, speaker="S1", text=f"{text}{n}", words=(word,)) for n in range(count)]


async def write(transcripts, fence, spoken):
    for first in range(0, len(spoken), SEGMENTS_A_PAGE):
        await transcripts.write("talk", fence, first, spoken[first : first + SEGMENTS_A_PAGE])


async def test_there_is_none_before_it_begins(transcripts):
    assert await transcripts.get("talk") is None
    assert await transcripts.outline("talk") is None


async def test_it_grows_over_many_pages(transcripts):
    await transcripts.begin("talk", NEW, "echo")
    spoken = segments(2 * SEGMENTS_A_PAGE + 7)
    for until in (1, SEGMENTS_A_PAGE, len(spoken)):
        await write(transcripts, NEW, spoken[:until])
        found = await transcripts.get("talk")
        assert found.segments == tuple(spoken[:until])
        assert (found.complete, found.language, found.provider) == (False, None, "echo")
    await transcripts.finish("talk", NEW, "echo", "de")
    found = await transcripts.get("talk")
    assert (found.complete, found.language) == (True, "de")
    assert found.text.split() == [segment.text for segment in spoken]
    outline = await transcripts.outline("talk")
    assert (outline.complete, outline.language, outline.segments) == (True, "de", ())


async def test_a_newer_writer_hides_every_page_of_an_older_one(transcripts):
    await transcripts.begin("talk", OLD, "echo")
    await write(transcripts, OLD, segments(2 * SEGMENTS_A_PAGE, "old"))
    await transcripts.begin("talk", NEW, "other")
    assert (await transcripts.get("talk")).segments == ()
    await write(transcripts, NEW, segments(3, "new"))
    assert (await transcripts.get("talk")).text == "new0 new1 new2"


async def test_an_older_writer_is_refused_where_a_newer_one_wrote(transcripts):
    await transcripts.begin("talk", NEW, "echo")
    await write(transcripts, NEW, segments(1, "new"))
    for late in (
        transcripts.begin("talk", OLD, "echo"),
        transcripts.write("talk", OLD, 0, segments(1, "old")),
        transcripts.finish("talk", OLD, "echo", "en"),
    ):
        with pytest.raises(LeaseLost):
            await late
    found = await transcripts.get("talk")
    assert (found.text, found.complete) == ("new0", False)


async def test_an_older_writer_adds_no_page_elsewhere(transcripts):
    await transcripts.begin("talk", NEW, "echo")
    await write(transcripts, NEW, segments(1, "new"))
    with pytest.raises(LeaseLost):
        await transcripts.write("talk", OLD, SEGMENTS_A_PAGE, segments(1, "old"))
    assert (await transcripts.get("talk")).text == "new0"


async def test_the_first_page_of_two_writers_at_once_is_the_newer_ones(transcripts):
    await transcripts.begin("talk", NEW, "echo")
    writes = [
        transcripts.write("talk", fence_of("job", fence), 0, segments(1, str(fence))) for fence in range(10, 0, -1)
    ]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert all(result is None or isinstance(result, LeaseLost) for result in results)
    assert results[0] is None
    assert (await transcripts.get("talk")).text == "100"


async def test_deleted_it_is_gone_and_its_neighbour_is_not(transcripts):
    for recording in ("talk", "talk2"):
        await transcripts.begin(recording, NEW, "echo")
        await transcripts.write(recording, NEW, 0, segments(1))
    for _ in range(2):
        await transcripts.delete("talk")
    assert await transcripts.get("talk") is None
    assert (await transcripts.get("talk2")).text == "word0"


async def test_a_writer_that_was_not_told_of_the_deletion_leaves_no_page(transcripts, database):
    await transcripts.begin("talk", NEW, "echo")
    await transcripts.delete("talk")
    with pytest.raises(LeaseLost):
        await transcripts.write("talk", NEW, 0, segments(1))
    assert [page async for page in database["transcript_pages"].find({})] == []


async def test_every_transcript_is_found_by_its_recording(transcripts):
    for recording in ("b", "a"):
        await transcripts.begin(recording, NEW, "echo")
    assert [recording async for page in transcripts.ids() for recording in page] == ["a", "b"]
