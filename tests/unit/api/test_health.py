"""Health: who asks shares an answer, and the stages' part says in a sentence what stands still."""

import asyncio

from api.health import Shared, part_of
from schemas.workers import StageCondition, StageState, Worker
from stores.workers import by_stage
from tests.unit.stores.jobs import START

EVERYTHING = ("audio", "render", "transcribe", "analyse", "download", "pages", "scenes", "live", "export")


class Question:
    """Counts how often it was asked; answers when `answer` is set."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> bool:
        self.asked += 1
        return await self.answer


async def test_who_asks_at_once_shares_an_answer_and_a_good_one_lasts_a_moment():
    question = Question()
    shared = Shared(question, bool)
    asking = [asyncio.create_task(shared.get()) for _ in range(3)]
    await asyncio.wait(asking, timeout=0)
    question.answer.set_result(True)
    assert await asyncio.gather(*asking) == [True] * 3
    assert (await shared.get(), question.asked) == (True, 1)


async def test_a_bad_answer_is_asked_for_again():
    question = Question()
    question.answer.set_result(False)
    shared = Shared(question, bool)
    assert [await shared.get(), await shared.get()] == [False, False]
    assert question.asked == 2


async def test_who_leaves_takes_the_answer_from_nobody():
    question = Question()
    shared = Shared(question, bool)
    leaving, staying = asyncio.create_task(shared.get()), asyncio.create_task(shared.get())
    await asyncio.wait([leaving, staying], timeout=0)
    leaving.cancel()
    question.answer.set_result(True)
    assert await staying is True


async def test_it_ends_while_a_question_is_open():
    shared = Shared(Question(), bool)
    asking = asyncio.create_task(shared.get())
    await asyncio.wait([asking], timeout=0)
    await shared.close()
    await asyncio.wait([asking])
    assert asking.cancelled()


def a_worker(name: str, **stages: StageState) -> Worker:
    return Worker(id=name, host="box", pid=1, version="1", stages=stages, started_at=START, seen_at=START)


def test_with_a_worker_for_everything_all_is_well():
    whole = a_worker("one", **dict.fromkeys(EVERYTHING, StageState(slots=1, running=1)))
    part = part_of(by_stage([whole]))
    assert (part.ok, part.detail, len(part.stages)) == (True, None, len(EVERYTHING))


def test_what_stands_still_is_said_and_why():
    working, stopped = (
        StageState(slots=1, running=1),
        StageState(slots=1, running=0, state=StageCondition.PROBING, reason="timeout 11"),
    )
    workers = [a_worker("one", **dict.fromkeys(EVERYTHING[:-1], working)), a_worker("two", audio=stopped)]
    part = part_of(by_stage(workers))
    assert not part.ok
    assert part.detail == "«audio» is stopped in 1 of 2 workers. No live worker for «export»."
    told = {stage.stage: (stage.workers, stage.stopped, stage.reason) for stage in part.stages}
    assert told["audio"] == (2, 1, "timeout 11")
    assert told["render"] == (1, 0, None)
    assert told["export"] == (0, 0, None)
