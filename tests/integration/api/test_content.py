"""What was generated, in one list: every item once, whatever the size of the pages."""

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from schemas.media import Rendition, RenditionKind
from tests.contract.stores.test_analyses import analyses
from tests.integration.api.people import Person, expect_problem, first_fence

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = "/api/v1/content"


async def generated(client: TestClient, person: Person, **fields: str) -> str:
    """A recording of which everything was generated, its transcript not to its end."""
    address = await person.announce(10, **fields)
    fence = first_fence(address)
    await client.app[keys.TRANSCRIPTS].begin(address["id"], fence, "test")
    await client.app[keys.ANALYSES].put(address["id"], fence, analyses("test"))
    package = Rendition(kind=RenditionKind.PACKAGE, content_type="application/zip", size_bytes=1, key="x")
    await client.app[keys.RECORDINGS].add_rendition(address["id"], "export", fence, package)
    return str(address["id"])


async def test_everything_comes_once_newest_first(client: TestClient, bob: Person) -> None:
    eve = await Person.register(client, "eve-content")
    await generated(client, bob)
    ids = [await generated(client, eve, project_id="biology") for _ in range(2)]
    await eve.announce(10)
    ids.append(await generated(client, eve))
    kinds = ("transcript", "analyses", "package")
    expected = [f"{recording_id}.{kind}" for recording_id in reversed(ids) for kind in kinds]
    for limit in (1, 2, 4, 9, 10):
        listed, cursor = [], None
        while True:
            params = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
            page = await eve.get(CONTENT, params=params)
            listed += [item["id"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert listed == expected
    found = await eve.get("/api/content/", params={"type": "transcript", "course_id": "biology"})
    assert [(item["recording_id"], item["complete"]) for item in found["items"]] == [(ids[1], False), (ids[0], False)]
    assert found["items"][0]["url"] == f"/api/v1/recordings/{ids[1]}/transcript"
    assert (await eve.call("GET", found["items"][0]["url"])).status == 200
    await expect_problem(await eve.call("GET", CONTENT, params={"type": "x"}), "invalid_field", "type")
