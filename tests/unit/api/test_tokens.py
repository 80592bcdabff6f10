"""Access tokens: only ours, only HS256, only while they are valid."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from api.tokens import AUDIENCE, ISSUER, AccessTokens, fingerprint, new_secret, successor
from schemas.problems import Problem
from schemas.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(Settings(jwt_secret=SecretStr(SECRET)))


def made(secret: str = SECRET, algorithm: str = "HS256", **changed: Any) -> str:
    present = datetime.now(UTC)
    claims = {"sub": "u", "sid": "s", "iss": ISSUER, "aud": AUDIENCE, "typ": "access", "iat": present}
    claims |= {"exp": present + timedelta(hours=1)} | changed
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def test_a_token_names_its_account_and_session(tokens: AccessTokens) -> None:
    assert tokens.read(tokens.issue("u1", "s1")) == ("u1", "s1")


@pytest.mark.parametrize(
    "token",
    [
        made(secret="f" * 64),
        made(algorithm="HS512", secret=SECRET * 2),
        made(iss="somebody"),
        made(aud="something"),
        made(typ="refresh"),
        made(typ=None),
        made(exp=None),
        made(sub=None),
        made(sid=None),
        jwt.encode({"sub": "u"}, "", algorithm="none"),
        "",
        "a.b.c",
        "ü",
        "\udcff",
    ],
)
def test_any_other_token_is_refused(tokens: AccessTokens, token: str) -> None:
    with pytest.raises(Problem) as caught:
        tokens.read(token)
    assert caught.value.entry.code == "token_invalid"


def test_an_old_token_has_expired(tokens: AccessTokens) -> None:
    with pytest.raises(Problem) as caught:
        tokens.read(made(exp=datetime.now(UTC) - timedelta(seconds=1)))
    assert caught.value.entry.code == "token_expired"


def test_a_token_that_was_verified_is_known_until_it_expires(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tokens.issue("u1", "s1")
    for _ in range(2):
        assert tokens.read(token) == ("u1", "s1")
    monkeypatch.setattr(jwt, "decode", _verified_again)
    assert tokens.read(token) == ("u1", "s1")
    monkeypatch.setattr("api.tokens.time", SimpleNamespace(time=(datetime.now(UTC) + timedelta(days=1)).timestamp))
    with pytest.raises(AssertionError, match="verified again"):
        tokens.read(token)


def _verified_again(*_: Any, **__: Any) -> None:
    raise AssertionError("verified again")


def test_only_the_newest_tokens_are_known(tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.tokens._REMEMBERED", 2)
    for name in ("u1", "u2", "u3", "u1"):
        assert tokens.read(tokens.issue(name, "s")) == (name, "s")
    assert len(tokens._verified) == 2


def test_without_a_secret_each_process_has_its_own() -> None:
    first, second = AccessTokens(Settings()), AccessTokens(Settings())
    with pytest.raises(Problem):
        second.read(first.issue("u", "s"))


def test_a_secret_is_kept_as_its_hash_alone() -> None:
    secret = new_secret()
    assert len(secret) >= 43
    assert secret not in fingerprint(secret)
    assert fingerprint(secret) == fingerprint(secret) != fingerprint(new_secret())


def test_one_secret_follows_on_another_with_its_seed_and_on_no_other() -> None:
    secret, seed = new_secret(), new_secret()
    follows = successor(secret, seed)
    assert follows == successor(secret, seed)
    assert len({follows, successor(new_secret(), seed), successor(secret, new_secret()), secret, seed}) == 5
    assert len(follows) == len(secret)
    assert successor("\udce9", seed)  # whatever a client sends
