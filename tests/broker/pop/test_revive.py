"""Bringing back: what is damaged, gone, refused, or of another broker."""

from __future__ import annotations

import pytest

from rmqwire.broker.pop import revive
from rmqwire.broker.pop.revive import GROUP as REVIVE_GROUP
from rmqwire.broker.pop.revive import RETRY_MS
from rmqwire.codec.batch import encode_batch
from rmqwire.codec.bodies import PopCheckPoint
from rmqwire.codec.java_hash import tags_code
from rmqwire.codec.message import Message
from rmqwire.codec.pop import pop_retry_topic
from rmqwire.store.results import MessageInner, PutMessageResult, PutStatus
from tests.broker.pop.support import TOPIC, Consumer, PopBroker, retry_topic, send
from tests.support import requests

LOG = "rmq_sys_REVIVE_LOG_DefaultCluster"


@pytest.fixture
def broker():
    made = PopBroker()
    yield made
    made.close()


@pytest.fixture
def consumer(broker: PopBroker) -> Consumer:
    made = Consumer(broker)
    made.client.call(requests.create_topic(TOPIC))
    return made


def put_record(broker: PopBroker, tag: str, body: bytes, queue_id: int = 0) -> None:
    """Put a record into the revive log as it would arrive there now."""
    properties = f"TAGS\x01{tag}\x02TIMER_DELIVER_MS\x01{broker.clock.ms}\x02".encode()
    message = MessageInner(
        LOG, queue_id, 0, 0, properties, body, tags_code(tag), 1, bytes([127, 0, 0, 1, 0, 0, 0, 1])
    )
    broker.state.store.puts.put(message, lambda result: None)
    broker.state.store.puts.end_pass()


def check_point(broker: PopBroker, **fields: object) -> bytes:
    values = {
        "pop_time": broker.clock.ms - 5_000,
        "invisible_time": 5_000,
        "num": 1,
        "topic": TOPIC,
        "cid": "g",
        "queue_offset_diff": [0],
        "broker_name": "broker-a",
    } | fields
    return PopCheckPoint(**values).encode()


def revived(broker: PopBroker) -> int:
    return broker.state.offsets.query(REVIVE_GROUP, LOG, 0)


def copies(broker: PopBroker) -> int:
    return broker.state.store.max_offset(retry_topic(), 0)


def test_records_that_can_not_be_read_are_left_out_with_a_line(broker, consumer, caplog):
    send(consumer.client, b"m")
    put_record(broker, "ck", b"{")
    put_record(broker, "ack", b"[]")
    put_record(broker, "other", b"{}")
    put_record(broker, "ck", b"{}")
    put_record(broker, "ck", check_point(broker))
    broker.pass_time(4_000)
    assert copies(broker) == 1
    assert "revive log has what can't be read" in caplog.text


def test_a_batch_that_is_one_record_comes_again_as_one(broker):
    consumer = Consumer(broker, topic="batches")
    kind = "+queue.type=BatchCQ"
    consumer.client.call(requests.create_topic("batches", kind, queues=1))
    body = encode_batch([Message("batches", b"m%d" % n) for n in range(3)])
    named = "UNIQ_KEY\x01U1\x02WAIT\x01true\x02"
    for _ in range(2):
        request = requests.send("batches", body, code=320, batch=True, properties=named)
        assert consumer.client.call(request).code == 0
    first, second = consumer.pop()
    assert consumer.ack(first).code == 0
    broker.pass_time(14_000)
    (again,) = consumer.pop()
    assert (again.body, again.reconsume_times) == (second.body, 1)
    assert again.sys_flag == second.sys_flag
    assert broker.state.topics.table[pop_retry_topic("batches", "g")].attributes == {
        "queue.type": "BatchCQ"
    }
    assert consumer.ack(again).code == 0
    broker.pass_time(14_000)
    assert consumer.pop() == []


def test_a_light_queue_is_popped_like_any_other():
    broker = PopBroker(enable_lmq=True, enable_multi_dispatch=True)
    consumer = Consumer(broker, topic="%LMQ%a")
    named = "UNIQ_KEY\x01K\x02INNER_MULTI_DISPATCH\x01%LMQ%a,%LMQ%b\x02"
    assert consumer.client.call(requests.send("T", b"x", properties=named)).code == 0
    (first,) = consumer.pop()
    assert (first.topic, first.body) == ("T", b"x")
    broker.pass_time(14_000)
    (again,) = consumer.pop()
    assert (again.body, again.reconsume_times) == (b"x", 1)
    assert consumer.ack(again).code == 0
    broker.pass_time(14_000)
    assert consumer.pop() == []
    assert broker.state.store.max_offset("%LMQ%a", 0) == 1
    broker.close()


@pytest.mark.parametrize("gone", ["topic", "group", "message"])
def test_what_has_no_topic_group_or_message_does_not_come_again(broker, consumer, gone, caplog):
    send(consumer.client, b"m")
    fields = {"topic": {"topic": "none"}, "message": {"start_offset": 9}}.get(gone, {})
    if gone == "group":
        broker.state.config.auto_create_subscription_group = False
    put_record(broker, "ck", check_point(broker, **fields))
    broker.pass_time(4_000)
    assert copies(broker) == 0
    assert revived(broker) == 0
    assert "popped message" in caplog.text


def test_a_copy_that_is_refused_comes_later_by_a_new_check_point(broker, consumer, monkeypatch):
    send(consumer.client, b"m")
    consumer.pop(invisible_time=2_000)
    puts, real = broker.state.store.puts, broker.state.store.puts.put

    def refuse_copies(message, done):
        if message.topic == retry_topic():
            done(PutMessageResult(PutStatus.MESSAGE_ILLEGAL, remark="no"))
        else:
            real(message, done)

    monkeypatch.setattr(puts, "put", refuse_copies)
    broker.pass_time(8_000)
    assert copies(broker) == 0
    monkeypatch.undo()
    broker.pass_time(14_000)
    assert copies(broker) == 1
    assert [message.body for message in consumer.pop()] == [b"m"]


def test_a_store_that_takes_nothing_loses_nothing(broker, consumer, monkeypatch):
    """Java puts the check point again without a look at the outcome, and goes on."""
    send(consumer.client, b"m")
    consumer.pop(invisible_time=2_000)
    broker.pass_time(3_000)
    real = broker.state.store.puts.put

    def refuse(message, done):
        done(PutMessageResult(PutStatus.SERVICE_NOT_AVAILABLE, remark="disk full"))

    monkeypatch.setattr(broker.state.store.puts, "put", refuse)
    broker.pass_time(5_000)
    assert revived(broker) == -1
    monkeypatch.setattr(broker.state.store.puts, "put", real)
    broker.pass_time(RETRY_MS + 2_000)
    assert [message.body for message in consumer.pop()] == [b"m"]


def test_a_message_that_is_damaged_now_is_tried_again(broker, consumer, monkeypatch):
    send(consumer.client, b"m")
    consumer.pop(invisible_time=2_000)
    real = broker.state.store.get_message

    def damaged(topic, *args, **kwargs):
        if topic == TOPIC:
            raise OSError(5, "damaged")
        return real(topic, *args, **kwargs)

    monkeypatch.setattr(broker.state.store, "get_message", damaged)
    broker.pass_time(8_000)
    monkeypatch.setattr(broker.state.store, "get_message", real)
    broker.pass_time(16_000)
    assert copies(broker) == 1


def test_a_revive_log_that_can_not_be_read_now_is_read_later(broker, consumer, monkeypatch, caplog):
    send(consumer.client, b"m")
    put_record(broker, "ck", check_point(broker))
    real = broker.state.store.get_message

    def damaged(topic, *args, **kwargs):
        if topic == LOG:
            raise OSError(5, "damaged")
        return real(topic, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(broker.state.store, "get_message", damaged)
        broker.pass_time(4_000)
    assert "revive log can't be read, tried again" in caplog.text
    broker.pass_time(4_000)
    assert copies(broker) == 1


def test_a_check_point_of_another_broker_is_put_again_until_it_is_given_up(broker, consumer):
    send(consumer.client, b"m")
    put_record(broker, "ck", check_point(broker, broker_name="other", re_put_times="16"))
    broker.pass_time(4_000)
    assert revived(broker) == 0
    broker.state.config.skip_when_ck_re_put_reach_max_times = True
    put_record(broker, "ck", check_point(broker, broker_name="other", re_put_times="17"))
    broker.pass_time(5_000)
    assert revived(broker) == 1
    assert copies(broker) == 0


def test_an_offset_outside_of_the_revive_log_is_corrected(broker, consumer, caplog):
    send(consumer.client, b"m")
    broker.state.offsets.commit("t", REVIVE_GROUP, LOG, 0, 50)
    broker.state.pop.start_revive()
    put_record(broker, "ck", check_point(broker))
    broker.pass_time(1_000)
    assert "offset 51 corrected to 1" in caplog.text
    put_record(broker, "ck", check_point(broker))
    broker.pass_time(4_000)
    assert copies(broker) == 1


def test_a_long_revive_log_is_read_in_several_steps(broker, consumer, monkeypatch):
    monkeypatch.setattr(revive, "MAX_RECORDS", 32)
    send(consumer.client, b"m")
    for _ in range(40):
        put_record(broker, "ck", check_point(broker))
    assert broker.state.pop.revive()
    assert not broker.state.pop.revive()
    assert broker.state.pop.revives[0].next_offset == 40


def test_queues_of_a_larger_revive_queue_num_are_still_read(broker, consumer):
    send(consumer.client, b"m")
    broker.state.config.revive_queue_num = 2
    put_record(broker, "ck", check_point(broker), queue_id=6)
    broker.state.pop.start_revive()
    assert len(broker.state.pop.revives) == 7
    broker.pass_time(4_000)
    assert copies(broker) == 1
    broker.state.pop.stop_revive()
    assert broker.state.pop.revives == []
