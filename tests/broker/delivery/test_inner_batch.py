"""Batch sends to topics of kind BatchCQ: one record, one answer, pulled as they were sent."""

from __future__ import annotations

import pytest

from rmqwire.broker.delivery.inner_batch import is_batch_cq
from rmqwire.codec.batch import decode_batch, encode_batch
from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.message import Message
from rmqwire.codec.record import decode_message
from rmqwire.codec.sys_flag import INNER_BATCH_FLAG, NEED_UNWRAP_FLAG
from tests.support import requests
from tests.support.broker import MemoryBroker

PROPERTIES = "UNIQ_KEY\x01U1\x02WAIT\x01true\x02TAGS\x01t\x02"


@pytest.fixture
def broker(tmp_path):
    made = MemoryBroker(tmp_path)
    config = TopicConfig(topic_name="B", attributes={"queue.type": "BatchCQ"})
    made.state.topics.table["B"] = config
    yield made
    made.close()


@pytest.fixture
def client(broker):
    return broker.connect("127.0.0.1:43210")


def body(count):
    return encode_batch([Message("B", b"m%d" % n) for n in range(count)])


def send(count, topic="B", properties=PROPERTIES):
    return requests.send(topic=topic, body=body(count), code=320, batch=True, properties=properties)


def test_a_batch_is_one_record_and_as_many_offsets(broker, client):
    first, second = client.call(send(3)), client.call(send(2))
    assert (first.code, second.code) == (0, 0)
    assert (first.ext_fields["queueOffset"], second.ext_fields["queueOffset"]) == ("0", "3")
    assert first.ext_fields["batchUniqId"] == first.ext_fields["transactionId"] == "U1"
    store = broker.state.store
    assert store.max_offset("B", 0) == 5
    record = decode_message(store.look_message(0))
    assert record.sys_flag & INNER_BATCH_FLAG
    assert record.sys_flag & NEED_UNWRAP_FLAG
    assert record.properties == {
        "UNIQ_KEY": "U1",
        "WAIT": "true",
        "TAGS": "t",
        "MSG_REGION": "DefaultRegion",
        "TRACE_ON": "true",
        "CLUSTER": broker.state.config.broker_cluster_name,
        "INNER_NUM": "3",
        "INNER_BASE": "0",
    }
    assert [entry.body for entry in decode_batch(record.body)] == [b"m0", b"m1", b"m2"]
    found = store.get_message("B", 0, 4, 32)
    assert decode_message(found.body).queue_offset == 3
    assert found.next_begin_offset == 5


def test_without_a_unique_key_each_message_is_a_record(broker, client):
    answer = client.call(send(3, properties="WAIT\x01true"))
    assert "batchUniqId" not in answer.ext_fields
    assert broker.state.store.max_offset("B", 0) == 3
    assert broker.state.store.get_message("B", 0, 0, 32).count == 3


def test_single_sends_go_on_where_batches_ended(broker, client):
    client.call(send(3))
    answer = client.call(requests.send(topic="B"))
    assert answer.ext_fields["queueOffset"] == "3"
    assert broker.state.store.max_offset("B", 0) == 4


def test_other_topics_keep_single_messages(broker, client):
    answer = client.call(send(3, topic="T"))
    assert "batchUniqId" not in answer.ext_fields
    assert broker.state.store.get_message("T", 0, 0, 32).count == 3


def test_which_topics_are_of_the_kind():
    assert not is_batch_cq(None)
    assert not is_batch_cq(TopicConfig(topic_name="T"))
    assert not is_batch_cq(TopicConfig(topic_name="T", attributes={"queue.type": "SimpleCQ"}))
