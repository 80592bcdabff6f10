"""Children: what comes out of them, and that they are gone afterwards. They use pipes, no sockets."""

import asyncio
import os

import pytest
from structlog.testing import capture_logs

from providers.child import Children
from schemas.failures import Permanent, Retryable
from schemas.media import Probe
from tests.unit.providers import child_work


@pytest.fixture
async def children():
    async with Children() as children:
        yield children


async def collect(messages):
    return [message async for message in messages]


async def gone(pid: int) -> bool:
    async with asyncio.timeout(5):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            await asyncio.sleep(0.01)


async def test_yields_what_the_work_yields_whatever_it_prints(children):
    assert await collect(children.run(child_work.count, 3)) == [0, 1, 2]
    assert await collect(children.run(child_work.describe)) == [Probe(container="webm", has_audio=True)]
    assert children.pids == ()


async def test_inputs_arrive_while_results_leave(children):
    asked: asyncio.Queue[int] = asyncio.Queue()

    async def inputs():
        for _ in range(3):
            yield await asked.get()

    results = children.run(child_work.double, 10, inputs=inputs())
    for number in (1, 2, 3):
        await asked.put(number)
        assert await anext(results) == number * 10
    assert await collect(results) == []


async def test_a_failure_of_the_inputs_reaches_the_caller(children):
    async def inputs():
        yield 1
        raise Permanent("undecodable", "The audio ended in the middle.")

    with pytest.raises(Permanent, match="ended in the middle"):
        await collect(children.run(child_work.double, 1, inputs=inputs()))


async def test_a_verb_raised_in_the_child_arrives_as_it_was(children):
    with pytest.raises(Permanent) as raised:
        await collect(children.run(child_work.refuse))
    assert (raised.value.code, raised.value.detail) == ("not_media", "This is not media.")


@pytest.mark.parametrize(
    ("work", "told", "logged"),
    [
        (child_work.stumble, "nobody foresaw", "ZeroDivisionError"),
        (child_work.die, "killed by SIGKILL", "about to die"),
    ],
)
async def test_a_crash_is_worth_another_try_and_its_words_are_for_the_log_alone(children, work, told, logged):
    with capture_logs() as lines, pytest.raises(Retryable, match=told) as raised:
        await collect(children.run(work))
    assert raised.value.code == "child_crashed"
    assert logged not in raised.value.detail
    assert logged in str(lines)


async def test_beyond_its_limit_of_time_a_child_is_killed(children):
    work = children.run(child_work.hang, timeout=1)
    pid = await anext(work)
    with pytest.raises(Retryable, match="limit of 1 seconds"):
        await anext(work)
    assert await gone(pid)


async def test_cancelling_the_work_kills_the_child(children):
    pids: asyncio.Queue[int] = asyncio.Queue()

    async def work():
        async for pid in children.run(child_work.hang):
            await pids.put(pid)

    task = asyncio.create_task(work())
    pid = await pids.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)


@pytest.mark.parametrize(
    "message",
    [
        "\x80\x04N.",
        "{",
        "[" * 100_000,
        '{"yield": 1, "type": ["os", "system"]}',
        '{"yield": {}, "type": ["providers.child", "Children"]}',
        '{"yield": {"container": 7}, "type": ["schemas.media", "Probe"]}',
        '{"yield": {}, "type": ["schemas.media", "StrEnum"]}',
        '{"something": "else"}',
    ],
)
async def test_what_a_child_that_was_taken_over_sends_is_refused(children, message):
    with pytest.raises(Retryable) as raised:
        await collect(children.run(child_work.forge, message))
    assert raised.value.code == "child_crashed"


async def test_a_child_knows_no_secret(children, monkeypatch):
    monkeypatch.setenv("S3_SECRET_KEY", "do-not-tell")
    (environment,) = await collect(children.run(child_work.environment))
    assert "do-not-tell" not in environment.values()
    assert "PATH" in environment


async def test_a_spare_is_used_once_and_replaced():
    async with Children(preload=("schemas.media",), spares=1) as children:
        (spare,) = children.pids
        assert await collect(children.run(child_work.pid)) == [spare]
        (next_spare,) = children.pids
        assert next_spare != spare
    assert await gone(next_spare)


async def test_a_dead_spare_is_noticed():
    async with Children(spares=1) as children:
        (spare,) = children.pids
        os.kill(spare, 9)
        await gone(spare)
        assert await collect(children.run(child_work.count, 2)) == [0, 1]
