"""Transcripts grow page by page; a whole one is read until the next is whole, and old writers are refused."""

import asyncio

import pytest

from schemas.transcripts import Segment, SpeakerName, Word
from stores import corrections
from stores.errors import LeaseLost
from stores.transcripts import SEGMENTS_A_PAGE, Transcripts


def fence_of(number: int) -> str:
    return f"job/{number:08d}"


OLD, NEW = fence_of(9), fence_of(10)


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


async def complete(transcripts, fence, text, count=1):
    await transcripts.begin("talk", fence, f"by {text}")
    await write(transcripts, fence, segments(count, text))
    await transcripts.finish("talk", fence, f"by {text}", "de")


async def fences(database) -> set[str]:
    """Whose pages there are."""
    return {page["fence"] async for page in database["transcript_pages"].find({})}


async def test_a_whole_transcript_is_read_until_the_next_is_whole(transcripts, database):
    await complete(transcripts, OLD, "old", SEGMENTS_A_PAGE + 1)
    whole = await transcripts.get("talk")
    await transcripts.begin("talk", NEW, "other")
    assert await transcripts.get("talk") == whole
    await write(transcripts, NEW, segments(2 * SEGMENTS_A_PAGE, "new"))
    assert await transcripts.get("talk") == whole
    assert (await transcripts.outline("talk")).model_dump() == {**whole.model_dump(), "text": "", "segments": ()}
    await transcripts.finish("talk", NEW, "other", "en")
    found = await transcripts.get("talk")
    assert (found.provider, found.language, found.complete) == ("other", "en", True)
    assert found.segments == tuple(segments(2 * SEGMENTS_A_PAGE, "new"))
    assert await fences(database) == {NEW}


async def test_a_run_that_never_finishes_takes_nothing_away_and_its_pages_go(transcripts, database):
    await complete(transcripts, OLD, "old")
    for number in (10, 11):
        await transcripts.begin("talk", fence_of(number), "other")
        await transcripts.write("talk", fence_of(number), 0, segments(1, "half"))
        assert (await transcripts.get("talk")).text == "old0"
        assert await fences(database) == {OLD, fence_of(number)}
    await complete(transcripts, fence_of(12), "new")
    assert (await transcripts.get("talk")).text == "new0"
    assert await fences(database) == {fence_of(12)}


async def test_a_writer_that_starts_over_leaves_nothing_of_its_first_try(transcripts, database):
    await complete(transcripts, OLD, "old")
    await transcripts.begin("talk", NEW, "one")
    await write(transcripts, NEW, segments(2 * SEGMENTS_A_PAGE, "one"))
    await transcripts.begin("talk", NEW, "two")
    assert await fences(database) == {OLD}
    await write(transcripts, NEW, segments(1, "two"))
    await transcripts.finish("talk", NEW, "two", "en")
    found = await transcripts.get("talk")
    assert (found.text, found.provider) == ("two0", "two")


async def test_a_writer_that_ends_while_another_begins_is_kept_or_refused(transcripts, database):
    for _ in range(20):
        await transcripts.delete("talk")
        await complete(transcripts, fence_of(1), "first")
        await transcripts.begin("talk", OLD, "by old")
        await write(transcripts, OLD, segments(1, "old"))
        ends = await asyncio.gather(
            transcripts.finish("talk", OLD, "by old", "de"),
            transcripts.begin("talk", NEW, "other"),
            return_exceptions=True,
        )
        assert ends[1] is None
        kept = "first" if ends[0] else "old"
        assert (await transcripts.get("talk")).text == f"{kept}0"
        assert (await transcripts.outline("talk")).provider == f"by {kept}"


async def test_a_reader_never_finds_the_pages_gone(transcripts):
    """Versions come and go while it is read."""
    await complete(transcripts, fence_of(1), "v1", SEGMENTS_A_PAGE + 1)
    running = asyncio.create_task(versions(transcripts))
    while not running.done():
        found = await transcripts.get("talk")
        assert found.complete
        assert len(found.segments) == SEGMENTS_A_PAGE + 1
        assert len({segment.text.rstrip("0123456789") for segment in found.segments}) == 1
    await running


async def versions(transcripts):
    for number in range(2, 12):
        await complete(transcripts, fence_of(number), "v" + "x" * number, SEGMENTS_A_PAGE + 1)


async def lay_as_before(database, fence, text, *, complete):
    """A transcript as it was stored before pages had their writer in their names."""
    head = {"_id": "talk", "fence": fence, "provider": "echo", "complete": complete, "language": "de"}
    await database["transcripts"].insert_one(head)
    spoken = [segment.model_dump() for segment in segments(SEGMENTS_A_PAGE + 1, text)]
    for number in range(2):
        some = spoken[number * SEGMENTS_A_PAGE :][:SEGMENTS_A_PAGE]
        page = {"_id": f"talk/{number:06d}", "recording_id": "talk", "page": number, "fence": fence, "segments": some}
        await database["transcript_pages"].insert_one(page)


async def test_a_transcript_of_before_is_read_and_kept_until_the_next_is_whole(transcripts, database):
    await lay_as_before(database, OLD, "old", complete=True)
    found = await transcripts.get("talk")
    assert (found.complete, found.language, found.provider, len(found.segments)) == (True, "de", "echo", 51)
    await transcripts.begin("talk", NEW, "other")
    await transcripts.write("talk", NEW, 0, segments(1, "new"))
    assert await transcripts.get("talk") == found
    await transcripts.finish("talk", NEW, "other", "en")
    assert (await transcripts.get("talk")).text == "new0"
    assert await fences(database) == {NEW}


async def test_a_transcript_of_before_that_was_not_whole_gives_way(transcripts, database):
    await lay_as_before(database, OLD, "old", complete=False)
    found = await transcripts.get("talk")
    assert (found.complete, len(found.segments)) == (False, 51)
    await transcripts.begin("talk", NEW, "other")
    assert (await transcripts.get("talk")).segments == ()
    assert await fences(database) == set()


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
    writes = [transcripts.write("talk", fence_of(fence), 0, segments(1, str(fence))) for fence in range(10, 0, -1)]
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


async def test_pages_without_a_head_are_found_by_their_recording(transcripts, database):
    for recording in ("kept", "left"):
        await transcripts.begin(recording, NEW, "echo")
        for page in range(2):
            await transcripts.write(recording, NEW, page * SEGMENTS_A_PAGE, segments(1))
    await database["transcripts"].delete_one({"_id": "left"})
    assert [recording async for page in transcripts.headless() for recording in page] == ["left"]


async def test_a_deleted_transcript_cannot_be_finished(transcripts, database):
    await transcripts.begin("talk", NEW, "echo")
    await transcripts.delete("talk")
    with pytest.raises(LeaseLost):
        await transcripts.finish("talk", NEW, "echo", "en")
    assert await transcripts.get("talk") is None


async def test_what_people_put_right_is_read_and_can_be_taken_back(transcripts):
    assert await transcripts.correct("talk", {}, {0: "Nothing."}) is None
    await transcripts.begin("talk", OLD, "echo")
    await write(transcripts, OLD, segments(2))
    await transcripts.finish("talk", OLD, "echo", "en")
    for _ in range(2):
        told = await transcripts.correct("talk", {"S1": "Ada"}, {1: "two words"})
    found = await transcripts.get("talk")
    assert found == told
    assert (found.text, found.speakers) == ("word0 two words", (SpeakerName(speaker="S1", name="Ada"),))
    assert [(word.text, word.start, word.end) for word in found.segments[1].words] == [
        ("two", 1, 1.5),
        ("words", 1.5, 2),
    ]
    assert [segment.speaker for segment in found.named()] == ["Ada", "Ada"]
    assert (await transcripts.correct("talk", {"S1": None}, {1: None})).segments == tuple(segments(2))
    assert (await transcripts.get("talk")).speakers == ()


async def test_more_corrections_than_there_is_room_for_are_refused(transcripts, monkeypatch):
    monkeypatch.setattr(corrections, "MOST_BYTES", 500)
    await transcripts.begin("talk", OLD, "echo")
    await write(transcripts, OLD, segments(3))
    await transcripts.correct("talk", {}, {0: "a" * 300})
    with pytest.raises(corrections.Overfull):
        await transcripts.correct("talk", {}, {1: "b" * 300})
    assert (await transcripts.correct("talk", {}, {0: None, 1: "b" * 300})).text == f"word0 {'b' * 300} word2"


async def test_a_correction_holds_only_in_the_place_of_what_it_replaced(transcripts):
    await transcripts.begin("talk", OLD, "echo")
    await write(transcripts, OLD, segments(2))
    await transcripts.correct("talk", {}, {0: "right", 1: "right too"})
    await transcripts.begin("talk", NEW, "echo")
    await write(transcripts, NEW, [segments(2)[0], *segments(2, "other")[1:]])
    await transcripts.finish("talk", NEW, "echo", "en")
    assert (await transcripts.get("talk")).text == "right other1"
    for names, texts in (({"S9": "Bea"}, {}), ({}, {7: "none"})):
        with pytest.raises(KeyError):
            await transcripts.correct("talk", names, texts)
    await transcripts.delete("talk")
    assert await transcripts.correct("talk", {"S1": "Ada"}, {}) is None
    assert await transcripts.get("talk") is None
