"""Sends to lite topics: the light queue that they name, and what Java stores of them."""

from __future__ import annotations

import pytest

from rmqwire.codec.lite_topic import belongs_to, lmq_name, parent_of, split_lmq
from rmqwire.codec.record import iter_messages, read_position
from rmqwire.testing.memory_files import MemoryFiles
from tests.broker.pop.support import PopBroker
from tests.support import requests

# of golden/5.5.0/JSON-lite, lite_lite_pop.jsonl, the first message
STORED = (
    "MSG_REGION\x01DefaultRegion\x02UNIQ_KEY\x017F00000129A34E0E2F2A91F1908B000E\x02"
    "CLUSTER\x01GoldCluster\x02INNER_MULTI_QUEUE_OFFSET\x010\x02WAIT\x01true\x02TRACE_ON\x01true\x02"
    "INNER_MULTI_DISPATCH\x01%LMQ%$lt$a\x02__LITE_TOPIC\x01a\x02"
)
SENT = "__LITE_TOPIC\x01a\x02UNIQ_KEY\x017F00000129A34E0E2F2A91F1908B000E\x02WAIT\x01true\x02"


@pytest.fixture
def broker():
    made = PopBroker(
        MemoryFiles(),
        enable_lmq=True,
        enable_multi_dispatch=True,
        broker_cluster_name="GoldCluster",
    )
    made.connect().call(requests.create_topic("lt", "+message.type=LITE", queues=2))
    yield made
    made.close()


def of_queue(broker, topic, queue_id=0):
    """Return the messages of a queue."""
    return list(iter_messages(broker.state.store.get_message(topic, queue_id, 0, 32).body))


def test_a_message_is_stored_as_java_stores_it_and_is_in_its_lite_topics_queue(broker):
    assert broker.connect().call(requests.send("lt", properties=SENT)).code == 0
    body = broker.state.store.get_message("%LMQ%$lt$a", 0, 0, 32).body
    assert read_position(body, 0).properties == STORED.encode()
    assert [message.topic for message in of_queue(broker, "lt")] == ["lt"]


def test_each_lite_topic_counts_for_itself_whatever_the_parents_queue(broker):
    client = broker.connect()
    for queue_id, lite in ((0, "a"), (1, "a"), (1, "b"), (0, "a")):
        properties = f"__LITE_TOPIC\x01{lite}\x02"
        client.call(requests.send("lt", queue_id=queue_id, properties=properties))
    found = [m.properties["INNER_MULTI_QUEUE_OFFSET"] for m in of_queue(broker, "%LMQ%$lt$a")]
    assert found == ["0", "1", "2"]
    assert len(of_queue(broker, "%LMQ%$lt$b")) == 1


def test_any_topic_has_lite_topics_as_in_java_and_no_name_none(broker):
    client = broker.connect()
    client.call(requests.send("norm", properties="__LITE_TOPIC\x01a\x02"))
    client.call(requests.send("lt", properties="UNIQ_KEY\x01K\x02"))
    assert len(of_queue(broker, "%LMQ%$norm$a")) == 1
    assert [topic for topic in broker.state.store.topics() if "%LMQ%$lt" in topic] == []


def test_a_timed_message_is_in_its_lite_topic_when_its_time_has_come(broker):
    client = broker.connect()
    properties = "__LITE_TOPIC\x01a\x02TIMER_DELAY_SEC\x012\x02"
    assert client.call(requests.send("lt", properties=properties)).code == 0
    assert of_queue(broker, "%LMQ%$lt$a") == []
    broker.pass_time(4000)
    (message,) = of_queue(broker, "%LMQ%$lt$a")
    assert message.topic == "lt"


def test_a_lite_topic_with_a_dollar_is_a_lite_topic_like_any_other(broker):
    """Java stops the dispatch of the whole broker on this one."""
    client = broker.connect()
    assert client.call(requests.send("lt", properties="__LITE_TOPIC\x01a$b\x02")).code == 0
    assert client.call(requests.send("norm")).code == 0
    assert len(of_queue(broker, "%LMQ%$lt$a$b")) == 1
    assert split_lmq("%LMQ%$lt$a$b") == ("lt", "a$b")


@pytest.mark.parametrize("name", ["a,b", "a/b", "a\0b", "x" * 250])
def test_a_name_that_nobody_could_read_from_is_refused(broker, name):
    answer = broker.connect().call(requests.send("lt", properties=f"__LITE_TOPIC\x01{name}\x02"))
    assert answer.code == 13
    assert "lite topic [" in answer.remark
    assert of_queue(broker, "lt") == []


def test_a_long_name_has_a_queue_too(broker):
    name = "x" * 200
    broker.connect().call(requests.send("lt", properties=f"__LITE_TOPIC\x01{name}\x02"))
    assert len(of_queue(broker, lmq_name("lt", name))) == 1


def test_names_that_are_no_lite_topics():
    assert [split_lmq(name) for name in ("%LMQ%a", "%LMQ%$a", "%LMQ%$$a", "%LMQ%$a$", "a$b")] == [
        None
    ] * 5
    assert parent_of("%LMQ%$lt$a") == "lt"
    assert parent_of("lt") is None
    assert belongs_to("%LMQ%$lt$a", "lt")
    assert not belongs_to("%LMQ%$ltx$a", "lt")
