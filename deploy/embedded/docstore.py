"""The document store of the embedded stack: a child process that speaks MongoDB's protocol over one file.

Layout: DATA/documents/documents.mv. Caveat: what it does not do as MongoDB does (partial and TTL indexes,
transactions, change streams, collation, pipeline updates) no repository may use; the contract suite runs on it.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded.jars import ensure_jars
from deploy.embedded.ports import HOST
from deploy.embedded.process import Child, Program, python_module

READY_SECONDS = 60.0
PORTS = 1


@dataclass(frozen=True)
class DocumentStore:
    """Where it lies and listens."""

    data: Path
    cache: Path
    port: int
    held: tuple[int, ...] = ()

    name = "document store"

    @property
    def url(self) -> str:
        """As clients reach it."""
        return f"mongodb://{HOST}:{self.port}/"

    async def launch(self) -> Child:
        """Starts the server and waits until it answers. Raises ProcessFailed, DownloadFailed."""
        jars = await asyncio.to_thread(ensure_jars, "docstore", self.cache)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ready.unlink(missing_ok=True)
        child = await Child.start(self._program(jars))
        try:
            await child.until_ready(self.answers, READY_SECONDS)
        except BaseException:
            await child.stop()
            raise
        return child

    async def answers(self, seconds: float) -> bool:
        """Whether our own server (not whoever else has the port) answers within about so many seconds."""
        return self._ready.exists() and await asyncio.to_thread(self._pings, round(seconds * 1000))

    @property
    def _folder(self) -> Path:
        return self.data.absolute() / "documents"

    @property
    def _ready(self) -> Path:
        return self._folder / "ready"

    def _program(self, jars: tuple[Path, ...]) -> Program:
        files = (str(self._folder / "documents.mv"), str(self._ready), *map(str, jars))
        return Program(
            name=self.name,
            command=python_module("deploy.embedded.docstore_server", str(self.port), *files),
            log=self.data / "logs" / "documents.log",
            held=self.held,
        )

    def _pings(self, limit: int) -> bool:
        client: MongoClient[dict[str, object]]
        with MongoClient(
            self.url, serverSelectionTimeoutMS=limit, connectTimeoutMS=limit, socketTimeoutMS=limit
        ) as client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return False
        return True
