"""An API on the real stores, with somebody who has something of everything, and an administrator."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from deploy.embedded.stack import Services
from schemas.events import DeadLetter, event_id
from schemas.settings import Settings
from schemas.topics import Topic
from tests.integration.api.conftest import MEDIA, settings_for
from tests.integration.api.people import Person, until_ready
from tests.integration.description.things import Things, own_things

PASSWORD = "none of the examples"


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of requests: a line of the log for each would bury what was found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def settings(services: Services) -> Settings:
    """The module's settings."""
    return settings_for(services, rate_limits="off", max_queue_size=10_000, max_queue_size_per_caller=10_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def user(settings: Settings) -> AsyncIterator[Person]:
    """Somebody with an account. The name is none of the description's examples."""
    async with TestClient(TestServer(make_app(settings))) as client:
        await until_ready(client)
        yield await Person.register(client, "grace", password=PASSWORD)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(user: Person) -> Things:
    """What the user has."""
    return await own_things(user, Path(MEDIA / "screen-vp8.webm"), PASSWORD)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def root(settings: Settings, user: Person) -> AsyncIterator[Person]:
    """The user, where an application has them among its administrators; and a dead letter to look at."""
    own = settings.model_copy(update={"admin_user_ids": user.user["id"]})
    async with TestClient(TestServer(make_app(own))) as client:
        await until_ready(client)
        await client.app[keys.PUBLISHER].publish(_letter())
        yield Person(client, user.user, user.tokens)


def _letter() -> DeadLetter:
    return DeadLetter(
        id=event_id("dead.letter", "described"),
        recording_id="r1",
        owner_id="grace",
        job_id="described",
        stage="audio",
        code="provider_unavailable",
        detail="It did not answer.",
        attempts=3,
        original_topic=Topic.UPLOADS,
        original={"type": "recording.uploaded"},
    )
