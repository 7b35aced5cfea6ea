"""Light queues from the send to the pull (``enableLmq``, ``enableMultiDispatch``)."""

from __future__ import annotations

import pytest

from rmqwire.codec.record import iter_messages
from tests.support import requests
from tests.support.broker import MemoryBroker

NAMES = "UNIQ_KEY\x01K\x02INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02"


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(tmp_path, enable_lmq=True, enable_multi_dispatch=True)
    yield made
    made.close()


def test_a_message_is_pulled_from_each_light_queue(broker):
    client = broker.connect("127.0.0.1:43210")
    client.call(requests.heartbeat())
    assert client.call(requests.send(properties=NAMES)).code == 0
    for topic in ("T", "%LMQ%a", "%LMQ%b"):
        answer = client.call(requests.pull(topic))
        assert answer.code == 0, (topic, answer.remark)
        (message,) = iter_messages(answer.body)
        assert (message.topic, message.body) == ("T", b"hello")
        assert message.properties["INNER_MULTI_QUEUE_OFFSET"] == "0,0"


def test_only_one_queue_and_only_when_enabled(broker):
    topics = broker.state.topics
    light = topics.select("%LMQ%any")
    assert (light.read_queue_nums, light.write_queue_nums, light.perm) == (1, 1, 6)
    assert topics.select("any") is None
    assert "%LMQ%any" not in topics.table
    topics.light_queues = False
    assert topics.select("%LMQ%any") is None
