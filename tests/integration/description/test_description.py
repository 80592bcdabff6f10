"""Whatever the description allows, and much that it does not, gets an answer that it describes: never a 5xx.

The requests are schemathesis', the same in every run. Every route of the description gets some, the later ones too;
`things` says which ids are those of something that is there.
"""

from pathlib import Path

import pytest

from tests.integration.api.people import Person
from tests.integration.description.running import schemathesis
from tests.integration.description.things import Things

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


async def test_as_a_user(tmp_path: Path, user: Person, things: Things) -> None:
    run = await schemathesis(tmp_path, user.client, "-n", "10", things=things, headers=user.headers)
    assert run.passed, run.said


async def test_as_nobody(tmp_path: Path, user: Person) -> None:
    options = ("-n", "3", "--mode", "positive", "--phases", "examples,coverage,fuzzing")
    run = await schemathesis(tmp_path, user.client, *options, headers={})
    assert run.passed, run.said


async def test_as_an_administrator(tmp_path: Path, root: Person) -> None:
    run = await schemathesis(tmp_path, root.client, "-n", "10", "--include-tag", "admin", headers=root.headers)
    assert run.passed, run.said
