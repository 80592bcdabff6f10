"""A document database in memory: what DESIGN allows of MongoDB, and not an operation more.

It passes the contract suite of the repositories (tests/contract/stores), so that they can be tested without a server.
Every operation gives way to other tasks first, as a real one does, so that writers interleave; documents go through
BSON, so that what comes back is what a server would give back. `away` makes it unreachable.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import bson
from bson.codec_options import CodecOptions
from pymongo import InsertOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, ServerSelectionTimeoutError

Fields = dict[str, Any]
_MISSING = object()
_AWARE: CodecOptions[Fields] = CodecOptions(tz_aware=True)


def _stored(fields: Fields) -> Fields:
    return bson.decode(bson.encode(fields), _AWARE)


def _copied(value: Any) -> Any:
    """A copy all the way down of what BSON has made; the rest of it cannot be changed."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


class MemoryDatabase:
    """Collections by name, made when they are first asked for."""

    def __init__(self) -> None:
        self._collections: dict[str, MemoryCollection] = {}
        self.away = False

    def __getitem__(self, name: str) -> "MemoryCollection":
        return self._collections.setdefault(name, MemoryCollection(self))


class MemoryCollection:
    """Documents by `_id`, in the order of their insertion."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._documents: dict[Any, Fields] = {}
        self._unique: list[str] = []

    async def create_index(self, keys: Any, *, unique: bool = False, sparse: bool = False) -> None:
        await self._turn()
        if unique and isinstance(keys, str) and keys not in self._unique:  # one with `_id` in it adds nothing
            self._unique.append(keys)

    async def insert_one(self, document: Fields) -> None:
        await self._turn()
        self._insert(_stored(document))

    async def find_one(self, wanted: Fields) -> Fields | None:
        await self._turn()
        return next(iter(self._matching(wanted)), None)

    def find(self, wanted: Fields, projection: Fields | None = None) -> "MemoryCursor":
        return MemoryCursor(self, wanted, projection)

    async def update_one(self, wanted: Fields, update: Fields, upsert: bool = False) -> SimpleNamespace:
        return await self._update(wanted, update, 1, upsert)

    async def update_many(
        self, wanted: Fields, update: Fields, array_filters: list[Fields] | None = None
    ) -> SimpleNamespace:
        if array_filters:
            await self._turn()
            return SimpleNamespace(modified_count=self._update_in_arrays(wanted, update, array_filters))
        return await self._update(wanted, update, None)

    async def find_one_and_update(self, wanted: Fields, update: Fields, upsert: bool = False) -> Fields | None:
        before = await self.find_one(wanted)
        if before is not None:
            self._change(before["_id"], wanted, update)
        elif upsert:
            self._insert_new(wanted, update)
        return before

    async def find_one_and_delete(self, wanted: Fields) -> Fields | None:
        found = await self.find_one(wanted)
        if found is not None:
            del self._documents[found["_id"]]
        return found

    async def replace_one(self, wanted: Fields, document: Fields) -> SimpleNamespace:
        await self._turn()
        found = self._matching(wanted)[:1]
        for before in found:
            self._documents[before["_id"]] = _stored(document)
        return SimpleNamespace(matched_count=len(found))

    async def delete_one(self, wanted: Fields) -> None:
        await self.find_one_and_delete(wanted)

    async def delete_many(self, wanted: Fields) -> SimpleNamespace:
        await self._turn()
        found = self._matching(wanted)
        for fields in found:
            del self._documents[fields["_id"]]
        return SimpleNamespace(deleted_count=len(found))

    async def bulk_write(self, writes: list[Any], *, ordered: bool) -> SimpleNamespace:
        """Inserts and updates in one turn; whatever meets a taken value is reported after all others are done."""
        assert not ordered
        await self._turn()
        taken, modified = [], 0
        for number, write in enumerate(writes):
            if not isinstance(write, InsertOne):
                modified += self._update_one_of_many(write._filter, write._doc, write._array_filters)
                continue
            try:
                self._insert(_stored(write._doc))
            except DuplicateKeyError as error:
                taken.append({"index": number, "code": error.code, "errmsg": str(error)})
        if taken:
            raise BulkWriteError({"writeErrors": taken})
        return SimpleNamespace(modified_count=modified)

    def _update_one_of_many(self, wanted: Fields, update: Fields, filters: list[Fields] | None) -> int:
        if filters:
            return self._update_in_arrays(wanted, update, filters)
        found = self._matching(wanted)[:1]
        for before in found:
            self._change(before["_id"], wanted, update)
        return len(found)

    def _update_in_arrays(self, wanted: Fields, update: Fields, filters: list[Fields]) -> int:
        """`$set` of `array.$[name]`, or of a field in it, where the filter on it fits; how many documents changed."""
        modified = 0
        for before in self._matching(wanted):
            changed = _copied(before)
            (condition,) = ({key.partition(".")[2]: v for key, v in one.items()} for one in filters)
            for path, value in update["$set"].items():
                array, _, field = path.partition(".$[")
                _, _, field = field.partition("].")
                fitting = [_matches(item, condition) for item in before[array]]
                changed[array] = [
                    item if not fits else {**item, field: value} if field else value
                    for item, fits in zip(changed[array], fitting, strict=True)
                ]
            self._documents[before["_id"]] = _stored(changed)
            modified += changed != before
        return modified

    def aggregate(self, stages: list[Fields]) -> "MemoryPipeline":
        return MemoryPipeline(self, stages)

    async def read(self, wanted: Fields) -> list[Fields]:
        await self._turn()
        return self._matching(wanted)

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self._database.away:
            raise ServerSelectionTimeoutError("the database is away")

    async def _update(self, wanted: Fields, update: Fields, most: int | None, upsert: bool = False) -> SimpleNamespace:
        await self._turn()
        found = self._matching(wanted)[:most]
        for before in found:
            self._change(before["_id"], wanted, update)
        if upsert and not found:
            self._insert_new(wanted, update)
        return SimpleNamespace(matched_count=len(found))

    def _insert_new(self, wanted: Fields, update: Fields) -> None:
        fresh = {name: value for name, value in wanted.items() if not isinstance(value, dict)}
        _apply(fresh, wanted, update)
        self._insert(_stored(fresh))

    def _matching(self, wanted: Fields) -> list[Fields]:
        return [_copied(document) for document in self._documents.values() if _matches(document, wanted)]

    def _change(self, document_id: Any, wanted: Fields, update: Fields) -> None:
        changed = _copied(self._documents[document_id])
        _apply(changed, wanted, update)
        self._expect_unique(changed, [other for other in self._documents.values() if other["_id"] != document_id])
        self._documents[document_id] = _stored(changed)

    def _insert(self, document: Fields) -> None:
        self._expect_unique(document, self._documents.values())
        self._documents[document["_id"]] = document

    def _expect_unique(self, document: Fields, others: Iterable[Fields]) -> None:
        for name in ("_id", *self._unique):
            if name in document and any(other.get(name) == document[name] for other in others):
                raise DuplicateKeyError(f"duplicate {name}", 11000, {"keyValue": {name: document[name]}})


class MemoryCursor:
    """What `find` gives: sorted, limited, read with `async for` or some at a time."""

    def __init__(self, collection: MemoryCollection, wanted: Fields, projection: Fields | None) -> None:
        self._collection, self._wanted = collection, wanted
        self._projection = projection
        self._key: str | None = None
        self._down = False
        self._most: int | None = None
        self._reading: Any = None

    def hint(self, index: list[tuple[str, int]]) -> "MemoryCursor":
        ((key, direction),) = index
        return self.sort(key, direction)

    def batch_size(self, _: int) -> "MemoryCursor":
        return self

    async def to_list(self, length: int) -> list[Fields]:
        """The next documents; none after the last."""
        self._reading = self._reading or aiter(self)
        found = [await anext(self._reading, None) for _ in range(length)]
        return [document for document in found if document is not None]

    async def close(self) -> None:
        self._reading = None

    def sort(self, key: str, direction: int) -> "MemoryCursor":
        self._key, self._down = key, direction < 0
        return self

    def limit(self, most: int) -> "MemoryCursor":
        self._most = most
        return self

    async def __aiter__(self):
        found = await self._collection.read(self._wanted)
        if self._key is not None:
            found.sort(key=lambda document: document[self._key], reverse=self._down)
        for document in found[: self._most]:
            yield _projected(document, tuple(self._projection)) if self._projection else document


class MemoryPipeline:
    """What `aggregate` gives, for `$match`, `$unwind` and `$group` with `$sum`, `$min` and `$max`."""

    def __init__(self, collection: MemoryCollection, stages: list[Fields]) -> None:
        self._collection, self._stages = collection, stages

    async def __aiter__(self):
        found = await self._collection.read({})
        for stage in self._stages:
            ((operator, operand),) = stage.items()
            found = _STAGES[operator](found, operand)
        for document in found:
            yield document


def _projected(document: Fields, paths: tuple[str, ...]) -> Fields:
    """The fields of those paths, and `_id`."""
    kept: Fields = {"_id": document["_id"]}
    for path in paths:
        name, _, rest = path.partition(".")
        value = document.get(name)
        if not rest:
            kept[name] = value
        elif isinstance(value, list):
            before = kept.get(name, [{}] * len(value))
            kept[name] = [{**had, **_only(item, rest)} for had, item in zip(before, value, strict=True)]
        else:
            kept[name] = {**kept.get(name, {}), **_only(value, rest)}
    return kept


def _only(fields: Fields, name: str) -> Fields:
    return {name: fields[name]} if name in fields else {}


def _unwound(documents: list[Fields], path: str) -> list[Fields]:
    name = path.removeprefix("$")
    return [{**document, name: item} for document in documents for item in document.get(name, [])]


def _grouped(documents: list[Fields], by: Fields) -> list[Fields]:
    groups: dict[Any, Fields] = {}
    for document in documents:
        key = _value_of(document, by["_id"])
        hashable = tuple(key) if isinstance(key, list) else key
        group = groups.setdefault(hashable, {"_id": key, **{name: None for name in by if name != "_id"}})
        for name, expression in by.items():
            if name != "_id":
                ((operator, operand),) = expression.items()
                group[name] = _ACCUMULATED[operator](group[name], _value_of(document, operand))
    return list(groups.values())


def _summed(before: Any, added: Any) -> Any:
    return (before or 0) + (added if isinstance(added, int | float) else 0)


_ACCUMULATED: dict[str, Callable[[Any, Any], Any]] = {
    "$sum": _summed,
    "$min": lambda before, value: value if before is None else min(before, value),
    "$max": lambda before, value: value if before is None else max(before, value),
}


def _value_of(document: Fields, expression: Any) -> Any:
    if not (isinstance(expression, str) and expression.startswith("$")):
        return expression
    value: Any = document
    for name in expression.removeprefix("$").split("."):  # of an array: the array of what its items have there
        value = [item.get(name) for item in value] if isinstance(value, list) else value.get(name, _MISSING)
    return value


_STAGES: dict[str, Callable[[list[Fields], Any], list[Fields]]] = {
    "$match": lambda documents, wanted: [document for document in documents if _matches(document, wanted)],
    "$unwind": _unwound,
    "$group": _grouped,
    "$project": lambda documents, fields: [_projected(document, tuple(fields)) for document in documents],
    "$sort": lambda documents, by: sorted(
        documents, key=lambda document: document[next(iter(by))], reverse=next(iter(by.values())) < 0
    ),
    "$limit": lambda documents, most: documents[:most],
}
"""Every stage of an aggregation that is used so far."""


def _values(document: Any, path: str) -> list[Any]:
    """What lies at a dotted path: several values where it leads through an array."""
    name, _, rest = path.partition(".")
    value = document.get(name, _MISSING) if isinstance(document, dict) else _MISSING
    if not rest:
        return [value]
    return [found for item in (value if isinstance(value, list) else [value]) for found in _values(item, rest)]


def _matches(document: Fields, wanted: Fields) -> bool:
    return all(
        any(_matches(document, one) for one in condition)
        if name == "$or"
        else _fits(_values(document, name), condition)
        for name, condition in wanted.items()
    )


def _fits(values: list[Any], condition: Any) -> bool:
    if not isinstance(condition, dict):
        whole = [*values, *(item for value in values if isinstance(value, list) for item in value)]
        return any(value == condition or (condition is None and value is _MISSING) for value in whole)
    flags = re.IGNORECASE if "i" in condition.get("$options", "") else 0
    values = [*values, *(item for value in values if isinstance(value, list) for item in value)]
    return all(_OPERATORS[operator](values, operand, flags) for operator, operand in condition.items())


def _same_kind(value: Any, operand: Any) -> bool:
    return isinstance(value, type(operand)) or (isinstance(value, datetime) and isinstance(operand, datetime))


_OPERATORS: dict[str, Callable[[list[Any], Any, int], bool]] = {
    "$exists": lambda values, operand, _: operand == any(value is not _MISSING for value in values),
    "$ne": lambda values, operand, _: operand not in values,
    "$in": lambda values, operand, _: any((None if value is _MISSING else value) in operand for value in values),
    "$lt": lambda values, operand, _: any(_same_kind(value, operand) and value < operand for value in values),
    "$lte": lambda values, operand, _: any(_same_kind(value, operand) and value <= operand for value in values),
    "$gt": lambda values, operand, _: any(_same_kind(value, operand) and value > operand for value in values),
    "$regex": lambda values, operand, flags: any(re.search(operand, value, flags) for value in values),
    "$options": lambda *_: True,
}
"""Every operator that a filter may use; another is a KeyError here, and not on the list of what documents may use."""


def _apply(document: Fields, wanted: Fields, update: Fields) -> None:
    for operator, changes in update.items():
        for path, value in changes.items():
            holder, name = _holder(document, path, wanted)
            match operator:
                case "$set":
                    holder[name] = value
                case "$inc":
                    holder[name] = holder.get(name, 0) + value
                case "$push":
                    holder.setdefault(name, []).append(value)
                case "$addToSet":
                    kept = holder.setdefault(name, [])
                    kept.extend(added for added in dict.fromkeys(value["$each"]) if added not in kept)
                case "$pull":
                    holder[name] = [item for item in holder.get(name, []) if not _matches(item, value)]
                case _:
                    raise ValueError(f"{operator} is not on the list of what documents may use")


def _holder(document: Fields, path: str, wanted: Fields) -> tuple[Any, Any]:
    """The dict or list that a dotted path ends in, and the place there; `$` is the item that the filter found."""
    *way, last = path.split(".")
    holder: Any = document
    for name in way:
        holder = holder.setdefault(name, {})
    if last != "$":
        return holder, last
    array = ".".join(way)
    inner = {name.removeprefix(f"{array}."): value for name, value in wanted.items() if name.startswith(f"{array}.")}
    return holder, next(number for number, item in enumerate(holder) if _matches(item, inner))
