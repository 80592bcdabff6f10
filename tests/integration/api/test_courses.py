"""Courses and projects over HTTP: made, counted, changed, recordings filed in them, and taken apart."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from api import keys
from tests.integration.api.people import Person, expect_problem, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

COURSES = "/api/v1/courses"
WEEKS = [{"id": "one", "title": "Week 1"}, {"id": "two", "title": "Week 2"}]


async def made(person: Person, folder_id: str | None, path: str = COURSES, **fields: Any) -> dict[str, Any]:
    body = {"title": "Biology 101", **({"id": folder_id} if folder_id else {}), **fields}
    response = await person.call("POST", path, json=body)
    assert response.status == 201, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def patched(person: Person, recording_id: str, **fields: Any) -> dict[str, Any]:
    response = await person.call("PATCH", f"/api/v1/recordings/{recording_id}", json=fields)
    assert response.status == 200, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def test_a_course_is_made_shown_and_changed(ada: Person, bob: Person) -> None:
    course = await made(ada, "biology", description="Cells.\nAnd more.", tags=["a", "b", "a"], sections=WEEKS)
    assert (course["kind"], course["items"], course["tags"]) == ("course", 0, ["a", "b"])
    assert [(section["id"], section["position"]) for section in course["sections"]] == [("one", 0), ("two", 1)]
    place = f"{COURSES}/biology"
    assert await ada.get(place) == await ada.get("/api/courses/biology/") == course
    response = await ada.call("PATCH", place, json={"title": "Life", "sections": [WEEKS[1], {"title": "Week 3"}]})
    changed = await response.json()
    assert (changed["title"], changed["description"]) == ("Life", "Cells.\nAnd more.")
    assert [section["title"] for section in changed["sections"]] == ["Week 2", "Week 3"]
    assert changed["sections"][0]["id"] == "two"
    await expect_problem(await ada.call("POST", COURSES, json={"title": "Again", "id": "biology"}), "id_taken")
    await expect_problem(
        await ada.call("PATCH", place, json={"sections": [WEEKS[0], WEEKS[0]]}), "invalid_field", "sections"
    )
    for method in ("GET", "DELETE"):
        await expect_problem(await bob.call(method, place), "not_found")
        await expect_problem(await ada.call(method, f"/api/v1/projects/{course['id']}"), "not_found")
    await expect_problem(await bob.call("PATCH", place, json={"title": "Mine"}), "not_found")
    await made(bob, "biology", path="/projects")


async def test_lists_count_what_is_there_and_go_on_where_they_stopped(client: TestClient) -> None:
    eve = await Person.register(client, "eve-lists")
    named = [(await made(eve, None, title=f"Course {number}", tags=["x"] * (number % 2)))["id"] for number in range(3)]
    await eve.announce(100, project_id="implied")
    await eve.announce(50, project_id="implied")
    await made(eve, "a-project", path="/api/v1/projects")
    listed, cursor = [], None
    while True:
        page = await eve.get(COURSES, params={"limit": "2", **({"cursor": cursor} if cursor else {})})
        listed += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [entry["id"] for entry in listed] == ["implied", *reversed(named)]
    assert (listed[0]["items"], listed[0]["size_bytes"], listed[0]["title"]) == (2, 0, "implied")
    projects = await eve.get("/projects")
    assert [entry["id"] for entry in projects["items"]] == ["a-project", "implied"]
    assert [entry["id"] for entry in (await eve.get(COURSES, params={"tag": "x"}))["items"]] == [named[1]]
    assert [entry["id"] for entry in (await eve.get(COURSES, params={"q": "COURSE 2"}))["items"]] == [named[2]]
    await expect_problem(await eve.call("GET", COURSES, params={"cursor": "x"}), "invalid_field", "cursor")


async def test_a_recording_is_filed_and_its_jobs_go_along(client: TestClient, webm: bytes) -> None:
    eve = await Person.register(client, "eve-filing")
    await made(eve, "physics", sections=WEEKS)
    address = await eve.upload(webm, project_id="elsewhere")
    where = {"project_id": "physics", "section_id": "two", "tags": ["exam", "exam"]}
    shown = await patched(eve, address["id"], **where)
    assert (shown["project_id"], shown["section_id"], shown["tags"]) == ("physics", "two", ["exam"])
    assert shown["title"] == "talk"
    course = await eve.get(f"{COURSES}/physics")
    assert (course["items"], course["size_bytes"]) == (1, len(webm))
    assert [section["items"] for section in course["sections"]] == [0, 1]
    assert (await eve.get(f"/projects/physics/jobs/{address['job_id']}"))["id"] == address["job_id"]
    found = await eve.get("/api/v1/recordings", params={"tag": "exam", "section_id": "two"})
    assert [entry["id"] for entry in found["items"]] == [address["id"]]
    assert (await eve.get("/api/v1/recordings", params={"tag": "none"}))["items"] == []
    for wrong in ({"section_id": "three"}, {"project_id": "elsewhere", "section_id": "two"}):
        response = await eve.call("PATCH", f"/api/v1/recordings/{address['id']}", json=wrong)
        await expect_problem(response, "invalid_field", "section_id")
    response = await eve.call("PATCH", f"{COURSES}/physics", json={"sections": [WEEKS[0]]})
    assert response.status == 200
    shown = await eve.get(f"/api/v1/recordings/{address['id']}")
    assert (shown["project_id"], shown["section_id"]) == ("physics", None)
    shown = await patched(eve, address["id"], project_id=None, title="Waves", tags=[])
    assert (shown["project_id"], shown["title"], shown["tags"]) == (None, "Waves", [])
    assert await patched(eve, address["id"], title=None, tags=None) == shown


async def test_a_course_goes_alone_or_with_what_is_in_it(client: TestClient) -> None:
    eve = await Person.register(client, "eve-removal")
    for name in ("kept", "gone", "empty"):
        await made(eve, name)
    kept = await eve.announce(10, project_id="kept")
    gone = await eve.announce(10, project_id="gone")
    for name in ("kept", "gone"):
        await expect_problem(await eve.call("DELETE", f"{COURSES}/{name}"), "not_empty")
    await expect_problem(await eve.call("DELETE", f"{COURSES}/kept?contents=x"), "invalid_field", "contents")
    answers = [
        await (await eve.call("DELETE", f"{COURSES}/{name}{how}")).json()
        for name, how in (("kept", "?contents=keep"), ("gone", "?contents=delete"), ("empty", ""))
    ]
    assert [(answer["deleted"], answer["kept"]) for answer in answers] == [(0, 1), (1, 0), (0, 0)]
    assert (await eve.get(f"/api/v1/recordings/{kept['id']}"))["project_id"] is None
    await expect_problem(await eve.call("GET", f"/api/v1/recordings/{gone['id']}"), "not_found")
    assert (await eve.get(COURSES))["items"] == []
    await expect_problem(await eve.call("DELETE", f"{COURSES}/kept"), "not_found")
    await expect_problem(await eve.call("GET", f"{COURSES}/{unknown()}"), "not_found")


async def test_one_that_nobody_made_takes_changes_and_is_of_that_kind_then(client: TestClient) -> None:
    eve = await Person.register(client, "eve-implied")
    await eve.announce(10, project_id="history")
    assert (await eve.get("/projects/history"))["title"] == "history"
    answers = await asyncio.gather(
        *(eve.call("PATCH", f"{COURSES}/history", json={"title": "History"}) for _ in range(4))
    )
    assert {answer.status for answer in answers} == {200}
    assert (await eve.get(f"{COURSES}/history"))["title"] == "History"
    await expect_problem(await eve.call("GET", "/projects/history"), "not_found")
    assert len(await client.app[keys.FOLDERS].of_owner(eve.user["id"])) == 1
