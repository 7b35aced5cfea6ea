"""Pops and peeks: whether a broker hands out, from which queues, and its check points."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.message_const import TIMER_TOPIC
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7
from tests.broker.pop.support import (
    GROUP,
    TOPIC,
    Consumer,
    PopBroker,
    bodies,
    notification,
    peek,
    refuse_puts,
    retry_topic,
    send,
)
from tests.support import requests

# --- check points in the log


def test_a_pop_is_answered_when_its_check_point_is_in_the_log(broker, consumer):
    send(consumer.client, b"m", 0)
    request = consumer.pop_request()
    consumer.client.connection.receive_data(encode_command(request))
    assert consumer.client.answer_to(request) is None  # the pass isn't over
    broker.state.store.puts.end_pass()
    assert consumer.client.answer_to(request).code == 0
    assert broker.state.store.max_offset(TIMER_TOPIC, 0) == 1


def test_a_check_point_that_is_refused_hands_nothing_out(broker, consumer, monkeypatch):
    send(consumer.client, b"m", 0)
    with monkeypatch.context() as patched:
        refuse_puts(broker, patched)
        answer = consumer.client.call(consumer.pop_request())
    assert answer.code == ResponseCode.SERVICE_NOT_AVAILABLE
    assert not answer.body
    assert bodies(consumer.pop()) == [b"m"]


def test_a_time_beyond_what_timers_take_is_refused(broker, consumer):
    send(consumer.client, b"m", 0)
    answer = consumer.client.call(consumer.pop_request(invisible_time=10**10))
    assert answer.code == ResponseCode.SYSTEM_ERROR
    assert bodies(consumer.pop()) == [b"m"]


def test_without_timers_nobody_pops(broker, consumer):
    broker.state.config.timer_wheel_enable = False
    answer = consumer.client.call(consumer.pop_request())
    assert (answer.code, answer.remark) == (
        1,
        "the broker[127.0.0.1] pop message is forbidden because timerWheelEnable is false",
    )


def test_4_9_knows_no_pops():
    broker = PopBroker(release=V4_9_7)
    answer = broker.connect().call(Consumer(broker).pop_request())
    assert answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED
    broker.close()


@pytest.mark.parametrize("verb", ["pop", "peek"])
def test_a_broker_that_may_not_be_read_says_so(broker, consumer, verb):
    broker.state.config.broker_permission = 2
    answer = consumer.client.call(consumer.pop_request() if verb == "pop" else peek())
    assert answer.code == ResponseCode.NO_PERMISSION


def test_groups_and_topics_that_may_not_be_read(broker, consumer):
    broker.state.topics.select(TOPIC).perm = 2
    assert consumer.client.call(consumer.pop_request()).code == ResponseCode.NO_PERMISSION
    assert consumer.client.call(notification()).code == ResponseCode.NO_PERMISSION
    broker.state.topics.select(TOPIC).perm = 6
    broker.state.config.auto_create_subscription_group = False
    answer = consumer.client.call(consumer.pop_request())
    assert answer.code == ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST
    broker.state.config.auto_create_subscription_group = True
    broker.state.groups.find(GROUP).consume_enable = False
    assert consumer.client.call(consumer.pop_request()).code == ResponseCode.NO_PERMISSION


# --- which queues


def test_a_first_pop_begins_at_the_last_message_when_the_queue_is_old(broker, consumer):
    for i in range(3):
        send(consumer.client, b"%d" % i, 0)
    broker.state.config.init_pop_offset_by_check_msg_in_mem = False
    assert bodies(consumer.pop(queue_id=0, init_mode=1)) == [b"2"]


def test_an_offset_that_is_reset_is_where_the_next_pop_begins(broker, consumer):
    for i in range(3):
        send(consumer.client, b"%d" % i, 0)
    assert len(consumer.pop(queue_id=0)) == 3
    broker.state.offsets.assign_reset(GROUP, TOPIC, 0, 1)
    assert bodies(consumer.pop(queue_id=0)) == [b"1", b"2"]


def test_an_offset_beyond_the_queue_is_corrected(broker, consumer):
    send(consumer.client, b"m", 0)
    broker.state.offsets.commit("t", GROUP, TOPIC, 0, 99)
    consumer.pop(queue_id=0)
    assert broker.state.offsets.query(GROUP, TOPIC, 0) == 1


def test_a_priority_topic_is_popped_from_its_highest_queue(broker, consumer):
    consumer.client.call(requests.create_topic("P", "+message.type=PRIORITY", queues=4))
    consumer.topic = "P"
    for i in range(4):
        send(consumer.client, b"%d" % i, i, "P")
    order = [message.queue_id for message in consumer.pop()]
    assert order == [3, 2, 1, 0]


@pytest.mark.parametrize(("ascending", "order"), [(True, [3, 2, 1, 0]), (False, [0, 1, 2, 3])])
def test_messages_with_priorities_are_popped_in_their_order(broker, consumer, ascending, order):
    broker.state.config.priority_order_asc = ascending
    consumer.client.call(requests.create_topic("P", "+message.type=PRIORITY", queues=4))
    consumer.topic = "P"
    for priority in (1, 9, 0, 2):
        text = f"UNIQ_KEY\x01K{priority}\x02_SYS_MSG_PRIORITY_\x01{priority}\x02"
        assert consumer.client.call(requests.send("P", queue_id=1, properties=text)).code == 0
    popped = [message.queue_id for _ in range(4) for message in consumer.pop(max_msg_nums=1)]
    assert popped == order


def test_a_group_may_want_priorities_now_and_then(broker, consumer):
    config = SubscriptionGroupConfig(group_name=GROUP, attributes={"+priority.factor": "50"})
    broker.state.groups.update(config)
    consumer.client.call(requests.create_topic("P", "+message.type=PRIORITY", queues=4))
    consumer.topic = "P"
    for i in range(200):
        send(consumer.client, b"%d" % i, i % 4, "P")
    queues = [message.queue_id for _ in range(40) for message in consumer.pop(max_msg_nums=1)]
    assert 20 <= queues.count(3) < 40


def test_who_holds_too_many_messages_gets_no_more(broker, consumer):
    broker.state.config.enable_pop_message_threshold = True
    broker.state.config.pop_inflight_message_threshold = 1
    for i in range(4):
        send(consumer.client, b"%d" % i, 0)
    first = consumer.pop(queue_id=0, max_msg_nums=2)
    assert consumer.pop(queue_id=0) == []
    for message in first:
        consumer.ack(message)
    assert len(consumer.pop(queue_id=0)) == 2


def test_new_retries_are_popped_from_both_kinds_of_topics(broker, consumer):
    send(consumer.client, b"old", 0)
    consumer.pop(invisible_time=2_000)
    broker.pass_time(8_000)
    broker.state.config.enable_retry_topic_v2 = True
    send(consumer.client, b"new", 0)
    again = []
    for _ in range(40):  # by lot: one kind or the other
        again += consumer.pop(invisible_time=60_000)
    assert bodies(again) == [b"new", b"old"]
    send(consumer.client, b"newer", 0)
    consumer.pop(queue_id=0, invisible_time=2_000)
    broker.pass_time(8_000)
    assert broker.state.topics.select(retry_topic(v2=True)) is not None


def test_retries_may_have_as_many_queues_as_their_topic(broker, consumer):
    broker.state.config.use_separate_retry_queue = True
    send(consumer.client, b"m", 1)
    consumer.pop(invisible_time=2_000)
    broker.pass_time(8_000)
    assert broker.state.topics.select(retry_topic()).write_queue_nums == 2
    assert broker.state.store.max_offset(retry_topic(), 1) == 1


def test_retries_may_be_shown_under_their_own_topic(broker, consumer):
    broker.state.config.pop_response_return_actual_retry_topic = True
    send(consumer.client, b"m", 0)
    consumer.pop(invisible_time=2_000)
    broker.pass_time(8_000)
    assert [message.topic for message in consumer.pop()] == [retry_topic()]


def test_an_empty_list_of_tags_is_refused(consumer):
    answer = consumer.client.call(consumer.pop_request(exp="||", exp_type="TAG"))
    assert answer.code == ResponseCode.SUBSCRIPTION_PARSE_FAILED
    assert consumer.client.call(notification(exp="||", exp_type="TAG")).code == answer.code


# --- peeks


def test_a_peek_shows_what_a_pop_would_find_and_takes_nothing(broker, consumer):
    empty = consumer.client.call(peek())
    assert (empty.code, empty.remark) == (ResponseCode.PULL_NOT_FOUND, "NO_MESSAGE_IN_QUEUE")
    for i in range(4):
        send(consumer.client, b"%d" % i, i % 2)
    for _ in range(2):
        answer = consumer.client.call(peek())
        assert bodies(iter_messages(answer.body)) == [b"0", b"1", b"2", b"3"]
        assert answer.ext_fields["restNum"] == "4"
    few = consumer.client.call(peek(queue_id=1, max_msg_nums=1))
    assert bodies(iter_messages(few.body)) == [b"1"]
    consumer.pop(invisible_time=2_000)
    broker.pass_time(8_000)
    assert len(list(iter_messages(consumer.client.call(peek()).body))) == 4
    assert consumer.client.call(peek(max_msg_nums=0)).code == ResponseCode.PULL_NOT_FOUND
    assert consumer.client.call(peek(queue_id=9)).code == ResponseCode.INVALID_PARAMETER


def test_retry_topics_grow_with_their_topic(broker, consumer):
    broker.state.config.use_separate_retry_queue = True
    assert broker.state.pop.copies.ensure_topic(retry_topic(), GROUP) == 2
    topic = broker.state.topics.select(TOPIC)
    topic.read_queue_nums = topic.write_queue_nums = 3
    assert broker.state.pop.copies.ensure_topic(retry_topic(), GROUP) == 3
    assert broker.state.topics.select(retry_topic()).read_queue_nums == 3


def test_there_is_nothing_to_roll_back(consumer):
    assert consumer.client.call(RemotingCommand(int(R.POP_ROLLBACK))).code == 0


def test_a_slave_hands_nothing_out(broker, consumer):
    send(consumer.client, b"m", 0)
    message = consumer.pop()[0]
    broker.state.store.config.broker_role = "SLAVE"
    broker.core.take_role()
    busy = consumer.client.call(consumer.pop_request())
    assert busy.code == ResponseCode.SYSTEM_BUSY
    assert consumer.ack(message).code == ResponseCode.SYSTEM_BUSY
    assert consumer.client.call(peek()).code == ResponseCode.PULL_NOT_FOUND
    broker.state.store.config.broker_role = "ASYNC_MASTER"
    broker.core.take_role()
