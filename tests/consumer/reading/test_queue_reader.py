import pytest

from rmqwire.client.message_ext import MessageExt
from rmqwire.codec.message import StoredMessage
from rmqwire.consumer.config import PushConsumerConfig
from rmqwire.consumer.reading.process_queue import ProcessQueue
from rmqwire.consumer.reading.queue_reader import over_threshold


def held(*offsets, size=1):
    queue = ProcessQueue()
    queue.put(MessageExt(StoredMessage("T", b"x" * size, queue_offset=n), "a") for n in offsets)
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
    why = over_threshold(queue, config)
    assert why is None if words is None else words in why
