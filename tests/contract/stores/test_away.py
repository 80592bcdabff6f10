"""A store that is away is an error within a few seconds, never a wait. Nothing listens on port 1."""

import asyncio
import time

import pytest

from schemas.settings import Settings
from stores.analyses import AnalysesStore
from stores.documents import connect, disconnect
from stores.errors import StoreUnavailable
from stores.jobs import Jobs
from stores.objects import Objects
from stores.people import People
from stores.recordings import Recordings
from stores.transcripts import Transcripts
from tests.unit.stores.jobs import START, a_job, a_recording

NOWHERE = Settings(
    mongodb_url="mongodb://127.0.0.1:1", s3_endpoint="http://127.0.0.1:1", kafka_bootstrap_servers="127.0.0.1:1"
)
DOCUMENTS = {
    "a job": lambda db: Jobs(db).create(a_job()),
    "due jobs": lambda db: Jobs(db).due(START, 1),
    "a change": lambda db: Jobs(db).change("job", lambda _: None),
    "a recording": lambda db: Recordings(db).list_owned("ada", limit=1),
    "what a stage found": lambda db: Recordings(db).write("talk", "audio", "1", {}),
    "the status": lambda db: Recordings(db).follow(a_job(a_recording())),
    "a transcript": lambda db: Transcripts(db).get("talk"),
    "analyses": lambda db: AnalysesStore(db).get("talk"),
    "a ticket": lambda db: People(db).take_ticket("t", START),
}
OBJECTS = {
    "stat": lambda objects: objects.stat("a"),
    "read": lambda objects: objects.read("a"),
    "put": lambda objects: objects.put("a", b"x", "text/plain"),
    "keys": lambda objects: objects.keys("a"),
    "delete": lambda objects: objects.delete_prefix("a"),
    "ping": lambda objects: objects.ping(),
}


async def fails_in_time(operation) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await operation
    assert time.monotonic() - started < 4


async def test_documents():
    """All at once: each waits out the same few seconds."""
    database = connect(NOWHERE)
    try:
        await asyncio.gather(*(fails_in_time(operation(database)) for operation in DOCUMENTS.values()))
    finally:
        disconnect(database)


@pytest.mark.parametrize("name", OBJECTS)
async def test_objects(name):
    async with Objects(NOWHERE) as objects:
        await fails_in_time(OBJECTS[name](objects))
