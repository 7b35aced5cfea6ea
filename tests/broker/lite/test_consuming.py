"""Who pops which message of a lite topic, how often, and after what."""

from __future__ import annotations

import pytest

from rmqwire.codec.bodies import OffsetOption
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import TriggerLiteDispatchRequestHeader
from rmqwire.testing.memory_files import MemoryFiles
from tests.broker.lite.support import GROUP, PARENT, LiteBroker, LiteConsumer


@pytest.fixture
def broker():
    made = LiteBroker()
    yield made
    made.close()


def test_messages_of_a_lite_topic_come_in_order_and_the_next_after_their_acks(broker):
    consumer = LiteConsumer(broker, "c1")
    assert consumer.add("a", "b").code == 0
    broker.send("a", "a1", "a2", "a3")
    broker.send("b", "b1")
    first = consumer.pop(max_msg_num=2)
    assert [message.body for message in first] == [b"a1", b"a2"]
    assert consumer.bodies() == ["b1"]
    consumer.ack(first[1])
    assert consumer.bodies() == []
    consumer.ack(first[0])
    assert consumer.bodies() == ["a3"]


def test_what_nobody_acknowledges_comes_again_and_says_how_often(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    broker.send("a", "a1", "a2")
    assert consumer.bodies(invisible_time=3_000) == ["a1", "a2"]
    broker.pass_time(4_000)
    answer = consumer.client.call(consumer.request())
    assert answer.ext_fields["orderCountInfo"] == "0 qo0%0 1;0 qo0%1 1"
    assert [message.body for message in consumer.messages(answer)] == [b"a1", b"a2"]


def test_a_pop_that_waits_is_woken_by_a_message_and_by_the_end_of_a_block(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    waiting = consumer.request(poll_time=20_000, invisible_time=2_000)
    assert consumer.client.ask(waiting) is None
    broker.send("a", "a1")
    assert consumer.client.answer_to(waiting).code == 0
    again = consumer.request(poll_time=20_000, born_time=broker.clock.ms)
    assert consumer.client.ask(again) is None
    broker.pass_time(3_000)
    assert consumer.client.answer_to(again).code == 0


def test_a_pop_waits_no_longer_than_it_said(broker):
    consumer = LiteConsumer(broker, "c1")
    waiting = consumer.request(poll_time=2_000, born_time=broker.clock.ms)
    assert consumer.client.ask(waiting) is None
    broker.pass_time(3_000)
    assert consumer.client.answer_to(waiting).code == 210


def test_a_message_goes_to_one_client_of_each_group(broker):
    broker.state.groups.table["gl2"] = broker.state.groups.table[GROUP]
    clients = [LiteConsumer(broker, f"c{i}") for i in range(3)]
    other = LiteConsumer(broker, "o", "gl2")
    for client in (*clients, other):
        client.add("a")
    broker.send("a", "a1")
    assert sorted(body for client in clients for body in client.bodies()) == ["a1"]
    assert other.bodies() == ["a1"]


def test_the_last_client_of_an_exclusive_group_has_a_lite_topic_and_the_one_before_is_told(broker):
    one, two = (LiteConsumer(broker, name, "glx") for name in ("x1", "x2"))
    one.add("e", "f")
    one.add("e")  # once more: it keeps it, and isn't told that it has lost it, as Java does
    assert [r.code for r in one.client.received if not r.is_response] == []
    two.add("e")
    one.client.drain()
    (notice,) = [received for received in one.client.received if not received.is_response]
    assert notice.code == R.NOTIFY_UNSUBSCRIBE_LITE
    assert notice.ext_fields == {"liteTopic": "e", "consumerGroup": "glx", "clientId": "x1"}
    broker.send("e", "e1")
    broker.send("f", "f1")
    assert one.bodies() == ["f1"]
    assert two.bodies() == ["e1"]


def test_who_takes_an_exclusive_lite_topic_may_get_it_from_the_beginning(broker):
    broker.state.groups.table["glx"].attributes["lite.sub.reset.offset.exclusive"] = "true"
    one, two = (LiteConsumer(broker, name, "glx") for name in ("x1", "x2"))
    one.add("e")
    broker.send("e", "e1", "e2")
    for message in one.pop():
        one.ack(message)
    two.add("e")
    assert two.bodies() == ["e1", "e2"]


def test_a_quota_is_javas_looked_at_before_a_request_and_the_clients_own_by_nobody():
    broker = LiteBroker(max_lite_subscription_count=2)
    broker.state.groups.table[GROUP].attributes["lite.sub.client.quota"] = "1"
    consumer = LiteConsumer(broker, "c1")
    assert consumer.add("a", "b", "c").code == 0
    refused = consumer.add("d")
    assert refused.code == ResponseCode.LITE_SUBSCRIPTION_QUOTA_EXCEEDED
    assert refused.remark.endswith("LiteQuotaException: lite subscription quota exceeded 2")
    assert consumer.control("COMPLETE_ADD", "a", "b", "c", "d").code == 0
    broker.close()


def test_a_wildcard_group_has_every_lite_topic_those_of_later_too(broker):
    broker.send("a", "a1")
    consumer = LiteConsumer(broker, "w1", "gw")
    assert consumer.add("a").remark.endswith("operation is not supported for this group")
    assert consumer.control("COMPLETE_ADD").code == 0
    broker.send("b", "b1")
    assert consumer.bodies(invisible_time=60_000) == ["b1"]
    broker.pass_time(11_000)
    assert consumer.bodies() == ["a1"]


def test_a_subscription_may_begin_elsewhere(broker):
    broker.send("a", *"12345")
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a", offset_option=OffsetOption(type="OFFSET", value=3))
    found = consumer.pop()
    assert [message.body for message in found] == [b"4", b"5"]
    for message in found:
        consumer.ack(message)
    for option, bodies in (
        (OffsetOption(type="TAIL_N", value=1), ["5"]),
        (OffsetOption(type="POLICY", value=1), list("12345")),
        (OffsetOption(type="POLICY", value=2), []),
    ):
        consumer.control("PARTIAL_REMOVE", "a")
        consumer.add("a", offset_option=option)
        assert consumer.bodies() == bodies
    assert consumer.add("a", offset_option=OffsetOption()).code == 1


def test_who_leaves_gets_nothing_more_and_its_events_go_to_others(broker):
    one, two = LiteConsumer(broker, "c1"), LiteConsumer(broker, "c2")
    for consumer in (one, two):
        consumer.add("a", "b", "c", "d")
    for name in "abcd":
        broker.send(name, name)
    one.control("COMPLETE_REMOVE")
    assert one.bodies() == []
    assert sorted(two.bodies()) == list("abcd")


def test_events_of_a_client_that_hangs_go_to_another(broker):
    one = LiteConsumer(broker, "c1")
    one.add("a")
    broker.send("a", "a1")
    two = LiteConsumer(broker, "c2")
    two.add("a")
    found = []
    for _ in range(30):
        found += two.bodies(invisible_time=60_000)
        broker.pass_time(1_000)
    assert found == ["a1"]


def test_more_lite_topics_than_a_client_may_have_events_are_found_later(broker):
    broker.state.config.max_client_event_count = 10
    consumer = LiteConsumer(broker, "c1")
    names = [f"t{i:02}" for i in range(25)]
    consumer.add(*names)
    for name in names:
        broker.send(name, name)
    found = []
    for _ in range(100):
        found += [(message.body.decode(), consumer.ack(message).code) for message in consumer.pop()]
        broker.pass_time(1_000)
    assert sorted(found) == [(name, 0) for name in names]


def test_an_administrator_has_a_group_looked_at_at_once(broker):
    broker.state.config.max_client_event_count = 10
    consumer = LiteConsumer(broker, "c1")
    names = [f"t{i:02}" for i in range(12)]
    consumer.add(*names)
    for name in names:
        broker.send(name, name)
    found = consumer.pop()
    assert len(found) == 10
    for message in found:
        consumer.ack(message)
    consumer.pop()  # nothing, but what the acks have made events
    header = TriggerLiteDispatchRequestHeader(group=GROUP)
    request = RemotingCommand.request(int(R.TRIGGER_LITE_DISPATCH), header)
    assert consumer.client.call(request).code == 0
    assert len(consumer.bodies()) == 2


def test_without_events_a_client_pops_all_that_it_subscribes(broker):
    broker.state.config.enable_lite_event_mode = False
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a", "b")
    broker.send("a", "a1")
    broker.send("b", "b1")
    assert consumer.bodies() == ["a1", "b1"]


def test_a_message_comes_again_at_the_time_that_was_asked_for(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    broker.send("a", "a1")
    (message,) = consumer.pop(invisible_time=60_000)
    answer = consumer.change(message, 3_000)
    assert (answer.code, answer.ext_fields["invisibleTime"]) == (0, "3000")
    broker.pass_time(4_000)
    (message,) = consumer.pop(invisible_time=60_000)
    consumer.change(message, 2_000, suspend=True)
    broker.pass_time(3_000)
    answer = consumer.client.call(consumer.request())
    assert answer.ext_fields["orderCountInfo"] == "0 qo0%0 1"  # a suspended pop doesn't count
    assert consumer.change(message, 1, offset=9).code == 208


def test_acks_that_mean_nothing(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    broker.send("a", "a1", "a2")
    first, _ = consumer.pop()
    assert consumer.ack(first, offset=9).code == 208
    assert consumer.ack(first, queue_id=1).remark == "ack queue illegal."
    assert consumer.ack(first, consumer_group="nobody").code == 29
    assert consumer.ack(first).code == 0
    assert consumer.ack(first).code == 0  # again
    assert broker.state.offsets.query(GROUP, "%LMQ%$lt$a", 0) == 1


def test_after_a_restart_an_ack_takes_no_message_with_it_that_is_open():
    """Java commits behind the message that is acknowledged: those before are lost."""
    files = MemoryFiles()
    broker = LiteBroker(files)
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    broker.send("a", "a1", "a2", "a3")
    messages = consumer.pop()
    consumer.ack(messages[0])
    broker.close()
    broker = LiteBroker(files)
    consumer = LiteConsumer(broker, "c1")
    assert consumer.ack(messages[2]).code == 0
    consumer.add("a")
    assert consumer.bodies() == ["a2", "a3"]
    broker.close()


def test_refusals_of_pops(broker):
    consumer = LiteConsumer(broker, "c1")
    for fields, code in (
        ({"max_msg_num": 33}, 29),
        ({"topic": "nosuch"}, 17),
        ({"topic": "TBW102"}, 29),
        ({"consumer_group": "other"}, 29),
        ({"born_time": broker.clock.ms - 10_000}, 210),
    ):
        answer = consumer.client.call(consumer.request(**fields))
        assert (answer.code, answer.ext_fields["reviveQid"]) == (code, "0"), fields
    broker.state.groups.table[GROUP].consume_enable = False
    assert consumer.client.call(consumer.request()).code == 16
    assert consumer.add("a").remark.endswith("Consumer group is not allowed to consume.")
    broker.state.topics.table[PARENT].perm = 2
    assert consumer.client.call(consumer.request()).code == 16


def test_a_stopped_broker_answers_those_who_wait_and_a_closed_connection_is_forgotten(broker):
    consumer = LiteConsumer(broker, "c1")
    consumer.add("a")
    waiting = consumer.request(poll_time=20_000)
    consumer.client.ask(waiting)
    other = LiteConsumer(broker, "c2")
    other.add("b")
    other.client.ask(other.request(poll_time=20_000))
    other.client.close()
    assert broker.state.lite.polling.waiting == 1
    broker.state.lite.stop()
    assert consumer.client.answer_to(waiting).code == 210
