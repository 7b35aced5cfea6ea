"""Leaving out what was consumed before: the windows, and consumers that have one."""

import sqlite3

import pytest
import trio

from rmqwire.consumer.dedupe import MemoryDedupe, SqliteDedupe
from rmqwire.consumer.listener import ConsumeOrderlyStatus
from rmqwire.errors import UsageError
from tests.consumer.support import FIRST, LATER, Seen, consumer, settle


def test_memory_forgets_the_oldest():
    window = MemoryDedupe(most=2)
    window.add("g", ["a", "b"])
    window.add("g", ["a"])  # the newest again
    window.add("g", ["c"])
    assert [window.seen("g", key) for key in "abc"] == [True, False, True]
    assert not window.seen("other", "a")


def test_a_file_remembers_over_restarts_and_for_so_long(tmp_path):
    now = [1_000_000]
    path = tmp_path / "seen.db"
    first = SqliteDedupe(path, window_ms=500, wall_ms=lambda: now[0])
    first.add("g", ["a"])
    first.close()
    second = SqliteDedupe(path, window_ms=500, wall_ms=lambda: now[0])
    assert (second.seen("g", "a"), second.seen("h", "a"), second.seen("g", "b")) == (1, 0, 0)
    now[0] += 500
    assert not second.seen("g", "a")
    second.close()


def test_a_file_forgets_what_is_too_old(tmp_path):
    now = [0]
    window = SqliteDedupe(tmp_path / "seen.db", window_ms=10, wall_ms=lambda: now[0])
    window.add("g", [f"old{n}" for n in range(999)])
    now[0] = 100
    window.add("g", ["new"])
    window.close()
    with sqlite3.connect(tmp_path / "seen.db") as file:
        assert file.execute("SELECT unique_key FROM consumed").fetchall() == [("new",)]
    file.close()


def test_two_processes_share_a_file(tmp_path):
    one, two = SqliteDedupe(tmp_path / "seen.db"), SqliteDedupe(tmp_path / "seen.db")
    one.add("g", ["a"])
    assert two.seen("g", "a")
    one.close()
    two.close()


def test_what_can_not_be_is_refused(tmp_path):
    with pytest.raises(UsageError, match="most < 1"):
        MemoryDedupe(0)
    with pytest.raises(UsageError, match="window_ms < 1"):
        SqliteDedupe(tmp_path / "seen.db", 0)
    with pytest.raises(UsageError, match="can't be used"):
        SqliteDedupe(tmp_path)


def repeated(cluster, *keys):
    for key in keys:
        cluster.store("T", key.encode(), properties={"UNIQ_KEY": key})


async def test_a_message_that_comes_twice_is_consumed_once_and_committed(cluster, autojump_clock):
    seen = Seen()
    repeated(cluster, "a", "b", "a", "c")
    async with consumer(cluster, dedupe=MemoryDedupe(), consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"a", b"b", b"c"]
    assert cluster.offsets["cg", "a", "T", 0] == 4


async def test_in_batches_only_the_others_are_handed_out(cluster, autojump_clock):
    batches = []

    def listen(messages, context):
        batches.append([message.body for message in messages])
        context.ack_index = 0
        return Seen()(messages)

    window = MemoryDedupe()
    window.add("cg", ["a", "c"])
    repeated(cluster, "a", "b", "c", "d")
    async with consumer(
        cluster, dedupe=window, consume_from_where=FIRST, consume_message_batch_max_size=4
    ) as c:
        c.subscribe("T", "*", listen)
        await settle()
    assert batches == [[b"b", b"d"]]
    assert (window.seen("cg", "b"), window.seen("cg", "d")) == (True, False)
    (back,) = cluster.sent_back
    assert back.offset == 3000  # of d


async def test_what_failed_comes_again(cluster, autojump_clock):
    seen = Seen(LATER)
    repeated(cluster, "a", "a")
    async with consumer(cluster, dedupe=MemoryDedupe(), consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"a", b"a"]
    assert len(cluster.sent_back) == 1


async def test_those_who_iterate_get_each_once_too(cluster, autojump_clock):
    came = []
    window = MemoryDedupe()
    window.add("cg", ["a"])
    repeated(cluster, "a", "b")
    async with consumer(cluster, dedupe=window, consume_from_where=FIRST) as c:
        c.subscribe("T")
        with trio.move_on_after(5):
            async for delivery in c:
                async with delivery:
                    came.append(delivery.body)
    assert came == [b"b"]
    assert window.seen("cg", "b")
    assert cluster.offsets["cg", "a", "T", 0] == 2


ORDERLY = {"consume_orderly": True, "consume_from_where": FIRST}


async def test_an_orderly_consumer_passes_over_what_it_has_consumed(cluster, autojump_clock):
    seen = Seen(*[ConsumeOrderlyStatus.SUCCESS] * 9)
    window = MemoryDedupe()
    repeated(cluster, "a", "b", "a", "c")
    async with consumer(cluster, dedupe=window, **ORDERLY) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"a", b"b", b"c"]
    assert cluster.offsets["cg", "a", "T", 0] == 4
    assert window.seen("cg", "c")


async def test_of_a_batch_in_order_the_others_come_again_alone(cluster, autojump_clock):
    batches = []
    answers = iter([ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT])

    def listen(messages):
        batches.append([message.body for message in messages])
        return next(answers, ConsumeOrderlyStatus.SUCCESS)

    window = MemoryDedupe()
    window.add("cg", ["a", "c"])
    repeated(cluster, "a", "b", "c", "d")
    async with consumer(cluster, dedupe=window, consume_message_batch_max_size=4, **ORDERLY) as c:
        c.subscribe("T", "*", listen)
        await settle(4)
    assert batches == [[b"b", b"d"]] * 2
    assert cluster.offsets["cg", "a", "T", 0] == 4


async def test_what_is_rolled_back_was_not_consumed(cluster, autojump_clock):
    """Without auto_commit a repeated message waits for the commit of those before it."""
    seen = []
    window = MemoryDedupe()
    window.add("cg", ["b"])

    def listen(messages, context):
        context.auto_commit = False
        seen.append((messages[0].body, window.seen("cg", "a")))
        if messages[0].body == b"c":
            many = len(seen) > 3
            return ConsumeOrderlyStatus.COMMIT if many else ConsumeOrderlyStatus.ROLLBACK
        return ConsumeOrderlyStatus.SUCCESS

    repeated(cluster, "a", "b", "c")
    async with consumer(cluster, dedupe=window, **ORDERLY) as c:
        c.subscribe("T", "*", listen)
        await settle(4)
    assert seen == [(b"a", False), (b"c", False)] * 2
    assert window.seen("cg", "a")
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_what_went_to_the_dead_letters_may_come_back(cluster, autojump_clock):
    later = ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
    cluster.add_topic("%RETRY%cg", queue_nums=1, perm=2)  # a broker has its own place for them
    window = MemoryDedupe()
    repeated(cluster, "a", "b")
    seen = Seen(later, later, ConsumeOrderlyStatus.SUCCESS)
    async with consumer(cluster, dedupe=window, max_reconsume_times=1, **ORDERLY) as c:
        c.subscribe("T", "*", seen)
        await settle(6)
    assert seen == [b"a", b"a", b"b"]
    assert (window.seen("cg", "a"), window.seen("cg", "b")) == (False, True)
    assert cluster.offsets["cg", "a", "T", 0] == 2
