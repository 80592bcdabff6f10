"""Activity: every fact counts once, whatever is repeated and whoever writes at the same time."""

import asyncio
from datetime import date, timedelta

import pytest

from schemas.erasure import Erasure
from schemas.events import RecordingDeleted, RecordingTranscribed, event_id
from stores.activity import MOST_ENTRIES, Activity, Fact
from stores.erasure import Erasures
from tests.unit.stores.jobs import START, a_recording, about, uploaded

TODAY = START.date()


@pytest.fixture
async def activity(database) -> Activity:
    activity = Activity(database)
    for _ in range(2):
        await activity.prepare()
    return activity


def a_fact(offset: int, partition: str = "uploads-0", **fields) -> Fact:
    return Fact(uploaded(a_recording(**fields)).model_copy(update={"occurred_at": START}), partition, offset)


def on(fact: Fact, days: int) -> Fact:
    moved = fact.event.model_copy(update={"occurred_at": START + timedelta(days=days)})
    return Fact(moved, fact.partition, fact.offset)


async def test_a_repeat_counts_nothing(activity):
    facts = [a_fact(offset) for offset in range(3)]
    await activity.add(facts[:2])
    await activity.add(facts)
    await activity.add(facts[1:])
    counts = await activity.month("ada", TODAY.replace(day=1))
    assert (counts.uploads, counts.uploaded_bytes) == (3, 3000)


async def test_a_fact_that_was_put_on_its_topic_twice_counts_once(activity):
    first = a_fact(1)
    await activity.add([first, Fact(first.event, first.partition, 2)])
    await activity.add([Fact(first.event, first.partition, 3)])
    assert (await activity.month("ada", TODAY.replace(day=1))).uploads == 1


async def test_writers_of_several_partitions_do_not_undo_each_other(activity):
    await asyncio.gather(*(activity.add([a_fact(7, f"uploads-{number}")]) for number in range(8)))
    assert (await activity.month("ada", TODAY.replace(day=1))).uploads == 8


async def test_each_account_has_its_own(activity):
    await activity.add([a_fact(0), a_fact(1, owner_id="bob"), a_fact(2, owner_id="bob")])
    assert (await activity.month("bob", TODAY.replace(day=1))).uploads == 2
    assert len(await newest(activity, "ada")) == 1
    assert await newest(activity, "eve") == []


async def newest(activity: Activity, owner_id: str, limit: int = 100, before=None, days: int = 0):
    since = TODAY - timedelta(days=400)
    return await activity.newest(owner_id, limit, before=before, since=since, today=TODAY + timedelta(days=days))


async def test_pages_follow_each_other_over_days(activity):
    facts = [on(a_fact(number), -70 * number) for number in range(5)]
    await activity.add(facts)
    first = await newest(activity, "ada", 3)
    rest = await newest(activity, "ada", 3, before=(first[-1].at, first[-1].id))
    assert [entry.id for entry in (*first, *rest)] == [fact.event.id for fact in facts]


async def test_of_a_busy_day_the_newest_are_listed_and_all_are_counted(activity):
    facts = [a_fact(number) for number in range(MOST_ENTRIES + 5)]
    await activity.add(facts)
    assert len(await newest(activity, "ada", 1000)) == MOST_ENTRIES
    assert (await activity.month("ada", TODAY.replace(day=1))).uploads == MOST_ENTRIES + 5


async def test_a_month_ends_with_its_last_day(activity):
    await activity.add([on(a_fact(number), days) for number, days in enumerate((-1, 0, 30, 31))])
    assert (await activity.month("ada", date(2026, 3, 1))).uploads == 2
    assert (await activity.month("ada", date(2026, 2, 1))).uploads == 1
    assert (await activity.month("ada", date(2026, 4, 1))).uploads == 1


async def test_seconds_and_deletions_are_counted_as_such(activity):
    recording = a_recording()
    heard = RecordingTranscribed(
        **about(recording, "recording.transcribed"), provider="offline", segments=2, words=9, duration_seconds=12.5
    )
    gone = RecordingDeleted(
        id=event_id("recording.deleted", recording.job_id),
        recording_id=recording.id,
        owner_id="ada",
        job_id=recording.job_id,
        occurred_at=heard.occurred_at,
    )
    await activity.add([Fact(heard, "transcripts-1", 0), Fact(gone, "deletions-1", 0)])
    counts = await activity.month("ada", heard.occurred_at.date().replace(day=1))
    assert (counts.transcribed_seconds, counts.deletions, counts.uploads) == (12.5, 1, 0)


async def test_the_streak_is_that_of_the_days_with_activity(activity):
    await activity.add([on(a_fact(number), -number) for number in (0, 1, 2, 5)])
    found = await activity.streak("ada", TODAY)
    assert (found.current_days, found.longest_days, found.active_today) == (3, 3, True)


async def test_what_is_forgotten_is_gone_and_that_of_others_stays(activity):
    await activity.add([a_fact(0), on(a_fact(1), -100), a_fact(2, owner_id="bob")])
    assert await activity.forget("ada", TODAY - timedelta(days=120), TODAY) == 2
    assert await activity.forget("ada", TODAY - timedelta(days=120), TODAY) == 0
    assert await newest(activity, "ada") == []
    assert len(await newest(activity, "bob")) == 1


async def test_nothing_is_counted_of_an_account_that_is_erased(activity, database):
    await Erasures(database).begin(Erasure(id="ada", receipt="f", since=START, requested_at=START))
    await activity.add([a_fact(0), a_fact(1, owner_id="bob")])
    assert await newest(activity, "ada") == []
    assert len(await newest(activity, "bob")) == 1
