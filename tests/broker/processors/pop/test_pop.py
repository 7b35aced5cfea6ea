"""Pops, acks, changes of time, peeks and notifications of one broker."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.headers import (
    NotificationRequestHeader,
    PeekMessageRequestHeader,
    PollingInfoRequestHeader,
)
from rmqwire.codec.message_const import TIMER_TOPIC
from rmqwire.codec.pop import ExtraInfo
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7
from rmqwire.store.results import PutMessageResult, PutStatus
from tests.broker.pop.support import (
    GROUP,
    TOPIC,
    Consumer,
    PopBroker,
    batch_ack,
    batch_entry,
    messages_of,
    retry_topic,
    send,
)
from tests.support import requests


@pytest.fixture
def broker():
    made = PopBroker()
    yield made
    made.close()


@pytest.fixture
def consumer(broker: PopBroker) -> Consumer:
    made = Consumer(broker)
    made.client.call(requests.create_topic(TOPIC, queues=2))
    return made


def bodies(messages) -> list[bytes]:
    return sorted(message.body for message in messages)


def notification(**fields: object) -> RemotingCommand:
    values = {"consumer_group": GROUP, "topic": TOPIC, "queue_id": -1, "poll_time": 0} | fields
    return RemotingCommand.request(int(R.NOTIFICATION), NotificationRequestHeader(**values))


def peek(**fields: object) -> RemotingCommand:
    values = {"consumer_group": GROUP, "topic": TOPIC, "queue_id": -1, "max_msg_nums": 32} | fields
    return RemotingCommand.request(int(R.PEEK_MESSAGE), PeekMessageRequestHeader(**values))


def refuse_puts(broker: PopBroker, monkeypatch, status: int = PutStatus.SERVICE_NOT_AVAILABLE):
    def put(message, done):
        done(PutMessageResult(status, remark="no room"))

    monkeypatch.setattr(broker.state.store.puts, "put", put)
    monkeypatch.setattr(broker.state.store.puts, "room", lambda now: 0)  # for what lanes bring


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


# --- waiting


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
