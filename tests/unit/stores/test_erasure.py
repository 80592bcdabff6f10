"""An erasure may break off between any two of its steps: gone on with, it leaves nothing but what is others'."""

from collections import Counter
from datetime import timedelta

import pytest

from schemas.erasure import Erasure
from schemas.holds import Hold
from schemas.recordings import Link, RecordingStatus
from schemas.time import now
from stores.activity import Activity, Fact
from stores.erasure import Eraser, Erasures
from stores.errors import OnHold, StoreUnavailable
from stores.lectures import Lectures
from stores.letting_go import LettingGo
from streams.housekeeping import deletion_of
from tests.unit.stores.jobs import START, a_lecture, uploaded
from tests.unit.stores.test_deletion import failing_at, full
from tests.unit.streams.fakes import World


class House(World):
    """Two accounts with all that accounts can have."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[str] = []

    async def fill(self) -> "House":
        self.mine = [await full(self) for _ in range(3)]
        self.theirs = await full(self, owner_id="bob")
        facts = [uploaded(recording) for recording in (*self.mine, self.theirs)]
        await self.resources.activity.add([Fact(fact, "uploads-0", number) for number, fact in enumerate(facts)])
        self.erasures = Erasures(self.database)
        erasure = Erasure(id="ada", receipt="f", since=START, requested_at=now())
        self.erasure = await self.erasures.begin(erasure)
        return self

    def eraser(self, failing=lambda store: store, grace: timedelta = timedelta(0)) -> Eraser:
        activity: Activity = failing(self.resources.activity)

        async def close(user_id: str) -> None:
            self.closed.append(user_id)

        lectures = Lectures(self.database)
        letting_go = LettingGo(lectures, _deletion(self, failing))
        return Eraser(
            erasures=failing(self.erasures),
            deletion=_deletion(self, failing),
            lectures=lectures,
            close=close,
            stores={
                "lectures": lambda erasure: letting_go.forget(erasure.id),
                "days": lambda erasure: activity.forget(erasure.id, erasure.since.date(), now().date()),
            },
            grace=grace,
        )

    async def left(self, owner_id: str) -> Counter:
        recordings = await self.resources.recordings.lists.owned(owner_id, limit=10)
        jobs = await self.resources.jobs.list_owned(owner_id, limit=10)
        day = await self.resources.activity.streak(owner_id, now().date())
        objects = [key for key in self.objects.stored if any(one.id in key for one in recordings)]
        return Counter(recordings=len(recordings), jobs=len(jobs), days=day.longest_days, objects=len(objects))


def _deletion(house: House, failing):
    made = deletion_of(house.resources)
    stores = ("jobs", "recordings", "transcripts", "analyses", "objects", "publisher")
    return type(made)(**{**vars(made), **{name: failing(getattr(made, name)) for name in stores}})


async def test_everything_of_the_account_goes_and_is_counted():
    house = await House().fill()
    await house.eraser().erase(house.erasure)
    assert await house.left("ada") == Counter(recordings=0, jobs=0, days=0, objects=0)
    erasure = await house.erasures.get("ada")
    assert erasure.finished_at is not None
    assert (erasure.removed["recordings"], erasure.removed["bytes"], erasure.removed["days"]) == (3, 3000, 1)
    assert house.closed == ["ada"]
    assert await house.erasures.unfinished() == []


async def test_nothing_of_another_account_goes():
    house = await House().fill()
    before = await house.left("bob")
    await house.eraser().erase(house.erasure)
    assert await house.left("bob") == before
    assert before["recordings"] == 1


@pytest.mark.parametrize("after", [False, True])
async def test_what_broke_off_anywhere_is_brought_to_its_end(after):
    number = 0
    while True:
        number += 1
        house = await House().fill()
        failing = failing_at(number, after)
        try:
            await house.eraser(failing).erase(house.erasure)
        except StoreUnavailable:
            [again] = await house.erasures.unfinished() or [house.erasure]
            await house.eraser().erase(again)
        assert await house.left("ada") == Counter(recordings=0, jobs=0, days=0, objects=0), number
        assert (await house.erasures.get("ada")).finished_at is not None
        if failing.left[0] > 0:
            break
    assert number > 40


async def test_what_comes_late_is_gone_on_with_and_not_finished_over():
    house = await House().fill()
    assert await house.erasures.resume("ada", START)
    assert not await house.eraser().erase(house.erasure)
    [resumed] = await house.erasures.unfinished()
    assert await house.eraser().erase(resumed)
    assert not await house.erasures.resume("bob", START)


async def test_a_repeat_begins_nothing_new():
    house = await House().fill()
    again = await house.erasures.begin(house.erasure.model_copy(update={"receipt": "another"}))
    assert again.receipt == "f"


async def test_what_is_put_on_hold_meanwhile_stays_until_that_is_lifted():
    house = await House().fill()
    held = house.mine[1]
    hold = {"reason": "A dispute", "by": "admin", "at": START}
    await house.resources.recordings.amend(held, {"hold": hold})
    assert not await house.eraser().erase(house.erasure)
    assert (await house.left("ada"))["recordings"] == 3
    assert await house.erasures.unfinished() != []
    await house.resources.recordings.amend(await house.resources.recordings.get(held.id), {"hold": None})
    assert await house.eraser().erase(house.erasure)
    assert (await house.left("ada"))["recordings"] == 0


async def test_a_lecture_on_hold_that_nobody_else_reads_keeps_its_last_link_alone():
    house = await House().fill()
    hold = Hold(reason="A case", by="root", at=START)
    lecture = a_lecture(hold=hold, status=RecordingStatus.COMPLETED)
    await house.resources.recordings.create(lecture)
    with pytest.raises(OnHold):
        await house.eraser().expect_free("ada")
    assert not await house.eraser().erase(house.erasure)
    assert await house.left("ada") == Counter(recordings=0, jobs=0, days=0, objects=0)
    assert (await house.resources.recordings.get(lecture.id)).linked("ada")
    await house.resources.recordings.set_hold(lecture.id, None)
    await house.eraser().expect_free("ada")
    assert await house.eraser().erase(house.erasure)
    assert await house.resources.recordings.stored(lecture.id) is None


async def test_a_lecture_on_hold_that_others_read_too_keeps_nobody():
    house = await House().fill()
    links = [Link(user_id=name, at=START) for name in ("ada", "bob")]
    lecture = a_lecture(links=links, hold=Hold(reason="A case", by="root", at=START))
    await house.resources.recordings.create(lecture)
    await house.eraser().expect_free("ada")
    assert await house.eraser().erase(house.erasure)
    assert not (await house.resources.recordings.get(lecture.id)).linked("ada")


async def test_what_was_let_in_before_and_comes_late_goes_too():
    house = await House().fill()
    assert not await house.eraser(grace=timedelta(hours=1)).erase(house.erasure)
    assert (await house.left("ada"))["recordings"] == 0
    assert [erasure.id for erasure in await house.erasures.unfinished()] == ["ada"]
    await full(house)
    assert await house.eraser().erase(house.erasure)
    assert (await house.left("ada"))["recordings"] == 0
    assert await house.erasures.unfinished() == []
