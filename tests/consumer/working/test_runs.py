"""The calls of a pull one after the other: what is told together, what hands the rest on, what never passes whom."""

from random import Random

import pytest
import trio
import trio.lowlevel

from rmqwire.codec import headers as h
from rmqwire.consumer.dedupe import MemoryDedupe
from tests.consumer.support import (
    FIRST,
    LATER,
    NOW,
    OK,
    R,
    consumer,
    running_info,
    settle,
)


async def test_what_was_consumed_before_a_listener_that_waits_is_committed_meanwhile(
    cluster, autojump_clock
):
    for body in (b"fast", b"fast", b"slow", b"behind"):
        cluster.store("T", body)
    seen = []

    async def listen(messages):
        if messages[0].body == b"slow":
            await trio.sleep(60)
        seen.append(messages[0].body)
        return OK

    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", listen)
        await settle(30)
        assert seen == [b"fast", b"fast", b"behind"]
        assert cluster.offsets["cg", "a", "T", 0] == 2
        await settle(60)
        assert cluster.offsets["cg", "a", "T", 0] == 4
        rates = (await running_info(cluster, c)).status_table["T"]
    assert rates.consume_oktps == pytest.approx(4 / 60)


async def test_others_get_a_turn_while_plain_listeners_go_on(cluster, autojump_clock):
    for _ in range(40):
        cluster.store("T", b"x")
    seen, turns, now = [], set(), NOW

    def wall_ms():
        nonlocal now
        now += 1
        return now

    def listen(messages):
        seen.append(messages)
        return OK

    async with consumer(cluster, consume_from_where=FIRST, wall_ms=wall_ms) as c:
        c.subscribe("T", "*", listen)
        with trio.fail_after(5):
            while len(seen) < 40:
                await trio.lowlevel.checkpoint()
                turns.add(len(seen))
    assert len(turns) > 10


async def test_a_listener_that_is_taken_away_is_called_no_more(cluster, autojump_clock):
    for body in (b"first", b"second"):
        cluster.store("T", body)
    seen = []

    async with consumer(cluster, consume_from_where=FIRST) as c:

        def listen(messages):
            seen.append(messages[0].body)
            c.unsubscribe("T")
            return OK

        c.subscribe("T", "*", listen)
        await settle()
    assert seen == [b"first"]
    assert len(cluster.sent_back) == 1


async def test_closing_begins_no_more_calls(cluster, autojump_clock):
    for _ in range(30):
        cluster.store("T", b"x")
    seen = []

    async def listen(messages):
        seen.append(messages)
        await trio.sleep(3)
        return OK

    async with consumer(cluster, consume_from_where=FIRST, consume_thread_max=2) as c:
        c.subscribe("T", "*", listen)
        await settle(1)
    assert len(seen) == 2
    assert cluster.offsets["cg", "a", "T", 0] == 2


async def test_a_queue_that_is_given_up_between_two_calls_has_no_second(cluster, autojump_clock):
    for body in (b"first", b"second"):
        cluster.store("T", body)
    seen = []

    async with consumer(cluster, consume_from_where=FIRST) as c:

        def listen(messages):
            seen.append(messages[0].body)
            for process_queue in c._queues.values():
                process_queue.drop()
            return OK

        c.subscribe("T", "*", listen)
        await settle()
    assert set(seen) == {b"first"}, "whoever takes it over begins with it, too"
    assert cluster.offsets.get(("cg", "a", "T", 0), 0) == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("looked_at", [False, True], ids=["in runs", "one by one"])
async def test_a_commit_never_passes_a_message_that_nobody_is_done_with(
    cluster, autojump_clock, seed, looked_at
):
    rng, done, committed = Random(seed), set(), []
    for number in range(50):
        cluster.store("T", str(number).encode())

    def look(_addr, command):
        if command.code == R.UPDATE_CONSUMER_OFFSET:
            header = command.decode_header(h.UpdateConsumerOffsetRequestHeader)
            if header.topic == "T" and header.queue_id == 0:
                open_ones = set(range(header.commit_offset)) - done
                sent_back = {one.offset // 1000 for one in cluster.sent_back}
                committed.append(open_ones <= sent_back)

    cluster.faults.append(look)

    def plainly(messages):
        how = rng.random()
        if how < 0.1:
            raise RuntimeError("no")
        if how < 0.2:
            return LATER
        done.update(one.queue_offset for one in messages)
        return OK

    async def listen(messages, *_):
        if rng.random() < 0.3:
            await trio.sleep(rng.random() * 9)
        return plainly(messages)

    async with consumer(
        cluster,
        consume_from_where=FIRST,
        consume_message_batch_max_size=rng.choice([1, 3]),
        consume_thread_max=rng.choice([1, 4]),
        dedupe=MemoryDedupe() if looked_at else None,
    ) as c:
        c.subscribe("T", "*", rng.choice([plainly, listen]))
        await settle(300)
    assert cluster.offsets["cg", "a", "T", 0] == 50
    assert committed
    assert all(committed)
