"""People: names and identities that exist once, tickets that work once."""

import asyncio
from datetime import timedelta

import pytest

from schemas.ids import new_id
from schemas.people import Identity, Ticket, User
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


def identity(user_id: str) -> Identity:
    return Identity(id="i", issuer="https://issuer.example", subject="7", user_id=user_id, created_at=START)


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


async def test_fields_change_and_names_stay_unique(people):
    ada, bob = user("ada", "ada@example.org"), user("bob", "bob@example.org")
    await people.create(ada)
    await people.create(bob)
    changed = await people.change(ada.id, {"display_name": "Ada"})
    assert changed == ada.model_copy(update={"display_name": "Ada"})
    with pytest.raises(Duplicate):
        await people.change(ada.id, {"username": "BOB", "username_key": "bob"})
    assert await people.change("nobody", {"display_name": "x"}) is None


async def test_of_two_who_change_a_password_one_does(people):
    ada = user("ada", "ada@example.org")
    await people.create(ada)
    changed = await asyncio.gather(*(people.change_password(ada, f"hash {n}") for n in range(CALLERS)))
    assert sorted(changed, key=str) == [1] + [None] * (CALLERS - 1)
    assert (await people.get(ada.id)).generation == 1


async def test_whoever_comes_from_outside_is_met_once(people):
    await people.create(user("ada", "ada@example.org"))
    visits = [user("ada", "ada@example.org") for _ in range(CALLERS)]
    met = await asyncio.gather(*(people.meet(identity(visit.id), visit) for visit in visits))
    (account,) = {known.user_id for known in met}
    found = await people.get(account)
    assert (found.username, found.email) == ("ada", "ada@example.org")
    assert found.username_key == found.email_key == f"id:{account}"
    assert [await people.get(visit.id) for visit in visits if visit.id != account] == [None] * (CALLERS - 1)
    assert (await people.identity("i")).user_id == account
    assert await people.identity("j") is None


async def test_an_identity_whose_account_was_not_made_in_time_gets_it_later(people):
    first, second = user("ada", "ada@example.org"), user("ada", "ada@example.org")
    await people._identities.insert_one({"_id": "i", **identity(first.id).model_dump(exclude={"id"})})
    assert (await people.meet(identity(second.id), second)).user_id == first.id
    assert (await people.get(first.id)).id == first.id


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
        await people.add_ticket(Ticket(id=name, user_id="ada", expires_at=until))
    for _ in range(2):
        await people.sweep(START)
    assert await people.take_ticket("old", later(-10)) is None
    assert (await people.take_ticket("new", START)).id == "new"


async def test_a_closed_accounts_identities_are_remembered_for_a_day(people):
    ada = user("ada", "ada@example.org")
    met = await people.meet(identity(ada.id), ada)
    assert await people.erased_at("i") is None
    for _ in range(2):
        await people.close(met.user_id)
    closed = await people.erased_at("i")
    assert await people.identity("i") is None
    await people.sweep(closed + timedelta(hours=23))
    assert await people.erased_at("i") == closed
    await people.sweep(closed + timedelta(hours=24))
    assert await people.erased_at("i") is None
