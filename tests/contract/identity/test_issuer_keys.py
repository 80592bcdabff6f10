"""The issuer's keys: read once, read again when they rotate, and kept while it is away."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.jwks import AGAIN_SECONDS, FRESH_SECONDS, OLD_SECONDS, IssuerKeys
from schemas.problems import Problem
from schemas.settings import Settings
from tests.contract.identity.issuer import AUDIENCE, Issuer, public, running_issuer


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys_of(clock: Clock) -> AsyncIterator[Callable[[Issuer], IssuerKeys]]:
    made: list[IssuerKeys] = []

    def make(issuer: Issuer, **fields: object) -> IssuerKeys:
        settings = Settings(oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        made.append(IssuerKeys(settings.model_copy(update=fields), clock))
        return made[-1]

    yield make
    for keys in made:
        await keys.close()


async def code_of(keys: IssuerKeys, key_id: str | None = "one", algorithm: str = "RS256") -> str:
    with pytest.raises(Problem) as caught:
        await keys.find(key_id, algorithm)
    return caught.value.entry.code


async def until_asked(issuer: Issuer, times: int) -> None:
    async with asyncio.timeout(5):
        while issuer.asked < times:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
async def test_keys_of_each_kind_are_found_where_discovery_says(issuer, keys_of, algorithm):
    issuer.rotate("one", algorithm)
    assert await keys_of(issuer).find("one", algorithm) is not None


async def test_the_address_of_the_settings_needs_no_discovery(issuer, keys_of):
    issuer.discovery = {"jwks_uri": "http://127.0.0.1:1/keys"}
    assert await keys_of(issuer, oidc_jwks_url=f"{issuer.url}/keys").find("one", "RS256") is not None


async def test_many_who_ask_at_once_ask_the_issuer_once(issuer, keys_of):
    keys = keys_of(issuer)
    await asyncio.gather(*(keys.find("one", "RS256") for _ in range(50)))
    await keys.find("one", "RS256")
    assert issuer.asked == 1


async def test_a_new_key_is_found_at_once_but_the_issuer_is_not_asked_for_each(issuer, keys_of, clock):
    keys = keys_of(issuer)
    await keys.find("one", "RS256")
    issuer.rotate("two", "ES256")
    assert await code_of(keys, "two", "ES256") == "token_invalid"  # looked a moment ago
    clock.at += AGAIN_SECONDS
    assert await keys.find("two", "ES256") is not None
    assert [await code_of(keys, f"forged {number}") for number in range(20)] == ["token_invalid"] * 20
    assert issuer.asked == 2
    clock.at += AGAIN_SECONDS
    assert await code_of(keys, "one") == "token_invalid"  # it was taken back


async def test_old_keys_serve_while_new_ones_are_read(issuer, keys_of, clock):
    keys = keys_of(issuer)
    await keys.find("one", "RS256")
    clock.at += FRESH_SECONDS + 1
    issuer.free.clear()
    assert await keys.find("one", "RS256") is not None
    await until_asked(issuer, 2)
    assert await keys.find("one", "RS256") is not None


async def test_an_issuer_that_is_away_takes_nobodys_access_for_a_day(issuer, keys_of, clock):
    keys = keys_of(issuer)
    await keys.find("one", "RS256")
    issuer.status = 503
    clock.at += OLD_SECONDS - 1
    assert await keys.find("one", "RS256") is not None
    await until_asked(issuer, 2)
    assert await code_of(keys, "two") == "unavailable"
    clock.at += 2
    assert await code_of(keys) == "unavailable"
    issuer.status = 200
    clock.at += AGAIN_SECONDS
    assert await keys.find("one", "RS256") is not None


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500},
        {"status": 302},
        {"body": b"no json"},
        {"body": b"[]"},
        {"body": b'{"keys": 7}'},
        {"body": b'{"keys": ["' + b"x" * 300_000 + b'"]}'},
        {"discovery": {"issuer": "https://somebody.example"}},
        {"discovery": {"jwks_uri": "file:///etc/passwd"}},
        {"discovery": {"jwks_uri": 7}},
    ],
)
async def test_what_is_no_key_set_is_none(issuer, keys_of, trouble):
    for name, value in trouble.items():
        setattr(issuer, name, value)
    assert await code_of(keys_of(issuer)) == "unavailable"


async def test_in_production_keys_come_over_https_alone(issuer, keys_of):
    assert await code_of(keys_of(issuer, environment="production")) == "unavailable"


async def test_nothing_listens_at_the_issuers_address(issuer, keys_of):
    assert await code_of(keys_of(issuer, oidc_issuer="http://127.0.0.1:1")) == "unavailable"


async def test_keys_that_must_not_be_used(issuer, keys_of):
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    _, good = issuer.private["one"]
    issuer.keys = [
        public(small, "RS256", "small"),
        public(good, "RS256", "encryption", use="enc"),
        public(good, "RS256", "other", alg="RS512"),
        public(good, "RS256", "broken") | {"n": "!"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"},
        "no key at all",
    ]
    keys = keys_of(issuer)
    for key_id in ("small", "encryption", "other", "broken", "shared"):
        assert await code_of(keys, key_id) == "token_invalid"
    assert await keys.find("other", "RS512") is not None


async def test_a_key_is_of_the_algorithms_kind(issuer, keys_of):
    issuer.rotate("one", "ES256")
    keys = keys_of(issuer)
    for algorithm in ("RS256", "ES384", "EdDSA"):
        assert await code_of(keys, "one", algorithm) == "token_invalid"


async def test_without_an_id_the_only_key_is_meant(issuer, keys_of, clock):
    keys = keys_of(issuer)
    assert await keys.find(None, "RS256") is not None
    _, private = issuer.private["one"]
    issuer.keys.append(public(private, "RS256", "another"))
    clock.at += FRESH_SECONDS + 1
    await keys.find("one", "RS256")
    await until_asked(issuer, 2)
    await keys._reading
    assert await code_of(keys, None) == "token_invalid"


async def test_closing_ends_what_is_under_way(issuer, keys_of):
    keys = keys_of(issuer)
    issuer.free.clear()
    asking = asyncio.create_task(keys.find("one", "RS256"))
    await until_asked(issuer, 1)
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
