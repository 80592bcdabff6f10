"""Classes of routes that share a rate limit, and what RATE_LIMITS says of them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from limits import RateLimitItem, parse


class RateClass(StrEnum):
    """What a request counts as. Each caller has one count a class, over all routes of that class."""

    SIGN_IN = "sign_in"
    UPLOAD = "upload"
    READ = "read"
    WRITE = "write"
    WATCH = "watch"
    """Opening an event stream or a websocket."""
    HEAVY = "heavy"
    """What costs the service much for one call."""
    FREE = "free"
    """Not counted, and never refused."""


DEFAULT_RATES: Mapping[RateClass, str] = MappingProxyType(
    {
        RateClass.SIGN_IN: "300/minute",
        RateClass.UPLOAD: "60000/minute",
        RateClass.READ: "12000/minute",
        RateClass.WRITE: "6000/minute",
        RateClass.WATCH: "1200/minute",
        RateClass.HEAVY: "600/minute",
    }
)
_OFF = "off"

Rates = Mapping[RateClass, RateLimitItem]


def parse_rates(text: str) -> Rates:
    """The limit of each class: the default, unless the text names another («read=100/minute, write=0»).

    A class that is given 0 has no limit, and «off» alone leaves all without. Raises ValueError with what is wrong.
    """
    if text.strip() == _OFF:
        return {}
    given = dict(_entry(part) for part in text.split(",") if part.strip())
    wanted = {**DEFAULT_RATES, **given}
    return {kind: _limit(kind, rate) for kind, rate in wanted.items() if rate != "0"}


def _entry(part: str) -> tuple[RateClass, str]:
    name, _, rate = (piece.strip() for piece in part.partition("="))
    if name not in DEFAULT_RATES:
        raise ValueError(f"«{name}» is none of {', '.join(DEFAULT_RATES)}")
    return RateClass(name), rate


def _limit(kind: RateClass, rate: str) -> RateLimitItem:
    try:
        found = parse(rate)
    except ValueError as error:
        raise ValueError(f"«{kind}={rate}» must be a number and a period, as in «{kind}=600/minute», or 0") from error
    if found.amount < 1:
        raise ValueError(f"«{kind}={rate}» lets nobody in; 0 alone switches the limit off")
    return type(found)(found.amount, found.multiples, namespace=kind.value)
