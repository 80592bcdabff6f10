"""API keys: found by their hash alone, listed and revoked by their owner alone."""

import pytest

from schemas.people import ApiKey
from stores.api_keys import ApiKeys
from stores.errors import Duplicate
from tests.unit.stores.jobs import START, later


@pytest.fixture
async def api_keys(database) -> ApiKeys:
    api_keys = ApiKeys(database)
    for _ in range(2):
        await api_keys.prepare()
    return api_keys


def key(number: int, owner: str = "ada") -> ApiKey:
    return ApiKey(
        id=f"hash-{number}",
        key_id=f"key-{number}",
        owner_id=owner,
        name="Recorder",
        hint="tmk_abc",
        scopes=("jobs:read",),
        created_at=START,
    )


async def test_a_key_is_found_by_its_hash_and_not_by_its_id(api_keys):
    await api_keys.add(key(1))
    assert await api_keys.get("hash-1") == key(1)
    assert await api_keys.get("key-1") is None
    with pytest.raises(Duplicate):
        await api_keys.add(key(1).model_copy(update={"id": "hash-2"}))


async def test_a_list_has_the_owners_keys_newest_first(api_keys):
    for number, owner in ((1, "ada"), (2, "bob"), (3, "ada")):
        await api_keys.add(key(number, owner))
    assert [found.key_id for found in await api_keys.list_owned("ada")] == ["key-3", "key-1"]
    assert await api_keys.list_owned("eve") == []


async def test_a_use_is_noted(api_keys):
    await api_keys.add(key(1))
    await api_keys.used(key(1), later(5), "192.0.2.1")
    found = await api_keys.get("hash-1")
    assert (found.last_used_at, found.last_used_from) == (later(5), "192.0.2.1")
    await api_keys.used(key(2), later(5), "192.0.2.1")  # revoked meanwhile: it does not come back
    assert await api_keys.get("hash-2") is None


async def test_only_its_owner_revokes_a_key(api_keys):
    await api_keys.add(key(1))
    assert await api_keys.revoke_owned("bob", "key-1") is None
    assert (await api_keys.get("hash-1")).key_id == "key-1"
    assert await api_keys.revoke_owned("ada", "key-1") == key(1)
    assert await api_keys.revoke_owned("ada", "key-1") is None
    assert await api_keys.get("hash-1") is None
