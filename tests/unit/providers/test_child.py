"""Children: what comes out of them, and that they are gone afterwards. They use pipes, no sockets."""

import asyncio
import os

import pytest
from structlog.testing import capture_logs

from providers.child import Children
from providers.child_limits import within_output
from schemas.failures import Permanent, Retryable
from schemas.media import Probe
from tests.unit.providers import child_work

MB = 1024 * 1024


class Away(Retryable):
    """A kind of failure that no child knows."""


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


@pytest.mark.parametrize("work", [child_work.swallow, child_work.double])
@pytest.mark.parametrize(
    "failure",
    [Permanent("undecodable", "It ended."), Away("store_unavailable", "Away."), LookupError(), TimeoutError()],
)
async def test_what_breaks_the_inputs_reaches_the_caller_as_it_was(children, failure, work):
    async def inputs():
        yield 1
        raise failure

    args = () if work is child_work.swallow else (1,)
    with pytest.raises(type(failure)) as raised:
        await collect(children.run(work, *args, inputs=inputs()))
    assert raised.value is failure


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


@pytest.mark.parametrize("work", [child_work.hoard, child_work.hoard_little_by_little, child_work.burst])
async def test_beyond_its_limit_of_memory_a_child_ends_and_the_limit_is_named(work):
    async with Children(memory_mb=256) as children:
        with pytest.raises(Permanent) as raised:
            await collect(children.run(work))
    assert raised.value.code == "memory_limit"
    assert "256 MB (MEDIA_MEMORY_MB)" in raised.value.detail


async def test_without_a_limit_what_is_said_about_memory_is_not_believed(children):
    with pytest.raises(Retryable, match="SIGABRT"):
        await collect(children.run(child_work.burst))


async def test_beyond_its_limit_of_processor_time_a_child_ends_and_the_limit_is_named():
    async with Children(cpu_seconds=1) as children:
        work = children.run(child_work.spin)
        pid = await anext(work)
        with pytest.raises(Permanent) as raised:
            await anext(work)
    assert raised.value.code == "cpu_limit"
    assert "1 seconds (MEDIA_CPU_SECONDS)" in raised.value.detail
    assert await gone(pid)


async def test_work_that_gets_on_may_give_itself_more_processor_time(children):
    work = children.run(child_work.renew, 2.5)
    assert await anext(work) == 0
    with pytest.raises(Permanent) as raised:
        await collect(work)
    assert raised.value.code == "cpu_limit"


@pytest.mark.parametrize(
    ("work", "limit"), [(child_work.fill, "its limit of 0.002441 GB"), (child_work.fill_until_killed, "its limit")]
)
async def test_beyond_its_limit_of_output_a_child_ends_and_the_limit_is_named(children, tmp_path, work, limit):
    most = 2 * MB + MB // 2
    with pytest.raises(Permanent) as raised:
        await collect(children.run(within_output, most, work, str(tmp_path / "file")))
    assert raised.value.code == "output_limit"
    assert f"{limit} (MEDIA_OUTPUT_GB)" in raised.value.detail
    assert (tmp_path / "file").stat().st_size == most


async def test_time_that_went_by_before_the_work_does_not_count():
    async with Children(preload=("tests.unit.providers.child_work:warm_up",), spares=1, cpu_seconds=1) as children:
        await children.warm()
        assert await collect(children.run(child_work.count, 1)) == [0]


async def test_a_child_leaves_no_core_dump(children):
    assert await collect(children.run(child_work.limits)) == [[0, 0]]


async def test_beyond_its_limit_of_time_a_child_is_killed(children):
    work = children.run(child_work.hang, timeout=4)
    pid = await anext(work)
    with pytest.raises(Retryable, match="limit of 4 seconds"):
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


async def test_what_a_child_says_in_words_is_cut(children):
    with pytest.raises(Permanent) as raised:
        await collect(children.run(child_work.rant))
    assert (raised.value.code, raised.value.detail) == ("c" * 100, "d" * 2_000)


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
        assert children.pids == ()
        await asyncio.gather(children.warm(), children.warm())
        (spare,) = children.pids
        assert await collect(children.run(child_work.pid)) == [spare]
        (next_spare,) = children.pids
        assert next_spare != spare
    assert await gone(next_spare)


async def test_a_spare_that_is_being_started_goes_with_the_others():
    async with Children(spares=1) as children:
        warming = asyncio.create_task(children.warm())
        await asyncio.sleep(0)
    await warming
    (spare,) = children.pids
    assert await gone(spare)


async def test_a_dead_spare_is_noticed():
    async with Children(spares=1) as children:
        await children.warm()
        (spare,) = children.pids
        os.kill(spare, 9)
        await gone(spare)
        assert await collect(children.run(child_work.count, 2)) == [0, 1]
