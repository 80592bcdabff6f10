"""The stores under contract. Documents: in memory, and on a real server, which is the embedded one or any other.

`TIDEMARK_TEST_MONGODB_URL` names another server to run the same suite on, such as mongodb://127.0.0.1:27017 of a
mongo:8. Each test has a database of its own and drops it.
"""

import asyncio
import os

import pytest

from schemas.ids import new_id
from schemas.settings import Settings
from stores.documents import connect, disconnect
from stores.objects import Objects
from tests.buckets import remove_bucket
from tests.unit.stores.memory import MemoryDatabase


@pytest.fixture
def settings_of(services):
    """Settings for the running servers, with changes."""

    def make(**changes) -> Settings:
        found = {name.lower(): value for name, value in services.environment().items()}
        return Settings(**{**found, **changes})

    return make


@pytest.fixture(params=["memory", "server"])
async def database(request):
    if request.param == "memory":
        yield MemoryDatabase()
        return
    name = f"contract_{new_id().replace('-', '')}"
    url = os.environ.get("TIDEMARK_TEST_MONGODB_URL")
    settings = Settings(mongodb_url=url) if url else request.getfixturevalue("settings_of")()
    database = connect(settings.model_copy(update={"mongodb_database": name}))
    yield database
    await database.client.drop_database(name)
    disconnect(database)


@pytest.fixture
async def objects(settings_of):
    settings = settings_of(s3_bucket=f"contract-{new_id()}")
    async with Objects(settings) as objects:
        await objects.prepare()
        yield objects
    await asyncio.to_thread(remove_bucket, settings)
