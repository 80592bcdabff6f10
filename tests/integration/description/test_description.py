"""Whatever the description allows, and much that it does not, gets an answer that it describes: never a 5xx.

The requests are schemathesis', the same in every run. Every route of the description gets some, the later ones too;
`things` says which ids are those of something that is there.
"""

from pathlib import Path

import pytest

from api import keys
from api.access import Access
from api.routes import ROUTES
from api.table import Route
from tests.integration.api.people import Person
from tests.integration.description.running import schemathesis
from tests.integration.description.things import Things

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(450)]


_MISSED_SHARE = 0.2
"""How many of a user's routes may have succeeded with nothing: some want what cannot be made up."""


def succeeded(person: Person) -> set[tuple[str, str]]:
    """The routes that have given the person's application something else than problems."""
    (counted,) = person.client.app[keys.METRICS].requests.collect()
    answers = [sample.labels for sample in counted.samples if sample.labels["status"] < "400"]
    return {(labels["method"], labels["route"]) for labels in answers}


def _spoken_by_clients(route: Route) -> bool:
    """What wants headers that belong together, or a page's cookies: real clients and browsers try these."""
    return route.noun == "tus" or route.path.startswith("/api/v1/auth/session")


async def test_as_a_user(tmp_path: Path, user: Person, things: Things) -> None:
    run = await schemathesis(tmp_path, user.client, "-n", "10", things=things, headers=user.headers)
    assert run.passed, run.said
    told = [route for route in ROUTES if route.access is not Access.ADMIN and route.status != 101]
    wanted = {(route.method, route.path) for route in told if not _spoken_by_clients(route)}
    missed = wanted - succeeded(user)
    assert len(missed) < _MISSED_SHARE * len(wanted), f"add what these are about to `things`: {sorted(missed)}"


async def test_as_nobody(tmp_path: Path, user: Person) -> None:
    options = ("-n", "3", "--mode", "positive", "--phases", "examples,coverage,fuzzing")
    run = await schemathesis(tmp_path, user.client, *options, headers={})
    assert run.passed, run.said


async def test_as_an_administrator(tmp_path: Path, root: Person) -> None:
    run = await schemathesis(tmp_path, root.client, "-n", "10", "--include-tag", "admin", headers=root.headers)
    assert run.passed, run.said
