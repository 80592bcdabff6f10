"""Going through recordings by the rules: what would go, and letting it go.

A document says that something has gone before the object goes, so that nobody is offered what is being removed. What
is removed is said in the audit log.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from schemas.recordings import Recording
from schemas.retention import Expiring, Matter, Rule
from schemas.time import now
from stores import keys
from stores.deletion import Deletion
from stores.errors import OnHold
from stores.objects import Listed, Objects
from stores.retention.judgement import Due, judge, leftovers
from stores.retention.rules import Rules

audit = structlog.get_logger("tidemark.audit")

_TOGETHER = 200
_PAUSE_SECONDS = 0.02
"""Between two groups of recordings: retention is never in a hurry."""


def expiring(due: Due) -> Expiring:
    """What is to go, as people are told of it."""
    recording = due.recording
    return Expiring(
        recording_id=recording.id,
        owner_id=recording.owner_id,
        title=recording.title,
        what=due.what,
        rules=due.rules,
        total_bytes=due.total_bytes,
    )


async def objects_of(objects: Objects, recording_id: str) -> dict[str, Listed]:
    """All objects of a recording, by key. Raises StoreUnavailable."""
    found: dict[str, Listed] = {}
    prefix, after = keys.recording_prefix(recording_id), ""
    while page := await objects.listed(prefix, after):
        found |= {listed.key: listed for listed in page}
        after = page[-1].key
    return found


async def remove_leftovers(objects: Objects, recording: Recording, there: Mapping[str, Listed]) -> None:
    """Removes what has gone by a rule and is still there. A repeat is harmless. Raises StoreUnavailable."""
    for left in leftovers(recording, there):
        await objects.delete(left.key)


def _bounds(rules: Sequence[Rule], owner_id: str | None) -> tuple[datetime, frozenset[Matter], list[str] | None]:
    """What no rule reaches beyond: from when on recordings are too young, what may go, and whose they are.

    A recording is never changed before it is made, so by either basis it is at least as old as the youngest rule asks.
    """
    youngest = now() - timedelta(days=min(rule.older_than_days for rule in rules))
    owners = sorted({owner_id} if owner_id else {rule.owner_id for rule in rules if rule.owner_id})
    everybody = owner_id is None and any(rule.owner_id is None for rule in rules)
    return youngest, frozenset(rule.what for rule in rules), None if everybody else owners


def _place(due: Due) -> tuple[tuple[str, ...], str] | None:
    """Where it is filed: by whom, its readers included, and in which course or project; None: in none."""
    recording = due.recording
    return (recording.everybody, recording.project_id) if recording.project_id else None


class Keeper:
    """Applies rules. Methods raise StoreUnavailable; then what is left is for the next run."""

    def __init__(self, deletion: Deletion, rules: Rules, pause: float = _PAUSE_SECONDS) -> None:
        self._deletion = deletion
        self._recordings = deletion.recordings
        self._rules = rules
        self._pause = pause

    async def due(self, rules: Sequence[Rule], owner_id: str | None = None) -> AsyncIterator[Due]:
        """What is to go by those rules, of that owner's recordings or of everybody's, in any order. Changes nothing."""
        if not rules:
            return
        ids = await self._recordings.lists.expirable(*_bounds(rules, owner_id))
        for first in range(0, len(ids), _TOGETHER):
            found, _ = await self._recordings.many(ids[first : first + _TOGETHER])
            judged = (judge(recording, rules, now()) for recording in found.values())
            for due in await self._free([due for due in judged if due]):
                yield due
            await asyncio.sleep(self._pause)

    async def run(self) -> list[Expiring]:
        """Lets everything go that is to go by the stored rules; what went. A repeat finds nothing more to do."""
        rules = await self._rules.all()
        return [expiring(due) async for due in self.due(rules) if await self._expire(due, rules)]

    async def _free(self, found: Sequence[Due]) -> list[Due]:
        """Those that are not on hold with their course or project, and that no job is at."""
        busy = await self._busy([due.recording for due in found])
        held = {place for place in map(_place, found) if place and await self._deletion.folders.held(*place)}
        return [due for due in found if due.recording.id not in busy and _place(due) not in held]

    async def _busy(self, recordings: Sequence[Recording]) -> set[str]:
        """The ids of those that a job is at."""
        ids = [job_id for recording in recordings for job_id in recording.every_job_id]
        return {job.recording_id for job in await self._deletion.jobs.get_many(ids) if not job.status.ended}

    async def _expire(self, due: Due, rules: Sequence[Rule]) -> bool:
        """Lets it go if it still is to go, as it was found; whether it went."""
        recording = due.recording
        try:
            went = await self._went(due)
        except OnHold:
            return False
        if went:
            audit.info(
                "expired by retention",
                recording_id=recording.id,
                owner_id=recording.owner_id,
                what=[matter.value for matter in due.what],
                rules=[f"{rule.id} ({rule.older_than_days} d)" for rule in rules if rule.id in due.rules],
                total_bytes=due.total_bytes,
            )
        return went

    async def _went(self, due: Due) -> bool:
        """The jobs are looked at again: one that is noted since the recording was read makes it another revision."""
        recording = due.recording
        await self._deletion.expect_free(recording)
        if await self._busy([recording]):
            return False
        if Matter.EVERYTHING in due.what:
            if not await self._recordings.mark_deleted(recording, unless_changed=True):
                return False
            await self._deletion.destroy(recording.model_copy(update={"deleted_at": now()}))
            return True
        originals, renditions = (matter in due.what for matter in (Matter.ORIGINALS, Matter.RENDITIONS))
        expired = await self._recordings.expire(recording, originals=originals, renditions=renditions)
        if expired is None:
            return False
        objects = self._deletion.objects
        await remove_leftovers(objects, expired, await objects_of(objects, recording.id))
        return True
