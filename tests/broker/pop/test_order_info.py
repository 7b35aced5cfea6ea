"""Blocks of orderly pops, and their file as Java writes it."""

from __future__ import annotations

import json

import pytest

from rmqwire.broker.pop.offsets import QueueKey
from rmqwire.codec import java_json
from tests.broker.pop.support import GROUP, TOPIC, Consumer, PopBroker, send
from tests.support import requests
from tests.support.golden import GOLDEN

KEY = QueueKey(TOPIC, GROUP, 0)


@pytest.fixture
def broker():
    made = PopBroker()
    made.connect().call(requests.create_topic(TOPIC))
    made.state.groups.find(GROUP)
    yield made
    made.close()


def test_the_file_is_what_java_wrote(broker):
    observed = json.loads((GOLDEN / "5.5.0" / "JSON-pop" / "observed.json").read_text())
    recorded = next(case["file"] for case in observed["order"] if "file" in case)
    order = broker.state.pop.order
    block = recorded["table"]["pord@g_ord"]["0"]
    broker.clock.ms = block["popTime"] - 10
    key = QueueKey("pord", "g_ord", 0)
    broker.connect().call(requests.create_topic("pord"))
    broker.state.groups.find("g_ord")
    order.update(key, "a1", broker.clock.ms, 20_000, [0, 1])
    broker.clock.ms = block["l"]
    order.update(key, "a1", block["popTime"], 20_000, [0, 1])
    text = order.encode()
    recorded["table"]["pord@g_ord"] = {0: block}
    assert java_json.loads(text) == recorded
    assert b'"pord@g_ord":{\n\t\t\t0:{' in text
    order.persist()
    order.table.clear()
    order.load()
    assert order.find(key).attempt_id == "a1"
    assert order.is_blocked(key, "other", 0)


def test_counts_grow_each_time_a_message_is_in_a_block_again(broker):
    order = broker.state.pop.order
    assert order.update(KEY, "a", 1, 1_000, [4, 5]) == ["0 0 0"]
    assert order.update(KEY, "b", 2, 1_000, [4, 5]) == ["0 qo0%4 1", "0 qo0%5 1", "0 0 1"]
    assert order.update(KEY, "c", 3, 1_000, [5, 6]) == ["0 qo0%5 2", "0 0 0"]
    assert order.update(KEY, "c", 4, 1_000, [5, 6]) == ["0 qo0%5 2", "0 0 0"]


def test_acks_and_times_of_an_earlier_pop_do_nothing(broker):
    order = broker.state.pop.order
    assert order.acknowledge(KEY, 4, 1) == 5  # no block
    order.update(KEY, "a", broker.clock.ms, 1_000, [4, 5])
    assert order.acknowledge(KEY, 4, 1) == -2
    order.change_time(KEY, 4, 1, 10**15)
    broker.clock.ms += 1_001
    assert not order.is_blocked(KEY, "b", 0)
    assert order.acknowledge(KEY, 9, broker.clock.ms - 1_001) == -1


def test_a_block_without_a_time_takes_that_of_who_asks(broker):
    order = broker.state.pop.order
    order.update(KEY, None, broker.clock.ms, 0, [4])
    assert order.is_blocked(KEY, None, 5_000)
    order.clear(KEY)
    assert not order.is_blocked(KEY, None, 5_000)
    order.clear(KEY)


def test_blocks_that_nobody_needs_are_not_written(broker):
    order = broker.state.pop.order
    order.update(KEY, "a", 1, 1_000, [1])
    order.update(QueueKey(TOPIC, GROUP, 7), "a", 1, 1_000, [1])
    order.update(QueueKey("gone", GROUP, 0), "a", 1, 1_000, [1])
    table = java_json.loads(order.encode())["table"]
    assert table.keys() == {"T@g"}
    assert table["T@g"].keys() == {0}
    broker.clock.ms += 86_400_001
    assert java_json.loads(order.encode())["table"] == {}


def test_a_broker_that_stops_keeps_its_blocks():
    broker = PopBroker()
    consumer = Consumer(broker)
    consumer.client.call(requests.create_topic(TOPIC))
    send(consumer.client, b"m")
    consumer.pop(queue_id=0, order=True, attempt_id="a", invisible_time=20_000)
    files, now = broker.core.state.store.files, broker.clock.ms
    broker.close()
    again = PopBroker(files, now_ms=now)
    assert Consumer(again).pop(queue_id=0, order=True, attempt_id="b") == []
    again.pass_time(20_000)
    assert len(Consumer(again).pop(queue_id=0, order=True, attempt_id="b")) == 1
    again.close()
