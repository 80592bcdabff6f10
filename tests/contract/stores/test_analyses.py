"""Analyses: one document a recording, written by the newest claim."""

import pytest

from schemas.analyses import ActionItem, ActionItems, Analyses, Citation, KeyPoints, Sentiment, SentimentSpan, Summary
from stores.analyses import AnalysesStore
from stores.errors import LeaseLost
from stores.recordings import fence_of
from tests.unit.stores.jobs import a_job


def analyses(text: str) -> Analyses:
    cited = (Citation(start=1.5, end=2, segment_id=3),)
    return Analyses(
        summary=Summary(text=text, provider="fixed", citations=cited),
        action_items=ActionItems(items=(ActionItem(text="Do it.", at=1, citations=cited),), provider="fixed"),
        key_points=KeyPoints(provider="fixed"),
        sentiment=Sentiment(
            timeline=(SentimentSpan(start=0, end=1, label="mixed", score=-0.5),), score=0.25, provider="fixed"
        ),
    )


FIRST, SECOND = a_job(), a_job()


@pytest.fixture
def store(database) -> AnalysesStore:
    return AnalysesStore(database)


async def test_what_is_put_comes_back_until_it_is_deleted(store):
    assert await store.get("talk") is None
    await store.put("talk", fence_of(FIRST, 1), analyses("one"))
    assert await store.get("talk") == analyses("one")
    for _ in range(2):
        await store.delete("talk")
    assert await store.get("talk") is None


async def test_only_the_newest_claim_of_the_newest_job_writes(store):
    for fence in (fence_of(FIRST, 9), fence_of(FIRST, 10), fence_of(FIRST, 10), fence_of(SECOND, 1)):
        await store.put("talk", fence, analyses(fence))
    for late in (fence_of(FIRST, 11), fence_of(SECOND, 0)):
        with pytest.raises(LeaseLost):
            await store.put("talk", late, analyses("late"))
    assert (await store.get("talk")).summary.text == fence_of(SECOND, 1)


async def test_an_action_item_is_checked_off_until_another_stands_there(store):
    assert await store.check("talk", 0, done=True) is None
    await store.put("talk", fence_of(FIRST, 1), analyses("one"))
    for done in (True, True, False, True):
        assert (await store.check("talk", 0, done=done)).done is done
        assert (await store.get("talk")).action_items.items[0].done is done
    assert await store.check("talk", 1, done=True) is None
    await store.put("talk", fence_of(FIRST, 2), analyses("the same item"))
    assert (await store.get("talk")).action_items.items[0].done
    other = ActionItems(items=(ActionItem(text="Do that."),), provider="fixed")
    await store.put("talk", fence_of(FIRST, 3), analyses("two").model_copy(update={"action_items": other}))
    assert not (await store.get("talk")).action_items.items[0].done
