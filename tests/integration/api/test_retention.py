"""Rules, previews and holds over HTTP, with real objects: what a preview says goes, and what is on hold stays."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import structlog
from aiohttp.test_utils import TestClient, TestServer

from api import keys
from api.app import make_app
from schemas.media import Rendition, RenditionKind
from schemas.recordings import Recording
from schemas.settings import Settings
from schemas.time import now
from stores import keys as layout
from tests.integration.api.people import Person, advance, completed, expect_problem, failed, first_fence, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES, PREVIEW = "/api/v1/retention/rules", "/api/v1/retention/preview"
ORIGINALS = {"older_than_days": 30, "what": "originals"}
REASON = {"reason": "Case 1"}
AUDIT = "/api/v1/admin/audit"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def root(settings: Settings, ada: Person) -> AsyncIterator[Person]:
    """Ada, as an application sees her that has her among its administrators."""
    own = settings.model_copy(update={"admin_user_ids": ada.user["id"]})
    async with TestClient(TestServer(make_app(own))) as client:
        await until_ready(client)
        yield Person(client, ada.user, ada.tokens)


async def old(client: TestClient, person: Person, webm: bytes, end: Any = completed, **fields: str) -> dict[str, Any]:
    """A recording of long ago with a rendition, whose work has come to its end."""
    address = await person.upload(webm, **fields)
    key, recordings = layout.rendition(address["id"], "video.mp4"), client.app[keys.RECORDINGS]
    await client.app[keys.OBJECTS].put(key, b"video", "video/mp4")
    made = Rendition(kind=RenditionKind.VIDEO, content_type="video/mp4", size_bytes=5, key=key)
    await recordings.add_rendition(address["id"], "render", first_fence(address), made)
    await advance(client.app, address["job_id"], end)
    await recordings.update_owned(person.user["id"], address["id"], {"created_at": now() - timedelta(days=100)})
    return address


async def stored(client: TestClient, address: dict[str, Any]) -> Recording | None:
    return await client.app[keys.RECORDINGS].stored(address["id"])


async def previewed(person: Person, rule: dict[str, Any] | None = None, path: str = PREVIEW) -> dict[str, Any]:
    response = await person.call("POST", path, json={"rule": rule})
    assert response.status == 200, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def test_what_a_preview_says_goes_and_the_rest_stays_usable(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-retention")
    gone = await old(client, eve, webm)
    unfinished = await old(client, eve, webm, end=failed)
    await eve.upload(webm)
    said = await previewed(eve, ORIGINALS)
    assert (said["recordings"], said["total_bytes"]) == (1, len(webm))
    assert [(item["recording_id"], item["what"]) for item in said["items"]] == [(gone["id"], ["originals"])]
    assert (await previewed(eve))["items"] == []
    assert (await previewed(eve, {**ORIGINALS, "course_id": "other"}))["items"] == []
    made = await (await eve.call("POST", RULES, json=ORIGINALS)).json()
    assert (await eve.get(RULES))["items"] == [made]
    went = await client.app[keys.KEEPER].run()
    assert [(one.recording_id, one.total_bytes) for one in went] == [(gone["id"], len(webm))]
    assert await client.app[keys.KEEPER].run() == []

    place = f"/api/v1/recordings/{gone['id']}"
    shown = await eve.get(place)
    assert (shown["status"], shown["error"]) == ("completed", None)
    assert shown["original_expired_at"]
    assert [rendition["kind"] for rendition in shown["renditions"]] == ["mp4"]
    assert (await eve.call("GET", f"{place}/renditions/mp4")).status == 200
    await expect_problem(await eve.call("GET", f"{place}/renditions/original"), "original_expired")
    assert await client.app[keys.OBJECTS].stat(gone["s3_key"]) is None
    await expect_problem(await eve.ask("transcription", gone["id"]), "original_expired")
    assert (await eve.ask("export", gone["id"])).status == 202
    assert (await eve.get("/storage/stats"))["originals_bytes"] == 2 * len(webm)
    assert (await client.app[keys.OBJECTS].stat(unfinished["s3_key"])) is not None
    assert (await eve.call("DELETE", f"{RULES}/{made['id']}")).status == 204
    await expect_problem(await eve.call("DELETE", f"{RULES}/{made['id']}"), "not_found")


async def test_what_failed_is_retried_unless_what_it_needs_has_gone(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-retries")
    address = await old(client, eve, webm)
    job_id = await eve.job("render", address["id"])
    await advance(client.app, job_id, failed)
    assert (await eve.call("POST", RULES, json=ORIGINALS)).status == 201
    await client.app[keys.KEEPER].run()
    await expect_problem(await eve.call("POST", f"/api/v1/jobs/{job_id}/retry"), "original_expired")


async def test_nobody_deletes_what_is_on_hold(client: TestClient, root: Person, webm: bytes) -> None:
    eve = await Person.register(client, "eve-holds")
    one, filed = await old(client, eve, webm), await old(client, eve, webm, project_id="biology")
    loose = await old(client, eve, webm, project_id="physics")
    holds = [
        f"/api/v1/admin/recordings/{one['id']}/hold",
        f"/api/v1/admin/recordings/{loose['id']}/hold",
        f"/api/v1/admin/people/{eve.user['id']}/courses/biology/hold",
    ]
    for hold in holds:
        response = await root.call("PUT", hold, json=REASON)
        assert response.status == 200, await response.text()
        await expect_problem(await eve.call("PUT", hold, json=REASON), "forbidden")
    for path in (
        f"/api/v1/recordings/{one['id']}",
        f"/projects/biology/videos/{filed['id']}",
        "/projects/biology/storage",
        "/projects/physics/storage",
        "/api/courses/biology?contents=keep",
        "/api/courses/physics?contents=delete",
    ):
        problem = await expect_problem(await eve.call("DELETE", path), "on_hold")
        assert "on hold" in problem["detail"]
    moved = await eve.call("PATCH", f"/api/v1/recordings/{filed['id']}", json={"project_id": None})
    await expect_problem(moved, "on_hold")
    assert (await eve.call("PATCH", f"/api/v1/recordings/{filed['id']}", json={"title": "Held"})).status == 200
    assert (await eve.get("/api/courses/biology"))["on_hold"]
    assert (await previewed(eve, {**ORIGINALS, "what": "everything"}))["items"] == []
    for hold in holds:
        for _ in range(2):
            assert (await root.call("DELETE", hold)).status == 204
    assert (await previewed(eve, {**ORIGINALS, "what": "everything"}))["recordings"] == 3
    for path in (
        f"/api/v1/recordings/{one['id']}",
        "/projects/biology/storage",
        "/api/courses/physics?contents=delete",
    ):
        assert (await eve.call("DELETE", path)).status in (200, 204)
    for address in (one, filed, loose):
        assert await stored(client, address) is None
    for hold in holds[:2]:
        await expect_problem(await root.call("PUT", hold, json=REASON), "not_found")


async def test_holds_and_rules_are_on_record(client: TestClient, root: Person) -> None:
    eve = await Person.register(client, "eve-record")
    response = await eve.call("POST", "/api/v1/courses", json={"title": "Biology", "id": "biology"})
    assert response.status == 201
    hold = f"/api/v1/admin/people/{eve.user['id']}/courses/biology/hold"
    assert (await root.call("PUT", hold, json=REASON)).status == 200
    assert (await root.call("DELETE", hold)).status == 204
    rule = await (await eve.call("POST", RULES, json=ORIGINALS)).json()
    assert (await eve.call("DELETE", f"{RULES}/{rule['id']}")).status == 204
    kept = [
        [(item["action"], item["user_id"], item["about"]) for item in (await root.get(path))["items"]]
        for path in (AUDIT, f"{AUDIT}?user_id={eve.user['id']}")
    ]
    course = {"owner_id": eve.user["id"], "course_id": "biology"}
    assert kept[0][2:4] == [
        ("retention.release_course", root.user["id"], course),
        ("retention.hold_course", root.user["id"], course),
    ]
    assert kept[1][:2] == [
        ("retention.remove_rule", eve.user["id"], {"id": rule["id"]}),
        ("retention.add_rule", eve.user["id"], {"id": rule["id"]}),
    ]


async def test_the_operators_rules_are_for_everybody(client: TestClient, root: Person, webm: bytes) -> None:
    eve = await Person.register(client, "eve-everybody")
    address = await old(client, eve, webm)
    path, rule = "/api/v1/admin/retention/rules", {"older_than_days": 99, "by": "created", "what": "everything"}
    said = await previewed(root, rule, "/api/v1/admin/retention/preview")
    assert address["id"] in [item["recording_id"] for item in said["items"]]
    made = await (await root.call("POST", path, json=rule)).json()
    assert (await root.get(path))["items"] == [made]
    (seen,) = (await eve.get(RULES))["items"]
    assert (seen["everybody"], seen["what"]) == (True, "everything")
    await expect_problem(await eve.call("DELETE", f"{RULES}/{made['id']}"), "not_found")
    await expect_problem(await eve.call("POST", path, json=rule), "forbidden")
    await client.app[keys.KEEPER].run()
    assert await stored(client, address) is None
    assert await client.app[keys.OBJECTS].keys(layout.recording_prefix(address["id"])) == []
    assert (await root.call("DELETE", f"{path}/{made['id']}")).status == 204


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"what": "originals"}, "older_than_days"),
        ({**ORIGINALS, "what": "all"}, "what"),
        ({**ORIGINALS, "by": 1}, "by"),
    ],
)
async def test_a_wrong_rule_is_refused(ada: Person, rule: dict[str, Any], field: str) -> None:
    await expect_problem(await ada.call("POST", RULES, json=rule), "invalid_field", field)


async def test_each_act_is_one_line_of_the_log_that_says_what_it_was(root: Person) -> None:
    with structlog.testing.capture_logs() as lines:
        made = await (await root.call("POST", "/api/v1/admin/retention/rules", json=ORIGINALS)).json()
        assert (await root.call("DELETE", f"/api/v1/admin/retention/rules/{made['id']}")).status == 204
    added, removed = (line for line in lines if made["id"] in str(line) and line["event"] != "request")
    assert (added["event"], added["action"], removed["action"]) == (
        "audit",
        "retention.add_everybodys_rule",
        "retention.remove_everybodys_rule",
    )
    assert (added["rule"]["older_than_days"], removed["about"]) == (30, {"id": made["id"]})
