import pytest
import trio

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.reading.process_queue import ProcessQueue
from rmqwire.consumer.reading.queue_reader import over_threshold
from tests.client.fake_cluster import FakeCluster
from tests.consumer.support import FIRST, consumer, settle


def held(*offsets, size=1):
    queue = ProcessQueue()
    queue.put(
        [MessageExt.of(StoredMessage("T", b"x" * size, queue_offset=n), "a") for n in offsets]
    )
    return queue


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (held(), None),
        (held(*range(10)), None),
        (held(*range(11)), "count exceeds 10"),
        (held(0, 100), None),
        (held(0, 101), "span too long"),
        (held(0, size=2 << 20), None),
        (held(0, size=3 << 20), "size exceeds 2 MiB"),
    ],
)
def test_thresholds(queue, words):
    config = PushConsumerConfig(
        pull_threshold_for_queue=10,
        pull_threshold_size_for_queue=2,
        consume_concurrently_max_span=100,
    )
    why = over_threshold(queue, config, 4)
    assert why is None if words is None else words in why


@pytest.mark.parametrize(
    ("queue", "queues", "words"),
    [
        (held(*range(11)), 1, None),
        (held(*range(11)), 4, "count exceeds 10"),
        (held(*range(2)), 1_000, "count exceeds 1"),
        (held(0, size=3 << 20), 2, None),
        (held(0, size=3 << 20), 4, "size exceeds 2 MiB"),
    ],
)
def test_thresholds_of_a_topic_are_divided_by_the_queues_that_are_read(queue, queues, words):
    config = PushConsumerConfig(pull_threshold_for_topic=43, pull_threshold_size_for_topic=9)
    why = over_threshold(queue, config, queues)
    assert why is None if words is None else words in why


async def test_a_member_reads_ahead_what_its_queues_may_hold_together(autojump_clock):
    cluster = FakeCluster()
    cluster.add_topic("T", queue_nums=2)
    for number in range(200):
        cluster.store("T", b"x", number % 2)
    async with consumer(
        cluster,
        pull_threshold_for_topic=20,
        pull_batch_size=4,
        consume_from_where=FIRST,
        await_termination_millis_when_shutdown=0,
    ) as c:
        c.subscribe("T", "*", forever)
        await settle()
        assert [len(held) for held in c._queues.values()] == [12, 12]  # the first above 10


async def forever(_messages):
    await trio.sleep_forever()
