"""One websocket for many jobs: what is subscribed to, and nothing else; nothing missed and nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from api import following, keys, rights
from api.app import make_app
from api.handlers import watching
from deploy.embedded.stack import Services
from schemas.settings import Settings
from tests.buckets import remove_bucket
from tests.integration.api.conftest import settings_for
from tests.integration.api.people import Person, advance, begun, failed, reported, unknown, until_ready

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/api/v1/jobs/ws"


class Watch:
    """A client of the websocket."""

    def __init__(self, ws: ClientWebSocketResponse) -> None:
        self.ws = ws

    async def ask(self, kind: str, **more: object) -> None:
        await self.ws.send_json({"type": kind, **more})

    async def subscribe(self, *job_ids: str, seen: int = 0) -> None:
        await self.ask("subscribe", jobs=[{"id": job_id, "seen": seen} for job_id in job_ids])

    async def next(self) -> dict[str, Any]:
        told: dict[str, Any] = await self.ws.receive_json(timeout=20)
        return told

    async def until_pong(self) -> list[dict[str, Any]]:
        """What is told before the answer to a ping."""
        await self.ask("ping", id="here?")
        told = []
        while (one := await self.next()) != {"type": "pong", "id": "here?"}:
            told.append(one)
        return told


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[TestClient]:
    """A client of an application of its own."""
    try:
        async with TestClient(TestServer(make_app(settings))) as client:
            await until_ready(client)
            yield client
    finally:
        remove_bucket(settings)


def watch(client: TestClient, person: Person) -> Any:
    return client.ws_connect(PATH, headers=person.headers)


async def job_of(person: Person, webm: bytes) -> str:
    return str((await person.upload(webm))["job_id"])


async def test_each_job_comes_as_it_is_and_then_as_it_changes(client: TestClient, ada: Person, webm: bytes) -> None:
    one, other = [await job_of(ada, webm) for _ in range(2)]
    async with watch(client, ada) as ws:
        watched = Watch(ws)
        await watched.subscribe(one, other)
        first, second, subscribed = [await watched.next() for _ in range(3)]
        assert {first["job"]["id"], second["job"]["id"]} == {one, other}
        assert first["job"] == await ada.get(f"/api/v1/jobs/{first['job']['id']}")
        assert (subscribed["type"], set(subscribed["jobs"])) == ("subscribed", {one, other})
        for job_id, transition in ((one, begun), (other, begun), (one, reported(40)), (other, failed), (one, failed)):
            await advance(client.app, job_id, transition)
            told = await watched.next()
            assert (told["type"], told["job"]["id"]) == ("state", job_id)
        assert told["job"]["status"] == "failed"
        assert await watched.until_pong() == []


async def test_who_comes_again_gets_only_what_is_newer(client: TestClient, ada: Person, webm: bytes) -> None:
    job_id = await job_of(ada, webm)
    async with watch(client, ada) as ws:
        await Watch(ws).subscribe(job_id)
        seen = (await Watch(ws).next())["job"]["version"]
    async with watch(client, ada) as ws:
        watched = Watch(ws)
        await watched.subscribe(job_id, seen=seen)
        assert await watched.until_pong() == [{"type": "subscribed", "jobs": [job_id]}]
        await advance(client.app, job_id, begun)
        assert (await watched.next())["job"]["version"] == seen + 1
    async with watch(client, ada) as ws:
        await Watch(ws).subscribe(job_id, seen=10**6)
        assert (await Watch(ws).next())["job"]["version"] == seen + 1


async def test_after_unsubscribing_nothing_more_comes(client: TestClient, ada: Person, webm: bytes) -> None:
    kept, dropped = [await job_of(ada, webm) for _ in range(2)]
    async with watch(client, ada) as ws:
        watched = Watch(ws)
        await watched.subscribe(kept, dropped)
        await watched.until_pong()
        await watched.ask("unsubscribe", jobs=[dropped])
        assert await watched.next() == {"type": "unsubscribed", "jobs": [dropped], "gone": False}
        await advance(client.app, dropped, failed)
        await advance(client.app, kept, begun)
        assert (await watched.next())["job"]["id"] == kept


async def test_somebody_elses_is_unknown_and_never_told(
    client: TestClient, ada: Person, bob: Person, webm: bytes
) -> None:
    own, foreign, none = await job_of(bob, webm), await job_of(ada, webm), unknown()
    async with watch(client, bob) as ws:
        watched = Watch(ws)
        await watched.subscribe(foreign, own, none)
        told = await watched.until_pong()
        assert [one["type"] for one in told] == ["state", "subscribed", "refused"]
        assert (told[0]["job"]["id"], set(told[2]["jobs"])) == (own, {foreign, none})
        assert told[2]["problem"]["code"] == "not_found"
        await advance(client.app, foreign, failed)
        await advance(client.app, own, begun)
        assert [one["job"]["id"] for one in [await watched.next(), *await watched.until_pong()]] == [own]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "invalid_field"),
        ('{"type": "shout"}', "invalid_field"),
        ('{"type": "subscribe", "jobs": []}', "invalid_field"),
        ('{"type": "subscribe", "jobs": [{"id": "a", "seen": -1}]}', "invalid_field"),
        ('{"type": "unsubscribe"}', "invalid_field"),
    ],
)
async def test_what_is_not_understood_is_said_and_the_rest_goes_on(
    client: TestClient, ada: Person, text: str, code: str
) -> None:
    async with watch(client, ada) as ws:
        await ws.send_str(text)
        await ws.send_bytes(b"\0")
        told = await Watch(ws).until_pong()
        assert [one["problem"]["code"] for one in told] == [code, "invalid_request"]


async def test_one_websocket_follows_so_many_jobs(
    client: TestClient, ada: Person, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.following.JOBS_A_SOCKET", 1)
    one, other = [await job_of(ada, webm) for _ in range(2)]
    async with watch(client, ada) as ws:
        watched = Watch(ws)
        await watched.subscribe(one)
        await watched.subscribe(one, other)
        told = await watched.until_pong()
        assert [one["type"] for one in told] == ["state", "subscribed", "refused"]
        assert told[-1]["problem"]["code"] == "too_many"


async def test_a_job_that_is_deleted_is_told_and_dropped(
    client: TestClient, ada: Person, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.progress._REREAD_SECONDS", 0.1)
    monkeypatch.setattr("api.progress._REREAD_BLIND_SECONDS", 0.1)
    accepted = await ada.upload(webm)
    async with watch(client, ada) as ws:
        watched = Watch(ws)
        await watched.subscribe(accepted["job_id"])
        await watched.until_pong()
        assert (await ada.call("DELETE", f"/api/v1/recordings/{accepted['id']}/")).status == 204
        async with asyncio.timeout(30):
            while (told := await watched.next())["type"] == "state":
                pass
        assert told == {"type": "unsubscribed", "jobs": [accepted["job_id"]], "gone": True}


async def test_it_ends_when_whoever_watches_logs_out(
    client: TestClient, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 0.05)
    eve = await Person.register(client, "eve-who-follows")
    async with watch(client, eve) as ws:
        await Watch(ws).subscribe(await job_of(eve, webm))
        await Watch(ws).until_pong()
        assert (await eve.call("POST", "/api/v1/auth/logout")).status == 204
        async with asyncio.timeout(20):
            while (message := await ws.receive()).type is WSMsgType.TEXT:
                pass
        assert (message.type, ws.close_code) == (WSMsgType.CLOSE, 1008)


async def test_at_the_shutdown_who_follows_nothing_is_sent_away_too(services: Services) -> None:
    async with served(settings_for(services)) as client:
        mallory = await Person.register(client, "mallory-who-waits")
        async with watch(client, mallory) as ws:
            await Watch(ws).until_pong()
            client.app[keys.PROGRESS].close()
            assert (await ws.receive(timeout=5)).type is WSMsgType.CLOSE
            assert ws.close_code == WSCloseCode.GOING_AWAY


async def test_what_is_asked_over_a_websocket_counts(services: Services, webm: bytes) -> None:
    async with served(settings_for(services, rate_limits="read=5/minute")) as client:
        trudy = await Person.register(client, "trudy-who-asks")
        async with watch(client, trudy) as ws:
            watched = Watch(ws)
            for _ in range(2):
                await watched.until_pong()
            await watched.ask("unsubscribe", jobs=[unknown()])
            assert (await watched.next())["type"] == "unsubscribed"
            await watched.subscribe(*(unknown() for _ in range(10)))
            assert (await watched.next())["problem"]["code"] == "not_found"
            await watched.ask("ping")
            assert (await watched.next())["problem"]["code"] == "rate_limited"


async def test_who_is_refused_again_and_again_is_sent_away(client: TestClient, ada: Person) -> None:
    async with watch(client, ada) as ws:
        for _ in range(following._REFUSALS + 10):
            await ws.send_str("{")
        told = [await Watch(ws).next() for _ in range(following._REFUSALS + 1)]
        assert (await ws.receive(timeout=20)).type is WSMsgType.CLOSE
        assert ws.close_code == WSCloseCode.POLICY_VIOLATION
    codes = [one["problem"]["code"] for one in told]
    assert (set(codes[:-1]), codes[-1]) == ({"invalid_field"}, "invalid_request")
