"""Acks, changes of time, and what they let out in order."""

from __future__ import annotations

from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.pop import ExtraInfo
from tests.broker.pop.support import (
    GROUP,
    TOPIC,
    batch_ack,
    batch_entry,
    bodies,
    messages_of,
    refuse_puts,
    send,
)

# --- acks


def test_acks_of_several_messages_at_once(broker, consumer):
    for i in range(4):
        send(consumer.client, b"%d" % i, 0)
    first = consumer.pop(queue_id=0)[0]
    assert consumer.client.call(batch_ack(batch_entry(first, "BQ=="))).code == 0  # bits 0 and 2
    broker.pass_time(15_000)
    assert bodies(consumer.pop()) == [b"1", b"3"]


def test_check_points_and_acks_are_counted_where_a_group_asked(broker, consumer):
    for i in range(6):
        send(consumer.client, b"%d" % i, 0)
    first, second = consumer.pop(max_msg_nums=2)
    consumer.ack(first)
    consumer.change(second, 9_000)  # an ack and a check point
    third = consumer.pop(queue_id=0)[0]
    consumer.client.call(batch_ack(batch_entry(third, "Bw==")))  # three at once

    def seen(name, key):
        item = broker.state.stats.find(name, key)
        return item.value, item.times

    key = f"{TOPIC}@{GROUP}"
    assert seen("GROUP_CK_NUMS", key) == (3, 3)
    assert seen("GROUP_ACK_NUMS", key) == (5, 3)
    assert seen("BROKER_CK_NUMS", "DefaultCluster") == (3, 0)
    assert seen("BROKER_ACK_NUMS", "DefaultCluster") == (5, 0)


def test_acks_of_retries_at_once(broker, consumer):
    send(consumer.client, b"m", 0)
    consumer.pop(invisible_time=2_000)
    broker.pass_time(8_000)
    again = consumer.pop()[0]
    assert consumer.client.call(batch_ack(batch_entry(again, "AQ=="))).code == 0
    broker.pass_time(15_000)
    assert consumer.pop() == []


def test_batch_acks_without_anything_in_them(consumer):
    nothing = RemotingCommand(int(R.BATCH_ACK_MESSAGE))
    assert consumer.client.call(nothing).code == ResponseCode.NO_MESSAGE
    assert consumer.client.call(batch_ack()).code == ResponseCode.NO_MESSAGE
    unknown = {"c": GROUP, "t": "none", "r": "0", "so": 5, "q": 0, "rq": 0, "pt": 1, "it": 1}
    assert consumer.client.call(batch_ack(unknown | {"b": "AQ=="})).code == 0


def test_an_ack_that_is_not_stored_is_not_confirmed(broker, consumer, monkeypatch):
    send(consumer.client, b"m", 0)
    message = consumer.pop()[0]
    with monkeypatch.context() as patched:
        refuse_puts(broker, patched)
        assert consumer.ack(message).code == ResponseCode.SERVICE_NOT_AVAILABLE
        refused = consumer.client.call(batch_ack(batch_entry(message, "AQ==")))
        assert refused.code == ResponseCode.SERVICE_NOT_AVAILABLE
        assert consumer.change(message, 5_000).code == ResponseCode.SERVICE_NOT_AVAILABLE
    broker.pass_time(15_000)
    assert bodies(consumer.pop()) == [b"m"]


def test_a_handle_of_a_queue_that_nobody_reads_is_refused(broker, consumer):
    send(consumer.client, b"m", 0)
    message = consumer.pop()[0]
    handle = ExtraInfo.decode(message.properties["POP_CK"])
    handle.revive_qid = 77
    answer = consumer.ack(message, extra_info=handle.encode())
    assert (answer.code, answer.remark) == (13, "reviveQid[77] is illegal")
    assert consumer.client.call(batch_ack(batch_entry(message, "AQ==", rq=77))).code == 13


def test_a_change_in_the_millisecond_of_the_pop_is_a_check_point_of_its_own(broker, consumer):
    send(consumer.client, b"m", 0)
    message = consumer.pop(invisible_time=20_000)[0]
    assert consumer.change(message, 4_000).code == 0
    handle = ExtraInfo.decode(message.properties["POP_CK"])
    assert handle.pop_time == broker.clock.ms + 1
    broker.pass_time(9_000)
    assert bodies(consumer.pop()) == [b"m"]


def test_a_change_of_what_is_not_there(consumer):
    send(consumer.client, b"m", 0)
    message = consumer.pop()[0]
    message.queue_offset = 5
    assert consumer.change(message, 1_000).code == ResponseCode.NO_MESSAGE


# --- in order


def test_acks_in_order_let_the_next_messages_out(broker, consumer):
    for i in range(3):
        send(consumer.client, b"%d" % i, 0)
    first = consumer.pop(queue_id=0, order=True, max_msg_nums=2, attempt_id="a")
    waiting = consumer.pop_request(
        queue_id=0, order=True, poll_time=15_000, born_time=broker.clock.ms, attempt_id="b"
    )
    assert consumer.client.ask(waiting) is None
    assert consumer.ack(first[0]).code == 0
    assert consumer.ack(first[0]).code == 0
    first[1].queue_offset = 2
    wrong = consumer.ack(first[1])
    assert wrong.code == ResponseCode.MESSAGE_ILLEGAL
    assert wrong.remark.startswith("offset is illegal, key:T@g@0, old:1, commit:2, next:-1, ")
    assert consumer.client.answer_to(waiting) is None
    first[1].queue_offset = 1
    assert consumer.client.call(batch_ack(batch_entry(first[1], "Ag=="))).code == 0
    assert bodies(messages_of(consumer.client.answer_to(waiting), "broker-a", GROUP)) == [b"2"]


def test_a_block_whose_time_is_over_wakes_who_waits(broker, consumer):
    send(consumer.client, b"m", 0)
    message = consumer.pop(queue_id=0, order=True, attempt_id="a", invisible_time=30_000)[0]
    consumer.change(message, 5_000)
    waiting = consumer.pop_request(
        queue_id=0, order=True, poll_time=15_000, born_time=broker.clock.ms, attempt_id="b"
    )
    assert consumer.client.ask(waiting) is None
    broker.pass_time(6_000)
    answer = consumer.client.answer_to(waiting)
    assert answer.ext_fields["orderCountInfo"] == "0 qo0%0 1;0 0 1"


def test_what_a_pop_in_order_does_not_want_is_passed_over(broker, consumer):
    send(consumer.client, b"b", 0, tag="B")
    assert consumer.pop(queue_id=0, order=True, exp="A", exp_type="TAG") == []
    assert broker.state.offsets.query(GROUP, TOPIC, 0) == 1
    unknown = consumer.pop(queue_id=0, order=True, exp="A", exp_type="TAG")
    assert unknown == []
