"""Light queues from the send to the pull (``enableLmq``, ``enableMultiDispatch``)."""

from __future__ import annotations

import pytest

from rmqwire.codec.codes import ResponseCode
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


def test_pulls_of_many_light_queues_wait_and_each_is_woken_by_its_own(broker):
    sender, reader = broker.connect("127.0.0.1:43210"), broker.connect("127.0.0.1:43211")
    reader.call(requests.heartbeat())
    waiting = {}
    for i in range(200):
        name = f"%LMQ%many{i}"
        waiting[name] = requests.pull(name, suspend_timeout_millis=15_000)
        assert reader.ask(waiting[name]) is None
    wanted = ["%LMQ%many7", "%LMQ%many150"]
    text = f"UNIQ_KEY\x01K\x02INNER_MULTI_DISPATCH\x01{','.join(wanted)}\x02"
    assert sender.call(requests.send(properties=text)).code == 0
    reader.drain()
    answered = [name for name in waiting if reader.answer_to(waiting[name])]
    assert answered == wanted
    for name in wanted:
        (message,) = iter_messages(reader.answer_to(waiting[name]).body)
        assert (message.topic, message.body) == ("T", b"hello")
    assert broker.state.held_pulls.waiting == 198
    broker.pass_time(16_000)
    reader.drain()
    codes = {reader.answer_to(waiting[name]).code for name in waiting if name not in wanted}
    assert codes == {ResponseCode.PULL_NOT_FOUND}
    assert broker.state.held_pulls.waiting == 0
