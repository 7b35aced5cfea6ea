"""Pulls of a push consumer against a cluster in memory, on virtual time."""

import pytest
import trio

from rmqwire.codec import headers as h
from rmqwire.codec.compression import CompressionType, compress
from rmqwire.codec.release import V4_9_7
from tests.client.fake_cluster import broker_addr
from tests.consumer.support import FIRST, NOW, OK, R, Seen, consumer, settle


@pytest.fixture(autouse=True, params=[False, True], ids=["one after the other", "asked ahead"])
def at_once(request, cluster):
    cluster.at_once = request.param


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (FIRST, [b"old", b"newer", b"after"]),
        ("CONSUME_FROM_LAST_OFFSET", [b"after"]),
        ("CONSUME_FROM_TIMESTAMP", [b"newer", b"after"]),
    ],
)
async def test_where_a_new_group_starts(cluster, autojump_clock, where, expected):
    cluster.store("T", b"old", store_timestamp=NOW - 31 * 60_000)
    cluster.store("T", b"newer", store_timestamp=NOW - 29 * 60_000)
    seen = Seen()
    async with consumer(cluster, consume_from_where=where) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.store("T", b"after", store_timestamp=NOW)
        await settle()
    assert seen == expected


async def test_known_group_goes_on(cluster, autojump_clock):
    for number in range(3):
        cluster.store("T", str(number).encode())
    cluster.offsets["cg", "a", "T", 0] = 2
    seen = Seen()
    async with consumer(cluster) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [b"2"]


async def test_tags_are_compared_here_too(cluster, autojump_clock):
    # "Aa" and "BB" have one hash code in Java: the broker lets both through.
    cluster.store("T", b"right", properties={"TAGS": "Aa"})
    cluster.store("T", b"wrong", properties={"TAGS": "BB"})
    cluster.store("T", b"none")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "Aa || C", seen)
        await settle(20)  # the pull after it finds nothing and moves the offset past the rest
    assert seen == [b"right"]
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_compressed_body(cluster, autojump_clock):
    body = b"abc" * 2000
    packed = compress(body, CompressionType.ZLIB)
    cluster.store("T", packed, sys_flag=0x301)
    cluster.store("T", b"no zlib at all", sys_flag=0x301)
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
    assert seen == [body, b"no zlib at all"]


async def test_offset_out_of_range_is_corrected(cluster, autojump_clock):
    cluster.base["a", "T", 0] = 100
    cluster.store("T", b"x")
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle(5)
        assert seen == [b"x"]
    assert cluster.offsets["cg", "a", "T", 0] == 101


async def test_filtered_messages_count_as_consumed(cluster, autojump_clock):
    for _ in range(3):
        cluster.store("T", b"x", properties={"TAGS": "other"})
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "mine", Seen())
        await settle()
    assert cluster.offsets["cg", "a", "T", 0] == 3


async def test_pulling_pauses_when_too_much_waits(cluster, autojump_clock):
    for number in range(40):
        cluster.store("T", str(number).encode())
    go = trio.Event()

    async def listen(_messages):
        await go.wait()
        return OK

    async with consumer(
        cluster, consume_from_where=FIRST, pull_threshold_for_queue=9, pull_batch_size=5
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(3)
        first = [
            p
            for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
            if (p.topic, p.queue_id) == ("T", 0)
        ]
        assert [p.queue_offset for p in first] == [0, 5]
        go.set()
        await settle(3)
    assert cluster.offsets["cg", "a", "T", 0] == 40


async def test_pulling_goes_on_as_soon_as_less_waits(cluster, autojump_clock):
    for number in range(40):
        cluster.store("T", b"%d" % number)
    seen, began = [], []

    async def listen(messages):
        seen.append(messages[0].body)
        await trio.sleep(0.001)
        began.append(trio.current_time())
        return OK

    async with consumer(
        cluster,
        consume_from_where=FIRST,
        pull_threshold_for_queue=9,
        pull_batch_size=5,
        consume_thread_max=1,
    ) as c:
        c.subscribe("T", "*", listen)
        await settle(3)
    assert seen == [b"%d" % number for number in range(40)]
    assert began[-1] - began[0] < 0.045  # a pause that nothing ends takes 0.05


async def test_suspend_and_resume(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        c.suspend()
        await settle(20)  # the pull that is held back ends
        cluster.store("T", b"x")
        await settle(20)
        assert seen == []
        c.resume()
        await settle(2)
        assert seen == [b"x"]


async def test_broker_that_forgot_the_group_is_told_again(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.heartbeats.clear()
        cluster.store("T", b"one")
        await settle(5)
        cluster.store("T", b"two")
        await settle(5)
    assert seen == [b"one", b"two"]


async def test_broker_that_is_away_for_a_while(cluster, autojump_clock):
    seen = Seen()
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", seen)
        await settle()
        cluster.down.add(broker_addr("a"))
        cluster.store("T", b"one")
        await settle(3)
        cluster.down.clear()
        cluster.store("T", b"two")
        await settle(5)
    assert seen == [b"one", b"two"]


async def test_pull_says_what_is_consumed(cluster, autojump_clock):
    cluster.store("T", b"x")
    async with consumer(cluster, consume_from_where=FIRST) as c:
        c.subscribe("T", "*", Seen())
        await settle()
        cluster.store("T", b"y")
        await settle()
    pulls = [
        p
        for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
        if (p.topic, p.queue_id) == ("T", 0)
    ]
    assert [(p.sys_flag, p.commit_offset) for p in pulls][-1] == (3, 1)
    assert (pulls[0].sys_flag, pulls[0].max_msg_nums) == (2, 32)
    assert pulls[0].suspend_timeout_millis == 15_000
    assert pulls[0].max_msg_bytes == 262_144


async def test_4_9_7_pull_says_no_bytes(cluster, autojump_clock):
    async with consumer(cluster, release=V4_9_7) as c:
        c.subscribe("T", "*", Seen())
        await settle()
    assert all(
        p.max_msg_bytes is None for p in cluster.headers(R.PULL_MESSAGE, h.PullMessageRequestHeader)
    )
