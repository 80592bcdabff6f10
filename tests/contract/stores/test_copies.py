"""Of documents with the same bytes one comes first, whoever is at it; and what is gone gives way."""

import asyncio

import pytest

from stores.copies import Copies
from tests.unit.stores.jobs import a_document


@pytest.fixture
def copies(database):
    return Copies(database)


async def test_the_first_holds_and_the_second_is_told(copies):
    first, second = a_document(), a_document()
    assert await copies.holder(first) == first.id
    assert await copies.holder(first) == first.id
    assert await copies.holder(second) == first.id


async def test_of_many_at_once_one_holds(copies):
    holders = await asyncio.gather(*(copies.holder(a_document()) for _ in range(8)))
    assert len(set(holders)) == 1


@pytest.mark.parametrize("other", [{"owner_id": "bob"}, {"project_id": "course"}, {"sha256": "1" * 64}])
async def test_another_owner_course_or_content_is_another_matter(copies, other):
    assert await copies.holder(a_document()) != (await copies.holder(different := a_document(**other)))
    assert await copies.holder(different) == different.id


async def test_of_those_that_take_over_one_does(copies):
    gone = a_document()
    await copies.holder(gone)
    heirs = [a_document() for _ in range(6)]
    took = await asyncio.gather(*(copies.take_over(heir, gone.id) for heir in heirs))
    assert took.count(True) == 1
    assert await copies.holder(a_document()) == heirs[took.index(True)].id


async def test_only_the_holder_releases(copies):
    first, second = a_document(), a_document()
    await copies.holder(first)
    await copies.release(second)
    assert await copies.holder(second) == first.id
    await copies.release(first)
    assert await copies.holder(second) == second.id
    await copies.release(a_document(sha256=None))


async def test_one_that_has_left_its_course_releases_what_it_has_there(copies, database):
    first = a_document(project_id="course")
    await copies.holder(first)
    await copies.holder(other := a_document())
    await copies.release(first.model_copy(update={"project_id": None}))
    left = [fields["recording_id"] async for fields in database["document_copies"].find({})]
    assert left == [other.id]
