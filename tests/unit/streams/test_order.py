"""Fair order among callers, and acknowledging in the order of the partition."""

import asyncio
from collections import Counter, defaultdict
from types import SimpleNamespace

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from streams.order import Acks, FairQueue
from tests.unit.streams.fakes import many_turns

CALLERS = st.sampled_from(["ada", "bob", "cyd", "dan"])


def run(coroutine):
    """A coroutine that waits for nothing outside."""
    return asyncio.run(coroutine)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(CALLERS, st.none()), max_size=60))
def test_no_caller_is_served_twice_while_another_waits(turns):
    """`turns`: who adds an item; None takes one."""

    async def play():
        queue, number = FairQueue(1000), 0
        waiting, served_since = defaultdict(list), defaultdict(Counter)
        for caller in turns:
            if caller is not None:
                number += 1
                await queue.put(caller, (caller, number))
                waiting[caller].append(number)
            elif any(waiting.values()):
                owner, item = await queue.get()
                assert waiting[owner].pop(0) == item, "each caller's own come in their order"
                for other in (name for name, items in waiting.items() if items and name != owner):
                    served_since[other][owner] += 1
                    assert served_since[other][owner] == 1, f"{owner} was served twice while {other} waited"
                served_since[owner].clear()
            assert len(queue) == sum(len(items) for items in waiting.values())

    run(play())


async def test_a_newcomer_waits_for_one_of_each_at_most():
    queue = FairQueue(1000)
    for number in range(500):
        await queue.put("ada", ("ada", number))
    await queue.put("bob", ("bob", 0))
    assert [await queue.get() for _ in range(3)] == [("ada", 0), ("bob", 0), ("ada", 1)]


async def test_a_full_queue_holds_up_who_puts_until_there_is_room():
    queue = FairQueue(2)
    for number in range(2):
        await queue.put("ada", number)
    third = asyncio.create_task(queue.put("bob", 2))
    await many_turns()
    assert not third.done()
    assert len(queue) == 2
    assert await queue.get() == 0
    await third
    assert [await queue.get(), await queue.get()] == [1, 2]


async def test_an_empty_queue_holds_up_who_takes_until_there_is_something():
    queue = FairQueue(2)
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await many_turns()
    waiting[0].cancel()
    await asyncio.wait([waiting[0]])
    await queue.put("ada", 1)
    assert await waiting[1] == 1
    assert len(queue) == 0


async def test_a_share_holds_up_a_callers_next_until_one_is_let_go_of_and_nobody_else():
    queue = FairQueue(1000, share=2)
    for number in range(4):
        await queue.put("ada", ("ada", number))
    assert (queue.ready, queue.left("ada")) == (2, 2)
    assert [await queue.get() for _ in range(2)] == [("ada", 0), ("ada", 1)]
    assert (queue.ready, queue.left("ada"), queue.left("bob")) == (0, 0, 2)
    waiting = asyncio.create_task(queue.get())
    await many_turns()
    await queue.put("bob", ("bob", 0))
    assert await waiting == ("bob", 0)
    waiting = asyncio.create_task(queue.get())
    await many_turns()
    assert not waiting.done()
    queue.let_go("ada")
    assert await waiting == ("ada", 2)
    queue.let_go("bob")
    assert (len(queue), queue.ready, queue.left("bob")) == (1, 0, 2)


class AcksModel(RuleBasedStateMachine):
    """Partitions that are read, taken away, and read anew from what is committed; old copies are done at any time.

    `handled` are the offsets that need nothing more, by whichever copy of the message, in whichever process.
    """

    @initialize()
    def begin(self):
        self.committed, self.read = Counter(), Counter()
        self.handled = defaultdict(set)
        self.copies = []

        async def ack(message):
            place = message.message
            self.commit(place.partition, place.offset + 1)

        self.acks = Acks(ack)

    def commit(self, partition, until):
        assert set(range(until)) <= self.handled[partition], "it would be committed past one that is not done"
        self.committed[partition] = max(self.committed[partition], until)

    @rule(partition=st.integers(0, 2))
    def take(self, partition):
        """The next message. Every third offset is none, as after a transaction."""
        offset = self.read[partition]
        if offset % 3 == 2:
            self.handled[partition].add(offset)
            offset += 1
        self.read[partition] = offset + 1
        place = SimpleNamespace(topic="uploads", partition=partition, offset=offset)
        message = SimpleNamespace(message=place)
        self.acks.took(message)
        self.copies.append(message)

    @precondition(lambda self: self.copies)
    @rule(data=st.data())
    def done(self, data):
        self.end(data.draw(st.sampled_from(self.copies)))

    def end(self, message):
        self.handled[message.message.partition].add(message.message.offset)
        run(self.acks.done(message))

    @rule(partition=st.integers(0, 2), elsewhere=st.integers(0, 3))
    def rebalance(self, partition, elsewhere):
        """The partition was away, where some of it was handled, and is read anew from what is committed."""
        until = self.committed[partition] + elsewhere
        self.handled[partition] |= set(range(until))
        self.commit(partition, until)
        self.read[partition] = self.committed[partition]

    def teardown(self):
        """When all is done, all is acknowledged."""
        if not hasattr(self, "copies"):
            return
        for message in self.copies:
            self.end(message)
        for partition in range(3):
            assert self.committed[partition] >= self.read[partition]


AcksModel.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestAcks = AcksModel.TestCase


async def test_partitions_do_not_wait_for_each_other():
    acked = []

    async def ack(message):
        acked.append((message.message.partition, message.message.offset))

    acks = Acks(ack)
    messages = [
        SimpleNamespace(message=SimpleNamespace(topic="uploads", partition=partition, offset=offset))
        for partition in (0, 1)
        for offset in (5, 6)
    ]
    for message in messages:
        acks.took(message)
    await acks.done(messages[1])
    await acks.done(messages[2])
    assert acked == [(1, 5)]
    await acks.done(messages[0])
    await acks.done(messages[0])
    assert acked == [(1, 5), (0, 5), (0, 6)]
