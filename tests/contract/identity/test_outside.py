"""Tokens of an outside issuer: only its own, only for us, only while they are valid. Whoever comes is one person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from api.outside import Outside
from schemas.problems import Problem
from schemas.settings import Settings
from schemas.time import now
from stores.people import People
from tests.contract.identity.issuer import AUDIENCE, Issuer, running_issuer
from tests.unit.stores.memory import MemoryDatabase


class Visit:
    """The issuer, our side of it, and the accounts."""

    def __init__(self, issuer: Issuer, people: People) -> None:
        self.issuer, self.people = issuer, people
        self.outside = self.ours()

    def ours(self, **changed: Any) -> Outside:
        settings = Settings(oidc_issuer=self.issuer.url, oidc_audience=AUDIENCE)
        return Outside(settings.model_copy(update=changed), self.people)


@pytest.fixture
async def visit() -> AsyncIterator[Visit]:
    async with running_issuer() as issuer:
        people = People(MemoryDatabase())  # type: ignore[arg-type]
        await people.prepare()
        made = Visit(issuer, people)
        yield made
        await made.outside.close()


async def code_of(outside: Outside, token: str) -> str:
    with pytest.raises(Problem) as caught:
        await outside.read(token)
    return caught.value.entry.code


async def test_whoever_comes_first_gets_an_account(visit: Visit) -> None:
    claims = {"name": "Ada\u202e Lovelace", "email": "ada@example.org", "preferred_username": "ada"}
    first = await visit.outside.read(visit.issuer.token(**claims))
    again = await visit.outside.read(visit.issuer.token(**claims))
    assert (first.new, again.new, first.user_id) == (True, False, again.user_id)
    user = await visit.people.get(first.user_id)
    assert (user.username, user.email, user.display_name) == ("ada", "ada@example.org", "Ada Lovelace")
    assert user.password_hash is None
    assert await visit.people.find_by_name("ada") is None  # what an issuer says reserves nothing
    other = await visit.outside.read(visit.issuer.token(sub="user-8", **claims))
    assert other.user_id != first.user_id


async def test_many_first_requests_at_once_are_one_person(visit: Visit) -> None:
    visits = await asyncio.gather(*(visit.outside.read(visit.issuer.token()) for _ in range(20)))
    assert len({visitor.user_id for visitor in visits}) == 1
    assert sum(visitor.new for visitor in visits) == 1
    user = await visit.people.get(visits[0].user_id)
    assert user.username.startswith("user-")


async def test_another_process_knows_the_same_person(visit: Visit) -> None:
    first, other = await visit.outside.read(visit.issuer.token()), visit.ours()
    assert (await other.read(visit.issuer.token())).user_id == first.user_id
    await other.close()


async def test_a_session_is_the_issuers_or_the_token_itself(visit: Visit) -> None:
    tokens = [visit.issuer.token(sid="s"), visit.issuer.token(sid="s", n=1), visit.issuer.token(sid="t")]
    tokens += [visit.issuer.token(n=2), visit.issuer.token(n=3)]
    sessions = [(await visit.outside.read(token)).session_id for token in tokens]
    assert sessions[0] == sessions[1]
    assert len(set(sessions)) == 4


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "somebody"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"iss": "https://somebody.example"}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "x" * 256}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
        ({"iat": None}, "token_invalid"),
        ({"nbf": now() + timedelta(hours=1)}, "token_invalid"),
        ({"iat": now() + timedelta(hours=1)}, "token_invalid"),
        ({"exp": now() - timedelta(minutes=2)}, "token_expired"),
    ],
)
async def test_a_token_that_is_not_for_us_or_not_now(visit: Visit, changed: dict[str, Any], code: str) -> None:
    assert await code_of(visit.outside, visit.issuer.token(**changed)) == code


async def test_clocks_may_differ_a_little(visit: Visit) -> None:
    late = visit.issuer.token(exp=now() - timedelta(seconds=20), nbf=now() - timedelta(hours=1))
    early = visit.issuer.token(iat=now() + timedelta(seconds=20), nbf=now() + timedelta(seconds=20))
    assert (await visit.outside.read(late)).user_id == (await visit.outside.read(early)).user_id


async def test_one_of_several_audiences_is_ours(visit: Visit) -> None:
    assert await visit.outside.read(visit.issuer.token(aud=["somebody", AUDIENCE]))


async def test_a_token_made_for_another_client_is_refused(visit: Visit) -> None:
    strict = visit.ours(oidc_audience="", oidc_authorized_parties="https://app.example, web")
    assert await strict.read(visit.issuer.token(azp="web", aud=None))
    for azp in ("somebody", None, ["web"]):
        assert await code_of(strict, visit.issuer.token(azp=azp)) == "token_invalid"
    await strict.close()


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "ES384", "EdDSA"])
async def test_every_algorithm_of_the_list(visit: Visit, algorithm: str) -> None:
    visit.issuer.rotate("two", algorithm)
    assert await visit.outside.read(visit.issuer.token("two"))


async def test_a_public_key_is_no_shared_secret(visit: Visit) -> None:
    """What everybody can read signs nothing, nor does nothing at all."""
    claims, public_part = visit.issuer.claims(), visit.issuer.keys[0]["n"]
    for secret, algorithm in ((public_part, "HS256"), ("", "none")):
        forged = jwt.encode(claims, secret, algorithm, headers={"kid": "one"})
        assert await code_of(visit.outside, forged) == "token_invalid"
    assert visit.issuer.asked == 0


async def test_a_key_of_somebody_else_signs_nothing(visit: Visit) -> None:
    visit.issuer.rotate("two", "ES256")
    forged = visit.issuer.token("two")
    visit.issuer.rotate("two", "ES256")
    assert await code_of(visit.outside, forged) == "token_invalid"


async def test_whose_a_token_says_it_is(visit: Visit) -> None:
    assert visit.outside.issued(visit.issuer.token())
    for token in (visit.issuer.token(iss="somebody"), "", "a.b.c", "ü", "\udcff"):
        assert not visit.outside.issued(token)


async def test_an_issuer_that_is_away_is_said_to_be(visit: Visit) -> None:
    visit.issuer.status = 500
    assert await code_of(visit.outside, visit.issuer.token()) == "unavailable"


async def test_an_erased_account_is_made_again_by_a_new_token_alone(visit: Visit) -> None:
    token = visit.issuer.token()
    first = await visit.outside.read(token)
    await visit.people.close(first.user_id)
    other = visit.ours()
    assert await code_of(other, token) == "token_invalid"
    assert await visit.people.get(first.user_id) is None
    again = await other.read(visit.issuer.token(iat=now() + timedelta(seconds=2)))
    assert (again.new, again.user_id == first.user_id) == (True, False)
    await other.close()
