"""A program with a JVM of its own: puts every kind of value into files as the document server does, and reads them.

usage: python -m tests.integration.deploy.stored_values before|now FILE JAR...

`before` writes FILE by Java serialization alone; `now` checks FILE, and that what is written today is read the same.
"""

import datetime
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import jpype
from bson.binary import OLD_UUID_SUBTYPE, UUID_SUBTYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.embedded import docstore_keys, docstore_server, docstore_values

_SERVER, _NETTY, _TYPES = "de.bwaldvogel.mongo", "io.netty.buffer", "org.h2.mvstore.type"
_DAY = datetime.datetime(2026, 5, 17, 9, 30, 0, 123000, tzinfo=datetime.UTC)
_UUID = uuid.UUID(int=2**80 + 5).bytes
EVERYTHING = {
    "_id": "a",
    "": "",
    "nested": {"a": {"": []}},
    "list": [1, [None, {"x": []}], "s", _DAY],
    "int": 7,
    "least int": -(2**31),
    "long": bson.Int64(7),
    "least long": -(2**63),
    "double": 1.0,
    "zero": -0.0,
    "nan": float("nan"),
    "inf": float("-inf"),
    "decimal": bson.Decimal128("-1.10E+3"),
    "text": "a\0b ä \U0001f600",
    "time": _DAY,
    "before": _DAY.replace(year=1),
    "bytes": b"\0\xff",
    "id": bson.ObjectId("65f0c1d2e3a4b5c6d7e8f901"),
    "uuid": bson.Binary(_UUID, UUID_SUBTYPE),
    "old uuid": bson.Binary(_UUID, OLD_UUID_SUBTYPE),
    "none": None,
    "yes": True,
    "no": False,
    "regex": bson.Regex("^a", "i"),
    "code": bson.Code("1"),
    "stamp": bson.Timestamp(3, 4),
    "min": bson.MinKey(),
    "max": bson.MaxKey(),
}
_NAMES = st.text().filter(lambda name: "\0" not in name)
_VALUES = st.recursive(
    st.sampled_from(list(EVERYTHING.values()))
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_DOCUMENTS = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=6), min_size=1, max_size=8)


def server(name: str) -> Any:
    """A class of mongo-java-server."""
    return jpype.JClass(f"{_SERVER}.{name}")


def decoded(fields: dict[str, Any]) -> Any:
    """The document, as the server has it from a client."""
    content = jpype.JArray(jpype.JByte)(bson.encode(fields))
    return server("wire.bson.BsonDecoder").decodeBson(jpype.JClass(f"{_NETTY}.Unpooled").wrappedBuffer(content))


def encoded(value: Any) -> tuple[Any, bytes]:
    """The class of a document or key, and what a client would get of it."""
    key = isinstance(value, server("backend.KeyValue"))
    buffer = jpype.JClass(f"{_NETTY}.Unpooled").buffer()
    document = server("bson.Document")("key", value.stream().toList()) if key else value
    server("wire.bson.BsonEncoder").encodeDocument(document, buffer)
    return value.getClass(), bytes(jpype.JClass(f"{_NETTY}.ByteBufUtil").getBytes(buffer))


def serialized(value: Any) -> bytes:
    """The value as Java writes it: with every class that is in it."""
    return bytes(jpype.JClass(f"{_TYPES}.ObjectDataType").serialize(value))


def opened(file: str) -> Any:
    """The file."""
    return jpype.JClass("org.h2.mvstore.MVStore").Builder().fileName(file).autoCommitDisabled().open()


def write(file: str, values: list[Any], name: str = "values") -> None:
    """Puts the values into the file."""
    mvstore = opened(file)
    for number, value in enumerate(values):
        mvstore.openMap(name).put(str(number), value)
    mvstore.commit()
    mvstore.close()


def read(file: str, count: int) -> list[Any]:
    """So many values of the file."""
    mvstore = opened(file)
    found = [mvstore.openMap("values").get(str(number)) for number in range(count)]
    mvstore.close()
    return found


def kept(file: str, values: list[Any]) -> list[Any]:
    """The values, after they have been in a new file."""
    Path(file).unlink(missing_ok=True)
    write(file, values)
    return read(file, len(values))


def key_of(*values: Any) -> Any:
    """An index key of those values."""
    return server("backend.KeyValue")(_filled("ArrayList", *values))


def _filled(kind: str, *values: Any) -> Any:
    collection = jpype.JClass(f"java.util.{kind}")()
    for value in values:
        collection.add(value)
    return collection


def usual() -> list[Any]:
    """A document with all that BSON says exactly, and an index key."""
    return [decoded({name: value for name, value in EVERYTHING.items() if name != "regex"}), key_of("a", "b")]


def odd() -> Iterator[Any]:
    """What BSON would change, or cannot say."""
    document, missing = server("bson.Document"), server("backend.Missing").getInstance()
    instant = jpype.JClass("java.time.Instant")
    a_map = jpype.JClass("java.util.LinkedHashMap")(decoded({"a": "b"}))
    times = (instant.ofEpochSecond(5, 123456), instant.MAX)
    for inside in (_filled("LinkedHashSet", "b", "a"), a_map, *times, missing, jpype.JClass("java.lang.Short")(3)):
        yield document("a", document("b", inside))
        yield document("a", _filled("ArrayList", inside))
        yield key_of(inside)
    yield document("a NUL\0in its name", "a")
    yield document("long", "x" * (16 * 1024 * 1024))
    yield missing


def keys_without_order() -> list[Any]:
    """Ids that H2 puts in order by their Java serialization."""
    return [decoded({"a": number, "b": "x" * (number % 5)}) for number in range(300)]


def write_as_before(file: str) -> None:
    """What an older version wrote."""
    write(file, [decoded(EVERYTHING), *usual()])
    mvstore = opened(file)
    for key in keys_without_order():
        mvstore.openMap("by document").put(key, key)
    mvstore.commit()
    mvstore.close()


def check_the_older(file: str) -> None:
    """It is read, its order still holds, and it may be written on."""
    expected = [decoded(EVERYTHING), *usual()]
    found = read(file, len(expected))
    assert list(map(encoded, found)) == list(map(encoded, expected))
    write(file, found)
    assert list(map(encoded, read(file, len(expected)))) == list(map(encoded, expected))
    mvstore = opened(file)
    for key in keys_without_order():
        assert encoded(mvstore.openMap("by document").get(key)) == encoded(key)
    mvstore.close()


def check_each_kind(file: str) -> None:
    """Each value alone, and what falls back to Java: its classes are the same too."""
    each = [decoded({name: value}) for name, value in EVERYTHING.items()]
    from_java = jpype.JClass(f"{_TYPES}.ObjectDataType").deserialize
    others = [from_java(serialized(value)) for value in odd()]  # Java writes what room a collection was made with
    values = [*each, *usual(), *others]
    assert list(map(serialized, kept(file, values))) == list(map(serialized, values))


def check_any(file: str) -> None:
    """Whatever a client may send, as a document and as a key."""

    @settings(max_examples=60, deadline=None, database=None)
    @given(_DOCUMENTS)
    def lasts(all_fields: list[dict[str, Any]]) -> None:
        documents = [decoded(fields) for fields in all_fields]
        values = [*documents, *(key_of(*document.values()) for document in documents if not document.isEmpty())]
        assert list(map(encoded, kept(file, values))) == list(map(encoded, values))

    lasts()


def main(mode: str, file: str, jars: list[str]) -> None:
    """Writes as before, or checks."""
    docstore_server.start_jvm(jars)
    docstore_keys.compare_keys_by_value()
    if mode == "before":
        write_as_before(file)
    else:
        docstore_values.write_values_as_bson()
        check(file)


def check(file: str) -> None:
    """Checks everything, and says in which files Java's names of classes are: the older, a new one."""
    older = Path(file).read_bytes()
    check_the_older(file)
    check_each_kind(f"{file}.each")
    check_any(f"{file}.any")
    kept(f"{file}.usual", usual())
    print(*(b"bwaldvogel" in content for content in (older, Path(f"{file}.usual").read_bytes())))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
