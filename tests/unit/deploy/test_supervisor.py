"""Starting again what died or does not answer, and when to give up."""

import asyncio
from types import SimpleNamespace

import pytest

from deploy.embedded import supervisor
from deploy.embedded.failures import EmbeddedError, ProcessFailed
from deploy.embedded.process import Running
from deploy.embedded.supervisor import DEATHS_IN_A_ROW, QUESTIONS_IN_A_ROW, Supervisor


class Life:
    """A child that lives until it is told to die."""

    def __init__(self, pid: int) -> None:
        self.program = SimpleNamespace(name="The thing")
        self.pid = pid
        self.death = asyncio.Event()
        self.running = True

    async def ended(self) -> int:
        await self.death.wait()
        self.running = False
        return 7

    async def stop(self) -> None:
        self.death.set()
        self.running = False

    async def kill(self) -> None:
        await self.stop()

    def explain(self, what: str = "ended with exit code 7") -> str:
        return f"The thing {what}. Its log is here, which ends with:\n    a line\n    the last line"


class Launches:
    """Launches lives and remembers them; `fail_after` launches it raises."""

    def __init__(self, fail_after: int = 1000, die_at_once: bool = False) -> None:
        self.lives: list[Life] = []
        self.tries = 0
        self.said: list[str] = []
        self._fail_after = fail_after
        self._die_at_once = die_at_once

    async def launch(self) -> Life:
        self.tries += 1
        if self.tries > self._fail_after:
            raise ProcessFailed("The thing was not ready after 1 s.")
        self.lives.append(Life(self.tries))
        if self._die_at_once:
            self.lives[-1].death.set()
        return self.lives[-1]

    def supervisor(self, answers: supervisor.Answers | None = None) -> Supervisor:
        return Supervisor(self.launch, self.said.append, answers)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.004)
    monkeypatch.setattr(supervisor, "QUESTION_PAUSE_SECONDS", 0.001)


async def until(true) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 -- it is the code under test that is waited for, not a signal of ours
            await asyncio.sleep(0.001)


async def test_a_death_is_said_and_repaired() -> None:
    launches = Launches()
    one = launches.supervisor()
    await one.start()
    assert one.running == Running("The thing", 1)
    launches.lives[0].death.set()
    await until(lambda: len(launches.said) == 2)
    assert launches.said == [
        "The thing ended with exit code 7; starting it again in 0.001 s\n    its log ends with: the last line",
        "The thing has been started again",
    ]
    assert one.running == Running("The thing", 2)
    await one.stop()
    assert not launches.lives[1].running
    assert one.running is None


async def test_pauses_grow_to_a_longest() -> None:
    launches = Launches(die_at_once=True)
    one = launches.supervisor()
    await one.start()
    await until(lambda: launches.tries > 4)
    await one.stop()
    pauses = [line.partition("again in ")[2].partition(" s")[0] for line in launches.said if "again in" in line]
    assert pauses[:4] == ["0.001", "0.002", "0.004", "0.004"]


@pytest.mark.parametrize(
    "launches", [Launches(die_at_once=True), Launches(fail_after=1, die_at_once=True)], ids=["dies", "does not start"]
)
async def test_too_many_deaths_in_a_row_end_it_with_the_reason(launches: Launches) -> None:
    one = launches.supervisor()
    await one.start()
    with pytest.raises(EmbeddedError, match=rf"Giving up after {DEATHS_IN_A_ROW + 1} deaths in a row: The thing"):
        await asyncio.wait_for(one.gave_up(), 5)
    assert launches.tries == DEATHS_IN_A_ROW + 1
    await one.stop()


async def test_a_long_life_starts_the_count_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", -1.0)
    launches = Launches(die_at_once=True)
    one = launches.supervisor()
    await one.start()
    await until(lambda: launches.tries >= 3 * DEATHS_IN_A_ROW)
    await one.stop()


async def test_the_time_that_a_launch_takes_is_no_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY_SECONDS", 0.05)
    launches = Launches(die_at_once=True)

    async def slow() -> Life:
        await asyncio.sleep(0.06)
        return await launches.launch()

    one = Supervisor(slow, launches.said.append)
    await one.start()
    with pytest.raises(EmbeddedError, match="Giving up"):
        await asyncio.wait_for(one.gave_up(), 20)
    await one.stop()


async def test_one_that_does_not_answer_any_more_is_ended_and_started_again() -> None:
    launches = Launches()

    async def answers(_: float) -> bool:
        return launches.tries > 1

    one = launches.supervisor(answers)
    await one.start()
    await until(lambda: len(launches.said) == 2)
    assert launches.said[0].startswith("The thing has not answered for 0 s; starting it again in 0.001 s")
    assert [life.running for life in launches.lives] == [False, True]
    await one.stop()


async def test_one_that_answers_now_and_then_is_left_alone() -> None:
    launches, asked = Launches(), 0

    async def answers(_: float) -> bool:
        nonlocal asked
        asked += 1
        return asked % QUESTIONS_IN_A_ROW == 0

    one = launches.supervisor(answers)
    await one.start()
    await until(lambda: asked > 5 * QUESTIONS_IN_A_ROW)
    assert launches.tries == 1
    await one.stop()


async def test_the_first_launch_must_succeed() -> None:
    launches = Launches(fail_after=0)
    with pytest.raises(ProcessFailed):
        await launches.supervisor().start()
    assert launches.tries == 1
