"""Rate limits in one process: who is let in, what is told of it, and what of the other nodes counts."""

from collections import Counter
from datetime import datetime

import pytest

from api import rates
from api.rates import RateLimits, left_of
from schemas.rates import RateClass, parse_rates
from stores.errors import StoreUnavailable

READ, WRITE = RateClass.READ, RateClass.WRITE
LIMITS = parse_rates("read=20/minute,write=2/minute,heavy=0")
MIDDAY = 1_800_000_000.0  # the beginning of a window of a minute


class Told:
    """The store of the counts, in memory. `away`: it does not answer."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[datetime, dict[str, int]]] = {}
        self.away = False

    async def tell(self, node: str, counts: dict[str, int], at: datetime) -> None:
        if self.away:
            raise StoreUnavailable("document store", "away")
        self.counts[node] = (at, dict(counts))

    async def of_others(self, node: str, since: datetime) -> Counter[str]:
        total: Counter[str] = Counter()
        for name, (at, counts) in self.counts.items():
            if name != node and at >= since:
                total.update(counts)
        return total

    async def sweep(self, at: datetime, seconds: float) -> None: ...


class Clock:
    """The moment that `time.time` says."""

    def __init__(self) -> None:
        self.at = MIDDAY

    def time(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.time", clock.time)
    return clock


async def let_in(limits: RateLimits, kind: RateClass, who: str, times: int) -> int:
    found = [await limits.take(kind, who) for _ in range(times)]
    return sum(standing is not None and standing.let_in for standing in found)


async def test_a_caller_has_one_count_a_class(clock: Clock) -> None:
    limits = RateLimits(LIMITS, Told())
    assert await let_in(limits, READ, "ada", 30) == 20
    assert await let_in(limits, WRITE, "ada", 30) == 2
    assert await let_in(limits, READ, "bob", 30) == 20


async def test_what_costs_more_counts_as_more(clock: Clock) -> None:
    limits = RateLimits(LIMITS, Told())
    taken = [await limits.take(READ, "ada", cost=9) for _ in range(3)]
    assert [one and (one.let_in, one.remaining) for one in taken] == [(True, 11), (True, 2), (False, 2)]
    most = await limits.take(READ, "bob", cost=1000)
    assert most
    assert (most.let_in, most.remaining) == (True, 0)


async def test_a_class_without_a_limit_is_not_counted() -> None:
    assert await RateLimits(LIMITS, Told()).take(RateClass.HEAVY, "ada") is None


async def test_the_window_slides(clock: Clock) -> None:
    limits = RateLimits(LIMITS, Told())
    assert await let_in(limits, READ, "ada", 20) == 20
    clock.at += 60 + 15
    assert await let_in(limits, READ, "ada", 20) == 5
    clock.at += 120
    assert await let_in(limits, READ, "ada", 30) == 20


async def test_what_is_told_comes_true(clock: Clock) -> None:
    """After the seconds of Retry-After one more is let in, and not a second before."""
    limits = RateLimits(LIMITS, Told())
    for start in (0.0, 7.3, 31.0, 59.5):
        clock.at = MIDDAY + 3600 * (1 + start) + start
        await let_in(limits, READ, "ada", 20)
        refused = await limits.take(READ, "ada")
        assert refused is not None
        assert (refused.let_in, refused.remaining) == (False, 0)
        clock.at += refused.reset - 1.01
        assert await let_in(limits, READ, "ada", 1) == 0
        clock.at += 1.02
        assert await let_in(limits, READ, "ada", 1) == 1


async def test_headers_say_how_a_caller_stands(clock: Clock) -> None:
    clock.at += 12.5
    limits = RateLimits(LIMITS, Told())
    standing = await limits.take(READ, "ada")
    assert standing is not None
    assert standing.headers == {"RateLimit-Policy": '"read";q=20;w=60', "RateLimit": '"read";r=19;t=48'}


def test_more_than_the_limit_in_a_window_waits_longer() -> None:
    assert left_of(LIMITS[READ], (0, 0.0, 20, 60 + 30)) == (0, 30)
    assert left_of(LIMITS[READ], (0, 0.0, 40, 60 + 30)) == (0, 60)


async def test_nodes_hear_of_each_other(clock: Clock) -> None:
    told = Told()
    here, there = RateLimits(LIMITS, told), RateLimits(LIMITS, told)
    assert await let_in(here, READ, "ada", 15) == 15
    await here.exchange()
    assert await let_in(there, READ, "bob", 1) == 1
    await there.exchange()
    assert await let_in(there, READ, "ada", 30) == 5
    await there.exchange()
    await here.exchange()
    assert await let_in(here, READ, "ada", 30) == 0
    assert "ada" not in str(told.counts)


async def test_what_a_node_let_in_counts_after_its_end(clock: Clock) -> None:
    told = Told()
    ended = RateLimits(LIMITS, told)
    await let_in(ended, READ, "ada", 20)
    await ended.exchange()
    del ended
    after = RateLimits(LIMITS, told)
    await let_in(after, READ, "bob", 1)
    await after.exchange()
    assert await let_in(after, READ, "ada", 1) == 0


async def test_small_counts_are_kept_to_oneself_and_idle_nodes_write_nothing(clock: Clock) -> None:
    told = Told()
    limits = RateLimits(parse_rates("read=100/minute"), told)
    await limits.exchange()
    assert await let_in(limits, READ, "ada", 4) == 4
    await limits.exchange()
    assert told.counts == {}
    await let_in(limits, READ, "ada", 1)
    await limits.exchange()
    ((_, counts),) = told.counts.values()
    assert list(counts.values()) == [5]


async def test_a_store_that_is_away_shuts_nobody_out(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "EXCHANGE_SECONDS", 0)
    told = Told()
    told.away = True
    async with RateLimits(LIMITS, told) as limits:
        assert await let_in(limits, READ, "ada", 30) == 20
        with pytest.raises(StoreUnavailable):
            await limits.exchange()
        assert await let_in(limits, READ, "bob", 30) == 20


async def test_counters_that_are_over_are_forgotten(clock: Clock) -> None:
    limits = RateLimits(LIMITS, Told())
    for caller in range(50):
        await limits.take(READ, str(caller))
    clock.at += 200
    await limits.exchange()
    assert not limits._counts.storage
    assert not limits._counts.expirations
