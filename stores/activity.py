"""Activity in MongoDB: collection `activity`, one document for each account and day, `_id` "owner/2026-11-21".

Facts are counted into it exactly once: a document says up to which offset of each partition it has been counted, in
the same write, and a fact that was put on its topic twice is known by its id as long as it is among the newest. Reads
ask for days by their `_id`s. Index: id and revision, for the compare-and-set.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schemas.activity import Counts, Day, Entry, Streak, counted, streak_of
from schemas.events import Event
from stores.documents import Database, from_document, to_document
from stores.errors import Duplicate, StoreUnavailable, answering, in_time
from stores.scan import present

MOST_ENTRIES = 200
"""How many entries of a day are kept. What was counted of the others stays counted."""
_CONFLICTS = 50
_DAYS_AT_ONCE = 60
_YEAR_DAYS = 366


@dataclass(frozen=True)
class Fact:
    """An event, and where it lies on its topic: the partition's name and the offset within it."""

    event: Event
    partition: str
    offset: int

    @property
    def day(self) -> str:
        """The id of the document that it counts into."""
        return _day_id(self.event.owner_id, self.event.occurred_at.date())


class Activity:
    """The repository of activity. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._days = database["activity"]
        self._erasures = database["erasures"]

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._days.create_index([("_id", 1), ("revision", 1)], unique=True)

    async def add(self, facts: Sequence[Fact]) -> None:
        """Counts the facts, those of a partition in their order. A repeat of all or some of them is harmless.

        Nothing is counted of an account that is erased, or about to be: its erasure makes facts too.
        """
        erased = await present(self._erasures, {fact.event.owner_id for fact in facts})
        by_day: dict[str, list[Fact]] = {}
        for fact in facts:
            if fact.event.owner_id not in erased:
                by_day.setdefault(fact.day, []).append(fact)
        for day_id, own in by_day.items():
            await self._add(day_id, own)

    async def month(self, owner_id: str, first: date) -> Counts:
        """What is counted of the account in the month that begins with that day."""
        days = await self._between(owner_id, first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        return sum((day.counts for day in days), Counts())

    async def streak(self, owner_id: str, today: date) -> Streak:
        """The account's days in a row up to `today`, as far as a year back."""
        days = await self._between(owner_id, today - timedelta(days=_YEAR_DAYS - 1), today)
        return streak_of({_date(day.id) for day in days}, today)

    async def newest(
        self, owner_id: str, limit: int, *, before: tuple[datetime, str] | None, since: date, today: date
    ) -> list[Entry]:
        """Up to `limit` entries, newest first, those before that moment and id; none of days before `since`."""
        last = before[0].date() if before else today
        found: list[Entry] = []
        while last >= since and len(found) < limit:
            first = max(since, last - timedelta(days=_DAYS_AT_ONCE - 1))
            entries = [entry for day in await self._between(owner_id, first, last) for entry in day.entries]
            found += [entry for entry in entries if before is None or (entry.at, entry.id) < before]
            last = first - timedelta(days=1)
        return sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]

    async def forget(self, owner_id: str, since: date, today: date) -> int:
        """Removes the account's days from `since` on, and says how many there were. Harmless when repeated."""
        removed = 0
        for ids in _groups(owner_id, since, today + timedelta(days=1)):
            async with answering():
                removed += (await self._days.delete_many({"_id": {"$in": ids}})).deleted_count
        return removed

    async def _between(self, owner_id: str, first: date, last: date) -> list[Day]:
        days: list[Day] = []
        for ids in _groups(owner_id, first, last):
            async with answering():
                days += [from_document(Day, fields) async for fields in self._days.find({"_id": {"$in": ids}})]
        return days

    async def _add(self, day_id: str, facts: list[Fact]) -> None:
        for _ in range(_CONFLICTS):
            async with answering():
                found = await self._days.find_one({"_id": day_id})
            day = from_document(Day, found) if found else Day(id=day_id, revision=0)
            if not _count(day, facts) or await self._store(day):
                return
        raise StoreUnavailable("document store", f"the activity of {day_id} changes too fast")

    async def _store(self, day: Day) -> bool:
        read = {"_id": day.id, "revision": day.revision}
        day.revision += 1
        try:
            async with answering():
                if day.revision == 1:
                    await self._days.insert_one(to_document(day))
                    return True
                return bool((await self._days.replace_one(read, to_document(day))).matched_count)
        except Duplicate:
            return False


def _count(day: Day, facts: Iterable[Fact]) -> bool:
    """Adds what the day has not had yet; whether there was any."""
    changed = False
    known = {entry.id for entry in day.entries}
    for fact in facts:
        counts = counted(fact.event)
        if counts is None or fact.offset <= day.offsets.get(fact.partition, -1):
            continue
        changed, day.offsets[fact.partition] = True, fact.offset
        if fact.event.id not in known:
            known.add(fact.event.id)
            day.counts += counts
            day.entries.append(_entry(fact.event))
    day.entries = day.entries[-MOST_ENTRIES:]
    return changed


def _entry(event: Event) -> Entry:
    return Entry(
        id=event.id, type=event.type, at=event.occurred_at, recording_id=event.recording_id, job_id=event.job_id
    )


def _day_id(owner_id: str, day: date) -> str:
    return f"{owner_id}/{day.isoformat()}"


def _date(day_id: str) -> date:
    return date.fromisoformat(day_id.rsplit("/", 1)[-1])


def _groups(owner_id: str, first: date, last: date) -> Iterable[list[str]]:
    """The ids of the days from first to last, newest first, some at a time."""
    count = (last - first).days + 1
    ids = [_day_id(owner_id, last - timedelta(days=back)) for back in range(count)]
    for start in range(0, len(ids), _DAYS_AT_ONCE):
        yield ids[start : start + _DAYS_AT_ONCE]
