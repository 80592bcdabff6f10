"""How an API key looks: told by its beginning, and from a typing error by its end."""

import pytest

from api.api_keys import hint_of, is_api_key, new_api_key


def test_a_new_key_is_one_and_like_no_other() -> None:
    made = {new_api_key() for _ in range(100)}
    assert len(made) == 100
    assert all(is_api_key(key) for key in made)
    assert {len(key) for key in made} == {53}


@pytest.mark.parametrize("place", [0, 4, 20, 46, 52])
def test_a_typing_error_is_found(place: int) -> None:
    key = new_api_key()
    other = "x" if key[place] != "x" else "y"
    assert not is_api_key(key[:place] + other + key[place + 1 :])


@pytest.mark.parametrize("text", ["", "tmk_", "tmk_" + "a" * 49, "tmk_" + "ü" * 49, "x" * 53])
def test_anything_else_is_none(text: str) -> None:
    assert not is_api_key(text)


def test_a_hint_tells_little() -> None:
    key = new_api_key()
    assert hint_of(key) == f"{key[:10]}…"
