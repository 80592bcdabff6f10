"""Sessions: refresh tokens that work once, and one write that ends all that came of a log-in."""

import asyncio

import pytest

from schemas.people import RefreshToken, Session
from stores.sessions import Sessions
from tests.unit.stores.jobs import START, later

CALLERS = 20


@pytest.fixture
async def sessions(database) -> Sessions:
    sessions = Sessions(database)
    for _ in range(2):
        await sessions.prepare()
    return sessions


def session(name: str = "s", **fields) -> Session:
    given = {"user_id": "ada", "generation": 0, "created_at": START, "expires_at": later(100)}
    return Session(id=name, **{**given, **fields})


def token(name: str, **fields) -> RefreshToken:
    return RefreshToken(**{"id": name, "session_id": "s", "user_id": "ada", "expires_at": later(100), **fields})


async def test_a_refresh_token_is_used_up_by_exactly_one_of_many(sessions):
    await sessions.add_refresh_token(token("t"))
    seeds = [f"seed {number}" for number in range(CALLERS)]
    answers = await asyncio.gather(*(sessions.use_refresh_token("t", START, seed) for seed in seeds))
    used = [seed for seed, (_, mine) in zip(seeds, answers, strict=True) if mine]
    assert len(used) == 1
    assert [found for found, _ in answers] == [token("t", used_at=START, seed=used[0])] * CALLERS


async def test_a_refresh_token_that_is_stored_again_stays_used(sessions):
    for _ in range(2):
        await sessions.add_refresh_token(token("t"))
    await sessions.use_refresh_token("t", START, "seed")
    await sessions.add_refresh_token(token("t"))
    assert await sessions.refresh_token("t") == token("t", used_at=START, seed="seed")
    assert await sessions.refresh_token("unknown") is None


async def test_expired_and_unknown_tokens_are_not_used(sessions):
    await sessions.add_refresh_token(token("late", expires_at=START))
    assert await sessions.use_refresh_token("unknown", START, "seed") == (None, False)
    found, used = await sessions.use_refresh_token("late", START, "seed")
    assert (found.used_at, used) == (None, False)


async def test_a_session_is_kept_carried_over_and_revoked(sessions):
    await sessions.begin(session())
    await sessions.begin(session("other"))
    await sessions.keep("s", later(200))
    await sessions.carry_over("s", 3)
    kept = await sessions.get("s")
    assert kept == session(expires_at=later(200), generation=3)
    for _ in range(2):
        await sessions.revoke(kept.model_copy(update={"revoked_at": later(5)}))
    assert (await sessions.get("s")).revoked_at == later(5)
    assert await sessions.get("other") == session("other")
    assert await sessions.get("none") is None


async def test_a_session_that_was_never_stored_can_be_revoked(sessions):
    gone = session("outside", revoked_at=START)
    await asyncio.gather(*(sessions.revoke(gone) for _ in range(CALLERS)))
    assert await sessions.get("outside") == gone


async def test_sweeping_forgets_what_has_expired_and_only_that(sessions):
    for name, until in (("old", START), ("new", later(100))):
        await sessions.add_refresh_token(token(name, expires_at=until))
        await sessions.begin(session(name, expires_at=until))
    for _ in range(2):
        await sessions.sweep(START)
    assert await sessions.use_refresh_token("old", later(-10), "seed") == (None, False)
    assert (await sessions.use_refresh_token("new", START, "seed"))[1] is True
    assert await sessions.get("old") is None
    assert (await sessions.get("new")).id == "new"
