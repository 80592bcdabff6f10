"""How far resumable uploads have come, in documents: collection `resumable_uploads`, `_id` that of the recording.

The document is written after its recording's and goes before it. Every change is made only if the revision is still
the one that was read; changes and reads that arrive together go together (stores/grouping).

Layout: as a job's (stores/jobs): `_id`, and `state`, an array of one, whose revision an array filter names. Parts and
pieces are one text each, and a change sends only the fields that it changes: a recorder of hours has some hundred of
them, and changes every second. The states of the newest changes are kept in memory and tried first.
"""

import itertools
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from pymongo import UpdateOne

from schemas.ids import new_id
from stores.documents import Database
from stores.errors import StoreUnavailable, answering
from stores.grouping import Grouped
from stores.resumable.arrival import Arrival, Gone, Part, Piece
from stores.scan import pages

Fields = dict[str, Any]
Rule = Callable[[Arrival], Arrival]

_CONFLICTS = 50
_KEPT = 4096
_NAMES = tuple(field.name for field in fields_of(Arrival) if field.name != "id")


class _Change(NamedTuple):
    before: Arrival
    after: Arrival


class Arrivals:
    """The repository. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._arrivals = database["resumable_uploads"]
        self._read: Grouped[str, Arrival | None] = Grouped(self._read_all)
        self._write: Grouped[_Change, bool] = Grouped(self._write_all)
        self._known: OrderedDict[str, Arrival] = OrderedDict()
        self._writer = new_id()
        self._stamps = itertools.count()

    async def create(self, arrival: Arrival) -> None:
        """Stores a new one. Raises Duplicate."""
        async with answering():
            await self._arrivals.insert_one({"_id": arrival.id, "state": [_layout(arrival, _NAMES)]})
        self._keep(arrival)

    async def get(self, upload_id: str) -> Arrival | None:
        """As it is in the store; None where there is none."""
        found = await self._read(upload_id)
        if found is None:
            self._known.pop(upload_id, None)
        else:
            self._keep(found)
        return found

    async def known(self, upload_id: str) -> Arrival | None:
        """As it was at the newest change or look of this process: most likely as it is. Else as `get`."""
        return self._known.get(upload_id) or await self.get(upload_id)

    async def many(self, upload_ids: Sequence[str]) -> dict[str, Arrival]:
        """Those that are there, by id."""
        found = await self._read_all(list(upload_ids)) if upload_ids else []
        return {arrival.id: arrival for arrival in found if arrival}

    async def change(self, upload_id: str, rule: Rule) -> Arrival:
        """Applies a rule of stores/resumable/arrival and stores what it returns; again until nobody interferes.

        Raises what the rule raises of the state that is stored, and Gone.
        """
        before, fresh = self._known.get(upload_id), False
        for _ in range(_CONFLICTS):
            if before is None:
                before, fresh = await self.get(upload_id), True
            if before is None:
                raise Gone(upload_id)
            try:
                after = replace(rule(before), revision=before.revision + 1)
            except Exception:
                if fresh:
                    raise
                before = None
                continue
            if await self._write(_Change(before, after)):
                self._keep(after)
                return after
            before = None
        raise StoreUnavailable("document store", f"upload {upload_id} changes too fast")

    async def forget(self, upload_id: str) -> None:
        """Removes it: whoever is still sending learns that it is gone. Harmless when repeated."""
        self._known.pop(upload_id, None)
        async with answering():
            await self._arrivals.delete_one({"_id": upload_id})

    async def quiet(self, before: datetime) -> list[str]:
        """The ids of live uploads to which nothing has been added since that moment."""
        found: list[str] = []
        async for page in pages(self._arrivals, "state.live", "state.updated_at"):
            states = ((fields["_id"], fields["state"][0]) for fields in page)
            found += [name for name, state in states if state.get("live") and state["updated_at"] <= before]
        return found

    async def ids(self) -> AsyncIterator[list[str]]:
        """Every id, a page at a time."""
        async for page in pages(self._arrivals):
            yield [found["_id"] for found in page]

    def _keep(self, arrival: Arrival) -> None:
        known = self._known.get(arrival.id)
        if known is None or known.revision < arrival.revision:
            self._known[arrival.id] = arrival
        self._known.move_to_end(arrival.id)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)

    async def _read_all(self, ids: list[str]) -> list[Arrival | None]:
        async with answering():
            found = self._arrivals.find({"_id": {"$in": list(set(ids))}})
            read = {fields["_id"]: _arrival(fields) async for fields in found}
        return [read.get(upload_id) for upload_id in ids]

    async def _write_all(self, changes: list[_Change]) -> list[bool]:
        """For each whether nobody was faster; of several to one upload only the first can be.

        A stamp tells our own write from another's of the same revision. No two writes of one command are to the same
        document: what the server then says of how many it changed is not to be relied on.
        """
        firsts = {change.after.id: change for change in reversed(changes)}
        written = dict(zip(firsts, await self._write_each(list(firsts.values())), strict=True))
        return [firsts[change.after.id] is change and written[change.after.id] for change in changes]

    async def _write_each(self, changes: list[_Change]) -> list[bool]:
        stamps = [f"{self._writer}/{next(self._stamps)}" for _ in changes]
        writes = [_update(change, stamp) for change, stamp in zip(changes, stamps, strict=True)]
        async with answering():
            result = await self._arrivals.bulk_write(writes, ordered=False)
            if result.modified_count == len(changes):
                return [True] * len(changes)
            found = self._arrivals.find({"_id": {"$in": [change.after.id for change in changes]}}, {"state.stamp": 1})
            written = {fields["state"][0].get("stamp") async for fields in found}
        return [stamp in written for stamp in stamps]


def _update(change: _Change, stamp: str) -> UpdateOne:
    before, after = change
    changed = [name for name in _NAMES if getattr(before, name) != getattr(after, name)]
    fields = {**_layout(after, changed), "stamp": stamp}
    fields["revision"] = fields.pop("revision")  # the last: the embedded server looks for it again at every field
    new = {f"state.$[was].{name}": value for name, value in fields.items()}
    return UpdateOne({"_id": after.id}, {"$set": new}, array_filters=[{"was.revision": before.revision}])


def _layout(arrival: Arrival, names: Sequence[str]) -> Fields:
    found = {name: getattr(arrival, name) for name in names}
    for listed in ("parts", "tail"):
        if listed in found:
            found[listed] = " ".join(":".join(map(str, one)) for one in found[listed])
    return found


def _arrival(fields: Fields) -> Arrival:
    state = fields["state"][0]
    found = {name: state[name] for name in _NAMES if name in state}
    found["parts"] = tuple(_part(text) for text in state["parts"].split())
    found["tail"] = tuple(_piece(text) for text in state["tail"].split())
    return Arrival(id=fields["_id"], **found)


def _part(text: str) -> Part:
    number, size, etag = text.split(":", 2)
    return Part(int(number), int(size), etag)


def _piece(text: str) -> Piece:
    name, size = text.rsplit(":", 1)
    return Piece(name, int(size))
