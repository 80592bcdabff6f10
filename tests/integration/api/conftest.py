"""The API on the real stores: one application a module, with a database and a bucket of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from api.app import make_app
from deploy.embedded.stack import Services
from schemas.ids import new_id
from schemas.settings import Settings
from tests.buckets import remove_bucket
from tests.integration.api.people import Person, until_ready

MEDIA = Path(__file__).parents[2] / "media"
EXTENSION = "chrome-extension://abcdefghijklmnop"


def settings_for(services: Services, **changed: object) -> Settings:
    """Settings for the running stack, with a database and a bucket that nobody else uses."""
    name = f"t{new_id().replace('-', '')}"
    own = {name.lower(): value for name, value in services.environment().items()}
    limits = {"max_upload_size_mb": 20, "cors_origins": EXTENSION, "ticket_seconds": 5}
    return Settings.model_validate({**own, "mongodb_database": name, "s3_bucket": name, **limits, **changed})


@pytest.fixture(scope="module")
def settings(services: Services) -> Iterator[Settings]:
    """The module's settings."""
    settings = settings_for(services)
    yield settings
    remove_bucket(settings)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(settings: Settings) -> AsyncIterator[TestClient]:
    """A client of the running application."""
    async with TestClient(TestServer(make_app(settings))) as made:
        await until_ready(made)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(client: TestClient) -> Person:
    """Somebody with an account."""
    return await Person.register(client, "ada")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bob(client: TestClient) -> Person:
    """Somebody else."""
    return await Person.register(client, "bob")


@pytest.fixture(scope="session")
def webm() -> bytes:
    """A real recording from a browser."""
    return (MEDIA / "screen-vp8.webm").read_bytes()
