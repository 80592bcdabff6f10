"""Pages of documents: read in order and one by one, a whole version until the next one is, and never an older one."""

import pytest

from schemas.documents import DocumentOutline, Page
from stores.errors import LeaseLost
from stores.pages import PAGES_TOGETHER, Pages

MANY = 2 * PAGES_TOGETHER + 3


@pytest.fixture
async def pages(database):
    made = Pages(database)
    await made.prepare()
    return made


def some(first: int, count: int = PAGES_TOGETHER, word: str = "page") -> list[Page]:
    return [Page(number=number, text=f"{word} {number}", words=2) for number in range(first, first + count)]


async def write(pages: Pages, fence: str, number: int = MANY, word: str = "page") -> None:
    await pages.begin("r", fence, number, "en")
    for first in range(1, number + 1, PAGES_TOGETHER):
        await pages.write("r", fence, some(first, min(PAGES_TOGETHER, number + 1 - first), word))


async def test_there_is_none_before_it_is_read(pages):
    assert await pages.get("r") is None
    assert await pages.page("r", 1) is None
    assert await pages.outline("r") is None


async def test_all_pages_come_in_order_and_each_by_its_number(pages):
    await write(pages, "1")
    await pages.finish("r", "1", 2 * MANY, 0)
    text = await pages.get("r")
    assert (text.complete, text.language) == (True, "en")
    assert [page.number for page in text.pages] == list(range(1, MANY + 1))
    for number in (1, PAGES_TOGETHER, PAGES_TOGETHER + 1, MANY):
        assert await pages.page("r", number) == text.pages[number - 1]
    assert await pages.page("r", MANY + 1) is None
    assert await pages.outline("r") == DocumentOutline(language="en", pages=MANY, words=2 * MANY)


async def test_what_is_there_is_read_while_the_rest_comes(pages):
    await pages.begin("r", "1", MANY, None)
    await pages.write("r", "1", some(1))
    assert len((await pages.get("r")).pages) == PAGES_TOGETHER
    assert (await pages.page("r", 2)).text == "page 2"
    assert (await pages.outline("r")).complete is False


async def test_a_whole_version_is_read_until_the_next_one_is_whole(pages):
    await write(pages, "1")
    await pages.finish("r", "1", 2 * MANY, 0)
    await write(pages, "2", 3, "new")
    assert (await pages.page("r", 1)).text == "page 1"
    assert (await pages.outline("r")).pages == MANY
    await pages.finish("r", "2", 6, 1)
    assert (await pages.page("r", 1)).text == "new 1"
    assert await pages.page("r", 4) is None
    assert await pages.outline("r") == DocumentOutline(language="en", pages=3, words=6, unreadable=1)


async def test_an_older_writer_is_refused(pages):
    await write(pages, "2", 3)
    with pytest.raises(LeaseLost):
        await pages.begin("r", "1", 3, None)
    with pytest.raises(LeaseLost):
        await pages.write("r", "1", some(1, 3, "old"))
    with pytest.raises(LeaseLost):
        await pages.finish("r", "1", 0, 0)
    assert (await pages.page("r", 1)).text == "page 1"


async def test_deleted_it_is_gone_and_its_neighbour_is_not(pages):
    await write(pages, "1", 3)
    await pages.begin("other", "1", 1, None)
    await pages.write("other", "1", some(1, 1))
    await pages.delete("r")
    assert await pages.get("r") is None
    assert (await pages.page("other", 1)).text == "page 1"
    assert [one async for page in pages.ids() for one in page] == ["other"]
    assert [one async for page in pages.headless() for one in page] == []
