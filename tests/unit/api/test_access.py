"""The named checks: what a key, a plan and an administrator may, and which pages a cookie is good for."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api.access import expect_paid, expect_person, expect_scope, from_own_page, is_admin
from api.keys import CALLER, PROOF, SETTINGS
from api.proof import Proof
from schemas.people import User
from schemas.problems import Problem
from schemas.settings import Settings
from tests.unit.stores.jobs import START


def user(plan: str | None = None) -> User:
    return User(
        id="ada",
        username="ada",
        username_key="ada",
        email=None,
        email_key="id:ada",
        password_hash=None,
        created_at=START,
        plan=plan,
    )


def code_of(caught: pytest.ExceptionInfo[Problem]) -> str:
    return caught.value.entry.code


def test_in_person_is_without_a_key() -> None:
    expect_person(Proof(user()))
    with pytest.raises(Problem) as caught:
        expect_person(Proof(user(), scopes=("account:write",)))
    assert code_of(caught) == "key_refused"


def test_a_key_has_its_scopes_and_a_person_all() -> None:
    expect_scope(Proof(user()), "jobs:read")
    expect_scope(Proof(user(), scopes=("jobs:read",)), "jobs:read")
    for scopes in ((), ("jobs:write",), ("jobs:read ",)):
        with pytest.raises(Problem) as caught:
            expect_scope(Proof(user(), scopes=scopes), "jobs:read")
        assert code_of(caught) == "key_refused"


def test_a_key_that_was_made_under_a_former_name_stays_good_for_that_alone() -> None:
    key = Proof(user(), scopes=("tus:write",))
    expect_scope(key, "uploads:write", "tus:write")
    with pytest.raises(Problem):
        expect_scope(key, "uploads:write")


def test_a_plan_is_paid_for_or_not() -> None:
    expect_paid(Proof(user("pro")), "That")
    with pytest.raises(Problem) as caught:
        expect_paid(Proof(user()), "That")
    assert (code_of(caught), caught.value.detail) == ("plan_needed", "That is part of a paid plan.")


@pytest.mark.parametrize(
    ("admins", "scopes", "is_one"),
    [
        ("ada, bob", None, True),
        ("bob", None, False),
        ("", None, False),
        ("ada", ("documents:write", "admin:read"), False),
        ("ada", ("admin:write",), True),
        ("bob", ("admin:write",), False),
    ],
)
def test_an_administrators_key_is_one_only_if_it_was_made_for_that(
    admins: str, scopes: tuple[str, ...] | None, is_one: bool
) -> None:
    app = web.Application()
    app[SETTINGS] = Settings(admin_user_ids=admins)
    request = make_mocked_request("GET", "/", app=app)
    request[CALLER], request[PROOF] = "ada", Proof(user(), scopes=scopes)
    assert is_admin(request) is is_one


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Origin": "https://app.example"}, True),
        ({"Origin": "http://app.example"}, True),  # behind a proxy, only the browser knows our scheme
        ({"Origin": "https://listed.example"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.app.example"}, False),
        ({"Origin": "https://app.example.evil"}, False),
        ({"Origin": "https://app.example:8443"}, False),
        ({"Origin": "https://[broken"}, False),
        ({"Origin": "HTTPS://App.Example"}, True),
        ({"Origin": "ftp://app.example"}, False),
        ({"Origin": "chrome-extension://app.example"}, False),
        ({"Origin": "//app.example"}, False),
        ({"Origin": "app.example"}, False),
        ({"Origin": "https://app.example/"}, False),
        ({"Origin": "https://app.example?"}, False),
        ({"Origin": "https://app.example#"}, False),
        ({"Origin": "https://ada@app.example"}, False),
        ({"Origin": "https://app.\texample"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
    ],
)
def test_whose_page_asks(headers: dict[str, str], own: bool) -> None:
    assert from_own_page(headers, "app.example", ("https://listed.example",)) is own
