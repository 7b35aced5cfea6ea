"""Pops and notifications that wait for a message."""

from __future__ import annotations

from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import PollingInfoRequestHeader
from tests.broker.pop.support import GROUP, TOPIC, Consumer, bodies, messages_of, notification, send
from tests.support import requests


def test_a_pop_is_woken_by_what_it_wants_and_by_what_comes_again(broker, consumer):
    waiting = consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms, exp="A")
    assert consumer.client.ask(waiting) is None
    other = Consumer(broker)
    send(other.client, b"b", 0, tag="B")
    assert consumer.client.answer_to(waiting) is None
    send(other.client, b"a", 0, tag="A")
    assert bodies(messages_of(consumer.client.answer_to(waiting), "broker-a", GROUP)) == [b"a"]
    waiting = consumer.pop_request(poll_time=60_000, born_time=broker.clock.ms)
    assert consumer.client.ask(waiting) is None
    broker.pass_time(16_000)
    assert consumer.client.answer_to(waiting).code == 0


def test_one_pop_wakes_the_next_while_something_is_left(broker, consumer):
    others = [Consumer(broker) for _ in range(3)]
    waiting = []
    for other in others:
        request = other.pop_request(poll_time=15_000, born_time=broker.clock.ms, max_msg_nums=1)
        assert other.client.ask(request) is None
        waiting.append(request)
    consumer.client.feed(
        b"".join(encode_command(requests.send(TOPIC, b"%d" % i, queue_id=0)) for i in range(3))
    )
    answers = [other.client.answer_to(r) for other, r in zip(others, waiting, strict=True)]
    assert [answer.code for answer in answers] == [0, 0, 0]


def test_who_was_woken_for_what_another_has_taken_keeps_its_place(broker, consumer):
    members = [Consumer(broker) for _ in range(3)]
    waiting = {}

    def wait(member):
        born = broker.clock.ms
        waiting[member] = member.pop_request(poll_time=60_000, born_time=born)
        assert member.client.ask(waiting[member]) is None

    for member in members:
        wait(member)
        broker.pass_time(10)
    served = []
    for burst in range(6):  # two arrivals wake two; the first takes both messages
        two = [requests.send(TOPIC, b"%d-%d" % (burst, i), queue_id=i) for i in range(2)]
        consumer.client.feed(b"".join(map(encode_command, two)))
        (member,) = [one for one in members if one.client.answer_to(waiting[one])]
        served.append(members.index(member))
        broker.pass_time(10)
        wait(member)
    assert served == [0, 1, 2, 0, 1, 2]


def test_the_check_wakes_a_pop_whose_message_nobody_told(broker, consumer):
    waiting = consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms, exp="A")
    assert consumer.client.ask(waiting) is None
    send(Consumer(broker).client, b"b", 0, tag="B")
    broker.state.pop.check()
    assert consumer.client.answer_to(waiting) is None  # looked, passed it over, waits on
    assert broker.state.offsets.query(GROUP, TOPIC, 0) == 1
    broker.state.topics.delete(TOPIC)
    broker.state.pop.check()
    broker.pass_time(15_000)
    assert consumer.client.answer_to(waiting).code == ResponseCode.TOPIC_NOT_EXIST


def test_topics_that_are_gone_are_forgotten_by_the_tables_of_waiting(broker, consumer):
    waiting = consumer.pop_request(poll_time=1_000, born_time=broker.clock.ms)
    consumer.client.ask(waiting)
    broker.pass_time(1_000)
    broker.state.topics.delete(TOPIC)
    for _ in range(60):
        broker.state.pop.check()
    assert broker.state.pop.polling._groups == {}


def test_a_connection_that_closes_waits_no_more(broker, consumer):
    consumer.client.ask(consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms))
    consumer.client.ask(notification(poll_time=15_000, born_time=broker.clock.ms))
    consumer.client.close()
    assert len(broker.state.pop.polling) == len(broker.state.pop.notifications) == 0


def test_who_waits_when_the_broker_stops_is_answered(broker, consumer):
    waiting = consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms)
    hint = notification(poll_time=15_000, born_time=broker.clock.ms)
    assert consumer.client.ask(waiting) is None
    assert consumer.client.ask(hint) is None
    broker.state.pop.stop()
    assert consumer.client.answer_to(waiting).code == ResponseCode.POLLING_TIMEOUT
    assert consumer.client.answer_to(hint).ext_fields["hasMsg"] == "false"


def test_a_broker_that_has_enough_waiting_keeps_no_more(broker, consumer):
    broker.state.config.max_pop_polling_size = 1
    consumer.client.ask(consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms))
    full = consumer.client.call(consumer.pop_request(poll_time=15_000, born_time=broker.clock.ms))
    assert full.code == ResponseCode.POLLING_FULL


def test_notifications_look_at_retries_blocks_and_tags(broker, consumer):
    send(consumer.client, b"m", 0, tag="A")
    has = {"hasMsg": "true", "pollingFull": "false"}
    has_not = {"hasMsg": "false", "pollingFull": "false"}
    assert consumer.client.call(notification()).ext_fields == has
    assert consumer.client.call(notification(exp="B", exp_type="TAG")).ext_fields == has_not
    assert consumer.client.call(notification(exp="A", exp_type="TAG", queue_id=0)).ext_fields == has
    consumer.pop(invisible_time=2_000)
    assert consumer.client.call(notification()).ext_fields == has_not
    broker.pass_time(8_000)
    broker.state.config.enable_retry_topic_v2 = True
    assert consumer.client.call(notification()).ext_fields == has
    send(consumer.client, b"o", 1)
    consumer.pop(order=True, attempt_id="a", queue_id=1)
    assert (
        consumer.client.call(notification(order=True, queue_id=1, consumer_group=GROUP)).code == 0
    )


def test_a_held_notification_hears_that_its_topic_is_gone(broker, consumer):
    hint = notification(poll_time=2_000, born_time=broker.clock.ms)
    assert consumer.client.ask(hint) is None
    broker.state.topics.delete(TOPIC)
    broker.pass_time(3_000)
    assert consumer.client.answer_to(hint).code == ResponseCode.TOPIC_NOT_EXIST


def test_polling_info_refuses_like_a_pop(broker, consumer):
    header = PollingInfoRequestHeader(consumer_group=GROUP, topic="none", queue_id=0)
    answer = consumer.client.call(RemotingCommand.request(int(R.POLLING_INFO), header))
    assert answer.code == ResponseCode.TOPIC_NOT_EXIST


def test_who_waits_hears_of_a_disk_that_failed(broker, consumer, monkeypatch):
    waiting = consumer.pop_request(poll_time=2_000, born_time=broker.clock.ms)
    hint = notification(poll_time=2_000, born_time=broker.clock.ms, exp="A", exp_type="TAG")
    assert consumer.client.ask(waiting) is None
    assert consumer.client.ask(hint) is None

    def fail(*args, **kwargs):
        raise OSError(5, "gone")

    monkeypatch.setattr(broker.state.store, "max_offset", fail)
    broker.clock.ms += 2_000
    broker.state.pop.polling.expire(broker.clock.ms)
    broker.state.pop.notifications.expire(broker.clock.ms)
    monkeypatch.undo()
    for request in (waiting, hint):
        assert consumer.client.answer_to(request).code == ResponseCode.SYSTEM_ERROR


def test_who_waits_and_has_gone_is_not_answered(broker, consumer):
    waiting = consumer.pop_request(poll_time=2_000, born_time=broker.clock.ms)
    hint = notification(poll_time=2_000, born_time=broker.clock.ms)
    consumer.client.ask(waiting)
    consumer.client.ask(hint)
    consumer.client.connection.connection_lost()
    broker.pass_time(3_000)
    assert consumer.client.answer_to(waiting) is None
    assert len(broker.state.pop.polling) == len(broker.state.pop.notifications) == 0
