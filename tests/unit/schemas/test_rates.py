"""RATE_LIMITS: what is not named keeps its default, 0 and «off» switch off, and what is wrong is named."""

import pytest

from schemas.rates import DEFAULT_RATES, RateClass, parse_rates
from schemas.settings import SettingsError, load_settings


def test_what_is_not_named_keeps_its_default():
    rates = parse_rates(" read = 10/minute,write=5 per 10 seconds, ")
    assert (rates[RateClass.READ].amount, rates[RateClass.READ].get_expiry()) == (10, 60)
    assert (rates[RateClass.WRITE].amount, rates[RateClass.WRITE].get_expiry()) == (5, 10)
    assert set(rates) == set(DEFAULT_RATES)
    assert {kind: limit.namespace for kind, limit in rates.items()} == {kind: kind.value for kind in rates}


def test_every_class_but_the_free_one_has_a_default():
    assert set(parse_rates("")) == set(RateClass) - {RateClass.FREE}


def test_limits_are_switched_off():
    assert set(parse_rates("heavy=0")) == set(DEFAULT_RATES) - {RateClass.HEAVY}
    assert parse_rates(" off ") == {}


@pytest.mark.parametrize(
    "text", ["reads=1/minute", "read", "read=many", "read=-1/minute", "read=0/minute", "free=1/day"]
)
def test_what_is_wrong_is_named(text, monkeypatch):
    monkeypatch.setenv("RATE_LIMITS", text)
    with pytest.raises(SettingsError, match=rf"^RATE_LIMITS: «{text.split('=')[0]}"):
        load_settings()
