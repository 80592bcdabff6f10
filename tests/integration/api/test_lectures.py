"""Lectures over the API: one download for all who ask for it, read by them alone, gone with the last of them."""

import asyncio

import pytest
import pytest_asyncio

from api import keys
from api.app import make_app
from schemas.holds import Hold
from schemas.jobs import Failure
from schemas.recordings import RecordingStatus
from schemas.time import now
from stores import lifecycle
from stores.letting_go import LettingGo
from tests.integration.api.people import Person, advance, begun, expect_problem, unknown

pytestmark = pytest.mark.asyncio(loop_scope="module")

LECTURES = "/api/v1/lectures"
SESSION = "5e0c9c5e-4d4f-4a0a-9d3c-aa0f00c0ffee"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cem(client) -> Person:
    return await Person.register(client, "cem")


def asked(name: str, **fields) -> dict[str, object]:
    viewer = f"https://uni.hosted.panopto.com/Panopto/Pages/Viewer.aspx?id={SESSION}"
    stream = f"https://media.example/{name}/master.m3u8?token=secret"
    return {"course_id": "algebra", "panopto_url": viewer, "stream_url": stream, **fields}


async def download(person: Person, name: str, **fields) -> dict[str, str]:
    response = await person.call("POST", f"{LECTURES}/download/", json=asked(name, **fields))
    assert response.status == 202, await response.text()
    accepted = await response.json()
    assert response.headers["Location"] == f"{LECTURES}/{accepted['id']}"
    return accepted


async def delete(person: Person, lecture_id: str) -> int:
    return (await person.call("DELETE", f"{LECTURES}/{lecture_id}")).status


async def arrived(client, lecture):
    """The bytes have come, as after the download step."""
    recordings, objects = client.app[keys.RECORDINGS], client.app[keys.OBJECTS]
    recording = await recordings.get(lecture["id"])
    await objects.put(recording.object_key, b"film", "video/mp4")
    fetched = recording.lecture.model_copy(update={"url": None}).model_dump()
    fields = {"etag": "x", "content_type": "video/mp4", "size_bytes": 4, "lecture": fetched}
    await recordings.write(recording.id, "download", f"{recording.job_id}/1", fields)


async def fail(client, job_id, code="download_unavailable"):
    def transition(job):
        step = lifecycle.claim(job, "download", job.facts[0]["id"], "test", 60, now())
        lifecycle.fail(job, "download", step.fence, Failure(code=code, detail="The server did not answer."), now())

    await advance(client.app, job_id, transition)


async def test_the_first_call_begins_a_download_and_every_repeat_finds_it(client, ada):
    first = await download(ada, "first", title="Groups")
    assert first["status"] == "downloading"
    again = await asyncio.gather(*(download(ada, "first") for _ in range(3)))
    assert again == [first] * 3
    view = await ada.get(f"{LECTURES}/{first['id']}/")
    assert (view["title"], view["course_id"], view["session_id"]) == ("Groups", "algebra", SESSION)
    assert (view["status"], view["error_message"], view["duration_seconds"]) == ("downloading", None, None)
    job = await ada.get(f"/api/v1/jobs/{first['job_id']}")
    assert [step["name"] for step in job["steps"]] == ["download", "audio", "render", "transcribe", "analyse"]
    stored = await client.app[keys.JOBS].get(first["job_id"])
    assert "secret" not in stored.model_dump_json() + str(view) + repr(
        await client.app[keys.RECORDINGS].get(first["id"])
    )


async def test_many_calls_at_once_make_one_lecture(client, ada, bob, cem):
    people = [ada, bob, cem] * 3
    accepted = await asyncio.gather(*(download(person, "rush") for person in people))
    assert len({one["id"] for one in accepted}) == len({one["job_id"] for one in accepted}) == 1
    recording = await client.app[keys.RECORDINGS].get(accepted[0]["id"])
    assert sorted(link.user_id for link in recording.links) == sorted(p.user["id"] for p in (ada, bob, cem))


async def test_another_address_session_or_course_is_another_lecture(ada):
    one = await download(ada, "apart")
    viewer = "https://x.example/Viewer.aspx?tab=1&ID=another"
    others = [
        await download(ada, "apart2"),
        await download(ada, "apart", course_id="biology"),
        await download(ada, "apart", panopto_url=viewer),
    ]
    assert len({one["id"], *(other["id"] for other in others)}) == 4


async def test_who_is_linked_reads_the_recording_and_changes_nothing(client, ada, bob, cem):
    lecture = await download(ada, "read")
    assert await download(bob, "read") == lecture
    await arrived(client, lecture)
    path = f"/api/v1/recordings/{lecture['id']}"
    for person in (ada, bob):
        assert (await person.get(path))["source"] == "lecture"
        assert (await person.get(f"{path}/status"))["status"] == "processing"
        assert (await person.get(f"{LECTURES}/{lecture['id']}/status"))["status"] == "processing"
        original = await person.call("GET", f"{path}/renditions/original")
        assert await original.read() == b"film"
        assert (await person.get(f"/api/v1/jobs/{lecture['job_id']}"))["job_type"] == "lecture"
        for refused in (
            person.call("PATCH", path, json={"title": "Mine"}),
            person.call("DELETE", path),
            person.call("POST", f"{path}/upload-complete", json={"s3_key": "x"}),
            person.ask("export", lecture["id"]),
            person.call("POST", f"/api/v1/jobs/{lecture['job_id']}/cancel"),
            person.call("POST", f"/api/v1/jobs/{lecture['job_id']}/retry"),
        ):
            await expect_problem(await refused, "not_found", *_fields(refused))
    for other in (path, f"{path}/status", f"{path}/renditions/original", f"{LECTURES}/{lecture['id']}"):
        await expect_problem(await cem.call("GET", other), "not_found")
    await expect_problem(await cem.call("GET", f"{LECTURES}/{lecture['id']}/status"), "not_found")
    await expect_problem(await cem.call("GET", f"/api/v1/jobs/{lecture['job_id']}"), "not_found")
    await expect_problem(await cem.call("DELETE", f"{LECTURES}/{lecture['id']}"), "not_found")
    await expect_problem(await cem.call("GET", f"{LECTURES}/{unknown()}"), "not_found")


def _fields(refused) -> tuple[str, ...]:
    return ("payload.recording_id",) if refused.__name__ == "ask" else ()


async def test_letting_go_leaves_it_to_the_others_and_the_last_takes_it_along(client, ada, bob):
    lecture = await download(ada, "shared")
    await download(bob, "shared")
    await arrived(client, lecture)
    assert await delete(ada, lecture["id"]) == 204
    await expect_problem(await ada.call("GET", f"{LECTURES}/{lecture['id']}"), "not_found")
    await expect_problem(await ada.call("GET", f"/api/v1/jobs/{lecture['job_id']}"), "not_found")
    assert await delete(ada, lecture["id"]) == 404
    assert (await bob.get(f"{LECTURES}/{lecture['id']}"))["status"] == "processing"
    assert (await client.app[keys.JOBS].get(lecture["job_id"])).owner_id == bob.user["id"]
    assert await delete(bob, lecture["id"]) == 204
    assert await client.app[keys.RECORDINGS].stored(lecture["id"]) is None
    assert await client.app[keys.JOBS].get(lecture["job_id"]) is None
    assert await client.app[keys.OBJECTS].keys(f"recordings/{lecture['id']}/") == []
    anew = await download(ada, "shared")
    assert anew["id"] > lecture["id"]


async def test_what_is_on_hold_stays_with_its_last_reader(client, ada, bob):
    lecture = await download(ada, "held")
    await download(bob, "held")
    hold = Hold(reason="A case is open.", by="root", at=now())
    await client.app[keys.RECORDINGS].set_hold(lecture["id"], hold)
    assert await delete(bob, lecture["id"]) == 204
    await expect_problem(await ada.call("DELETE", f"{LECTURES}/{lecture['id']}"), "on_hold")
    assert (await ada.get(f"{LECTURES}/{lecture['id']}"))["status"] == "downloading"
    await client.app[keys.RECORDINGS].set_hold(lecture["id"], None)
    assert await delete(ada, lecture["id"]) == 204


async def test_an_account_that_is_erased_is_forgotten_by_every_lecture(client, ada):
    eve = await Person.register(client, "eve")
    own, shared = await download(eve, "erased"), await download(eve, "kept")
    await download(ada, "kept")
    letting_go = LettingGo(client.app[keys.LECTURES], client.app[keys.DELETION])
    assert await letting_go.forget(eve.user["id"]) == 2
    assert await letting_go.forget(eve.user["id"]) == 0
    assert await client.app[keys.RECORDINGS].stored(own["id"]) is None
    recording = await client.app[keys.RECORDINGS].get(shared["id"])
    job = await client.app[keys.JOBS].get(shared["job_id"])
    assert eve.user["id"] not in recording.model_dump_json()
    assert job.owner_id == ada.user["id"]


async def test_linking_beside_the_last_unlink_loses_nothing(client, ada, bob):
    for number in range(4):
        lecture = await download(ada, f"race{number}")
        status, linked = await asyncio.gather(delete(ada, lecture["id"]), download(bob, f"race{number}"))
        assert status == 204
        assert (await bob.get(f"{LECTURES}/{linked['id']}"))["status"] == "downloading"
        assert await client.app[keys.JOBS].get(linked["job_id"]) is not None
        assert await delete(ada, linked["id"]) == 404


async def test_a_deletion_that_broke_off_can_be_repeated(client, ada):
    lecture = await download(ada, "broken")
    await client.app[keys.LECTURES].unlink(lecture["id"], ada.user["id"])
    await expect_problem(await ada.call("GET", f"{LECTURES}/{lecture['id']}"), "not_found")
    assert await delete(ada, lecture["id"]) == 204
    assert await client.app[keys.RECORDINGS].stored(lecture["id"]) is None


async def test_one_that_failed_says_why_and_goes_on_when_it_is_asked_for_again(client, ada, bob):
    lecture = await download(ada, "failing")
    await fail(client, lecture["job_id"])
    view = await ada.get(f"{LECTURES}/{lecture['id']}")
    assert (view["status"], view["error_message"]) == ("failed", "The server did not answer.")
    assert view["error"]["code"] == "download_unavailable"
    stream = "https://media.example/failing/master.m3u8?token=fresh"
    again = await download(bob, "failing", stream_url=stream)
    assert again == {**lecture, "status": "downloading"}
    recording = await client.app[keys.RECORDINGS].get(lecture["id"])
    assert recording.lecture.url == stream
    job = await client.app[keys.JOBS].get(lecture["job_id"])
    assert (job.requests, job.owner_id) == (2, bob.user["id"])
    assert (await ada.get(f"{LECTURES}/{lecture['id']}"))["error_message"] is None


async def test_one_whose_bytes_were_lost_is_downloaded_anew_for_everybody(client, ada, bob):
    lecture = await download(ada, "lost")
    await arrived(client, lecture)
    recording = await client.app[keys.RECORDINGS].get(lecture["id"])
    lost = {"status": RecordingStatus.FAILED, "error": {"code": "source_missing", "detail": "Gone."}}
    assert await client.app[keys.RECORDINGS].amend(recording, lost)
    anew = await download(bob, "lost")
    assert (anew["id"], anew["status"]) == (lecture["id"], "downloading")
    assert anew["job_id"] != lecture["job_id"]
    assert (await ada.get(f"{LECTURES}/{lecture['id']}"))["status"] == "downloading"
    assert await delete(ada, lecture["id"]) == await delete(bob, lecture["id"]) == 204
    assert await client.app[keys.JOBS].get(lecture["job_id"]) is None


async def test_a_call_that_died_before_its_job_is_made_good_by_the_next(client, ada):
    lecture = await download(ada, "died")
    await client.app[keys.JOBS].delete(lecture["job_id"])
    assert (await download(ada, "died"))["id"] == lecture["id"]
    assert (await client.app[keys.JOBS].get(lecture["job_id"])).job_type == "lecture"


async def test_the_work_counts_for_who_asked(client, ada, bob):
    lecture = await download(ada, "counted")
    await download(bob, "counted")
    opened = await client.app[keys.JOBS].open_by_owner()
    assert opened[ada.user["id"]] > opened.get(bob.user["id"], 0)
    await advance(client.app, lecture["job_id"], begun)
    assert (await client.app[keys.JOBS].get(lecture["job_id"])).owner_id == ada.user["id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stream_url", "http://127.0.0.1/a.mp4"),
        ("stream_url", "http://169.254.169.254/latest"),
        ("stream_url", "http://[::ffff:10.0.0.1]/a.mp4"),
        ("stream_url", "file:///etc/passwd"),
        ("stream_url", "https://ada:secret@media.example/a.mp4"),
        ("stream_url", "https://media.example:8443/a.mp4"),
        ("stream_url", ""),
        ("stream_url", 7),
        ("panopto_url", "https://uni.example/Viewer.aspx"),
        ("panopto_url", "https://uni.example/Viewer.aspx?id=../../x"),
        ("panopto_url", "http://[/"),
        ("course_id", "../x"),
        ("title", ""),
    ],
)
async def test_a_wrong_field_is_named(ada, field, value):
    response = await ada.call("POST", f"{LECTURES}/download", json=asked("wrong", **{field: value}))
    assert response.status == 422
    await expect_problem(response, "invalid_field", field)


async def test_a_lecture_is_no_work_on_request(client, ada):
    lecture = await download(ada, "request")
    await expect_problem(await ada.ask("lecture", lecture["id"]), "invalid_field", "job_type")


async def test_lists_are_the_callers_own_by_pages(client):
    dan = await Person.register(client, "dan")
    made = [(await download(dan, f"list{n}", course_id=f"c{n % 2}"))["id"] for n in range(3)]
    first = await dan.get(f"{LECTURES}?limit=2")
    assert [item["id"] for item in first["items"]] == [made[2], made[1]]
    rest = await dan.get(f"{LECTURES}?limit=2&cursor={first['next_cursor']}")
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == ([made[0]], None)
    assert [item["id"] for item in (await dan.get(f"{LECTURES}?course_id=c1"))["items"]] == [made[1]]
    assert (await dan.get("/api/v1/recordings"))["items"] == []
    await expect_problem(await dan.call("GET", "/api/v1/dev/lectures"), "not_found")


async def test_the_development_list_is_behind_its_switch(client, settings, ada):
    from aiohttp.test_utils import TestClient, TestServer

    changed = settings.model_copy(update={"dev_routes_enabled": True, "jwt_secret": settings.jwt_secret})
    async with TestClient(TestServer(make_app(changed))) as other:
        tokens = await (
            await other.post("/api/token/", json={"username": "ada", "password": "correct horse battery"})
        ).json()
        person = Person(other, ada.user, tokens)
        page = await person.get("/api/v1/dev/lectures?limit=1")
        assert len(page["items"]) == 1
        assert page["next_cursor"]


async def test_an_administrator_destroys_what_others_are_linked_to(client, ada, bob, settings):
    from aiohttp.test_utils import TestClient, TestServer

    lecture = await download(ada, "admin")
    changed = settings.model_copy(update={"admin_user_ids": bob.user["id"]})
    async with TestClient(TestServer(make_app(changed))) as other:
        tokens = await (
            await other.post("/api/token/", json={"username": "bob", "password": "correct horse battery"})
        ).json()
        admin = Person(other, bob.user, tokens)
        assert await delete(admin, lecture["id"]) == 204
        assert await delete(admin, lecture["id"]) == 404
    assert await client.app[keys.RECORDINGS].stored(lecture["id"]) is None
    await expect_problem(await ada.call("GET", f"{LECTURES}/{lecture['id']}"), "not_found")
