"""Places for jobs, uploads, forms: so many in all and of one caller, exactly within one process; counting is cheap."""

import asyncio
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from api import admission
from api.admission import Admission
from schemas.problems import Problem
from schemas.settings import Settings
from stores.errors import StoreUnavailable


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Store:
    """What says how many jobs have not ended: `jobs` by owner, `seconds` a count, or `error`."""

    def __init__(self, clock: Clock, **jobs: int) -> None:
        self.clock, self.jobs = clock, jobs
        self.counts, self.seconds = 0, 0.0
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def __call__(self) -> dict[str, int]:
        self.counts += 1
        found = dict(self.jobs)
        await self.answers.wait()
        self.clock.now += self.seconds
        if self.error:
            raise self.error
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock)


def queue(store: Store, most: int = 5, of_one: int = 3) -> Admission:
    return Admission(Settings(max_queue_size=most, max_queue_size_per_caller=of_one), store, nothing)


async def nothing() -> dict[str, int]:
    return {}


async def take(places: Admission, owner: str = "ada") -> None:
    async with places.place(owner):
        await asyncio.sleep(0)


async def refused(places: Admission, owner: str = "ada") -> Problem:
    with pytest.raises(Problem) as caught:
        await take(places, owner)
    assert (caught.value.entry.code, caught.value.status) == ("queue_full", 503)
    assert caught.value.retry_after
    with pytest.raises(Problem):
        await places.expect_room(owner)
    return caught.value


async def test_of_many_at_once_just_as_many_get_a_place_as_there_are(store: Store) -> None:
    places = queue(store, most=50, of_one=7)
    ends = await asyncio.gather(*(take(places) for _ in range(30)), return_exceptions=True)
    assert [end is None for end in ends].count(True) == 7
    assert store.counts == 1


async def test_all_callers_together_get_no_more_than_all_places(store: Store) -> None:
    places = queue(store, most=5, of_one=3)
    store.jobs = {"eve": 1}
    ends = await asyncio.gather(
        *(take(places, owner) for owner in ("ada", "bob", "ada", "bob", "ada", "bob")), return_exceptions=True
    )
    assert [end is None for end in ends].count(True) == 4
    assert "service" in (await refused(places, "dora")).detail


async def test_a_caller_who_has_too_many_does_not_hold_up_the_others(store: Store) -> None:
    places = queue(store)
    store.jobs = {"ada": 3}
    assert "3 of your jobs" in (await refused(places)).detail
    await take(places, "bob")


async def test_a_place_is_given_back_by_what_makes_no_job(store: Store) -> None:
    places = queue(store, of_one=1)
    for _ in range(3):
        with pytest.raises(Problem, match="object_missing"):
            async with places.place("ada"):
                raise Problem("object_missing", "Nothing is there.")
    await take(places)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("event log", "away"), ConnectionResetError(), asyncio.CancelledError()]
)
async def test_what_breaks_off_keeps_its_place_until_the_next_count(
    store: Store, clock: Clock, error: BaseException
) -> None:
    places = queue(store, of_one=1)
    with pytest.raises(type(error)):
        async with places.place("ada"):
            raise error
    await refused(places)
    clock.now += 2
    await take(places)


async def test_a_held_place_counts_while_it_is_held(store: Store, clock: Clock) -> None:
    places = queue(store, of_one=1)
    async with places.place("ada"):
        clock.now += 100
        await refused(places)


async def test_jobs_that_have_ended_make_room_with_the_next_count(store: Store, clock: Clock) -> None:
    places = queue(store, of_one=2)
    store.jobs = {"ada": 2}
    await refused(places)
    store.jobs = {"ada": 1}
    clock.now += 1.9
    await refused(places)
    clock.now += 0.1
    await take(places)
    await refused(places)
    assert store.counts == 2


async def test_what_is_let_in_during_a_count_is_not_forgotten_by_it(store: Store, clock: Clock) -> None:
    places = queue(store, of_one=3)
    await take(places)
    store.jobs = {"ada": 1}
    clock.now += 3
    store.answers.clear()
    await take(places)  # the count of before is good enough for that; a new one is under way
    assert store.counts == 2
    store.answers.set()
    await asyncio.sleep(0.01)
    await take(places)
    await refused(places)


async def test_only_a_count_of_long_ago_is_waited_for(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_OLD_WAIT_SECONDS", 30.0)
    places = queue(store)
    await take(places)
    store.answers.clear()
    clock.now += 19
    await asyncio.wait_for(take(places), 5)
    clock.now += 2
    waiting = asyncio.create_task(take(places))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    store.answers.set()
    await asyncio.wait_for(waiting, 5)


async def test_counting_takes_a_twentieth_of_the_time_at_most(store: Store, clock: Clock) -> None:
    places = queue(store, most=1000, of_one=1000)
    store.seconds = 3.0
    started = clock.now
    while clock.now < started + 600:
        await take(places)
        clock.now += 0.5
    assert store.counts * store.seconds <= 600 / 20 + store.seconds


async def test_who_asks_at_once_shares_a_count(store: Store) -> None:
    places = queue(store, most=100, of_one=100)
    await asyncio.gather(*(take(places) for _ in range(20)))
    assert store.counts == 1


async def test_while_the_store_is_away_what_is_let_in_still_counts(store: Store, clock: Clock) -> None:
    places = queue(store, of_one=2)
    store.error = StoreUnavailable("document store", "away")
    for _ in range(2):
        await take(places)
    await refused(places)
    assert store.counts == 1
    store.error, store.jobs = None, {"ada": 1}
    clock.now += 1
    await take(places)
    await refused(places)
    assert store.counts == 2


async def test_a_store_that_hangs_holds_nobody_up_for_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_WAIT_SECONDS", 0.05)
    places = queue(store, of_one=2)
    store.answers.clear()
    await asyncio.wait_for(take(places), 5)
    await asyncio.wait_for(take(places), 5)
    await refused(places)
    assert store.counts == 1
    await places.close()


def announcing(store: Store, most: int) -> Admission:
    return Admission(Settings(max_queue_size=1, max_awaited_uploads_per_caller=most), nothing, store)


async def announce(places: Admission, owner: str = "ada") -> None:
    async with places.upload(owner):
        await asyncio.sleep(0)


async def test_a_caller_announces_no_more_uploads_than_may_be_awaited(store: Store, clock: Clock) -> None:
    places = announcing(store, 3)
    store.jobs = {"ada": 1}
    ends = await asyncio.gather(*(announce(places) for _ in range(9)), return_exceptions=True)
    assert [end is None for end in ends].count(True) == 2
    with pytest.raises(Problem, match="3 of your announced uploads") as caught:
        await announce(places)
    assert (caught.value.entry.code, bool(caught.value.retry_after)) == ("queue_full", True)
    await announce(places, "bob")
    await take(places)  # places for jobs are others
    store.jobs = {"ada": 2}
    clock.now += 2
    await announce(places)


def test_a_process_receives_only_so_many_forms_and_of_one_caller_fewer(store: Store) -> None:
    places = queue(store)
    with ExitStack() as received:
        for number in range(admission._FORMS):
            caller = f"caller {number // admission._FORMS_OF_ONE}"
            received.enter_context(places.form(caller))
            if number == admission._FORMS_OF_ONE - 1:
                no_form(places, caller, "forms of yours")
        no_form(places, "ada", "as it can")
    for _ in range(2 * admission._FORMS):
        with places.form("ada"):
            pass


def no_form(places: Admission, owner: str, why: str) -> None:
    with pytest.raises(Problem, match=why) as caught, places.form(owner):
        pass
    assert (caught.value.entry.code, caught.value.status) == ("queue_full", 503)
    assert caught.value.retry_after


def test_a_form_that_breaks_off_gives_its_place_back(store: Store) -> None:
    places = queue(store)
    for _ in range(2 * admission._FORMS):
        with pytest.raises(asyncio.CancelledError), places.form("ada"):
            raise asyncio.CancelledError
