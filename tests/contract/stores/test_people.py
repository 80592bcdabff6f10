"""People: names that exist once, refresh tokens and tickets that work once."""

import asyncio

import pytest

from schemas.ids import new_id
from schemas.people import RefreshToken, Ticket, User
from stores.errors import Duplicate
from stores.people import People
from tests.unit.stores.jobs import START, later

CALLERS = 20


@pytest.fixture
async def people(database) -> People:
    people = People(database)
    for _ in range(2):
        await people.prepare()
    return people


def user(name: str, email: str) -> User:
    return User(
        id=new_id(),
        username=name,
        username_key=name.casefold(),
        email=email,
        email_key=email.casefold(),
        password_hash="$argon2id$…",
        created_at=START,
    )


def token(name: str, **fields) -> RefreshToken:
    return RefreshToken(**{"id": name, "family_id": "f", "user_id": "ada", "expires_at": later(100), **fields})


async def test_an_account_is_found_by_name_and_id(people):
    ada = user("Ada", "Ada@example.org")
    await people.create(ada)
    assert await people.find_by_name("ada") == await people.get(ada.id) == ada
    assert await people.find_by_name("Ada") is None
    assert await people.get("nobody") is None


@pytest.mark.parametrize(("name", "email"), [("ADA", "other@example.org"), ("other", "ADA@example.org")])
async def test_names_and_addresses_exist_once(people, name, email):
    await people.create(user("ada", "ada@example.org"))
    with pytest.raises(Duplicate):
        await people.create(user(name, email))


async def test_one_of_many_gets_the_name(people):
    results = await asyncio.gather(
        *(people.create(user("ada", f"ada{n}@example.org")) for n in range(CALLERS)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(result, Duplicate) for result in results) == CALLERS - 1


async def test_a_refresh_token_is_used_up_by_exactly_one_of_many(people):
    await people.add_refresh_token(token("t"))
    answers = await asyncio.gather(*(people.use_refresh_token("t", START) for _ in range(CALLERS)))
    assert [used for _, used in answers].count(True) == 1
    assert {found.id for found, _ in answers} == {"t"}


async def test_expired_revoked_and_unknown_tokens_are_not_used(people):
    await people.add_refresh_token(token("late", expires_at=START))
    await people.add_refresh_token(token("mine"))
    await people.add_refresh_token(token("theirs", family_id="g"))
    for _ in range(2):
        await people.revoke_family("f", START)
    assert await people.use_refresh_token("unknown", START) == (None, False)
    assert (await people.use_refresh_token("late", START))[1] is False
    found, used = await people.use_refresh_token("mine", START)
    assert (found.revoked_at, used) == (START, False)
    assert (await people.use_refresh_token("theirs", START))[1] is True


async def test_a_ticket_opens_once(people):
    await people.add_ticket(Ticket(id="t", user_id="ada", expires_at=later(60)))
    taken = await asyncio.gather(*(people.take_ticket("t", START) for _ in range(CALLERS)))
    assert [ticket.user_id for ticket in taken if ticket] == ["ada"]


async def test_an_expired_ticket_opens_nothing(people):
    await people.add_ticket(Ticket(id="t", user_id="ada", expires_at=later(60)))
    assert await people.take_ticket("t", later(60)) is None
    assert await people.take_ticket("unknown", START) is None


async def test_sweeping_forgets_what_has_expired_and_only_that(people):
    for name, until in (("old", START), ("new", later(100))):
        await people.add_refresh_token(token(name, expires_at=until))
        await people.add_ticket(Ticket(id=name, user_id="ada", expires_at=until))
    for _ in range(2):
        await people.sweep(START)
    assert await people.use_refresh_token("old", later(-10)) == (None, False)
    assert (await people.use_refresh_token("new", START))[1] is True
    assert await people.take_ticket("old", later(-10)) is None
    assert (await people.take_ticket("new", START)).id == "new"
