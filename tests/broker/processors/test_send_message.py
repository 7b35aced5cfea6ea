"""Sends: what is stored, what is answered, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.batch import encode_batch
from rmqwire.codec.bodies import LockBatchRequestBody, MessageQueue
from rmqwire.codec.command import RemotingCommand, encode_command
from rmqwire.codec.message import Message
from rmqwire.codec.record import decode_message
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.codec.message import StoredMessage


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path)
    yield made
    made.close()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path, V4_9_7)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    return broker.connect("127.0.0.1:43210")


def stored(broker: MemoryBroker, offset: int = 0) -> StoredMessage:
    record = broker.state.store.look_message(offset)
    assert record is not None
    return decode_message(record)


def test_a_send_creates_its_topic_stores_and_answers_all_fields(broker, client):
    answer = client.call(requests.send(flag=7, sys_flag=0, reconsume_times=2))
    assert (answer.code, answer.remark) == (0, None)
    assert answer.ext_fields == {
        "queueId": "0",
        "transactionId": "K1",
        "msgId": "7F00000100002A9F0000000000000000",
        "TRACE_ON": "true",
        "MSG_REGION": "DefaultRegion",
        "queueOffset": "0",
    }
    assert list(answer.ext_fields) == [
        "queueId", "transactionId", "msgId", "TRACE_ON", "MSG_REGION", "queueOffset",
    ]  # fmt: skip
    message = stored(broker)
    assert (message.topic, message.body, message.flag) == ("T", b"hello", 7)
    assert message.born_host == ("127.0.0.1", 43210)
    assert message.born_timestamp == requests.BORN_MS
    assert message.reconsume_times == 2
    assert message.properties == {
        "MSG_REGION": "DefaultRegion",
        "UNIQ_KEY": "K1",
        "CLUSTER": "DefaultCluster",
        "TAGS": "A",
        "TRACE_ON": "true",
    }
    assert broker.state.topics.table["T"].write_queue_nums == 4
    assert broker.registrations == 1
    assert broker.state.stats.find("TOPIC_PUT_NUMS", "T").value == 1


def test_v1_and_v2_store_the_same(broker, client):
    first = client.call(requests.send(code=10))
    second = client.call(requests.send())
    assert first.code == second.code == 0
    assert second.ext_fields["queueOffset"] == "1"


def test_4_9_stores_no_region_and_no_wait_and_answers_no_transaction_id(old):
    client = old.connect()
    answer = client.call(requests.send(properties="WAIT\x01true\x02UNIQ_KEY\x01K1"))
    assert "transactionId" not in answer.ext_fields
    assert stored(old).properties == {"UNIQ_KEY": "K1", "CLUSTER": "DefaultCluster"}


@pytest.mark.parametrize(
    ("fields", "code", "remark"),
    [
        ({"topic": " "}, 29, "The specified topic is blank."),
        ({"topic": "a" * 128}, 29, "is longer than topic max length: 127"),
        ({"topic": "SCHEDULE_TOPIC_XXXX"}, 16, "Sending message to topic[SCHEDULE_TOPIC_XXXX]"),
        ({"topic": "RMQ_SYS_TRANS_HALF_TOPIC"}, 16, "is forbidden."),
        ({"default_topic": "nope"}, 17, "topic[T] not exist, apply first please!\nSee https"),
        ({"queue_id": 4}, 29, "request queueId[4] is illegal, TopicConfig [topicName=T, "),
        ({"body": b""}, 1, "no body"),
        ({"body": bytes(4 * 1024 * 1024 + 1)}, 13, "msg body length limit 4194304B"),
        ({"properties": "a\x01" + "b" * 32768 + "\x02"}, 13, "the message is illegal"),
        ({"flag": 2**31}, 1, "the custom field <h> is not a number: '2147483648'"),
        ({"properties": "DELAY\x01x\x02"}, 1, 'NumberFormatException: For input string: "x"'),
        ({"properties": "DELAY\x011 \x02"}, 1, 'NumberFormatException: For input string: "1 "'),
        ({"properties": "DELAY\x011_0\x02"}, 1, 'NumberFormatException: For input string: "1_0"'),
        ({"properties": "TIMER_DELAY_SEC\x01x\x02"}, 13, "timer message illegal"),
        ({"topic": "B", "batch": True, "properties": "TIMER_DELAY_SEC\x015\x02"}, 13, "illegal"),
        ({"topic": "%RETRY%g", "batch": True}, 13, "batch request does not support retry group"),
        ({"batch": True}, 1, "the batch can't be read"),
    ],
)
def test_refusals_have_javas_code_and_remark_and_nothing_is_stored(
    broker, client, fields, code, remark
):
    answer = client.call(requests.send(**fields))
    assert answer.code == code
    assert remark in answer.remark
    assert broker.state.store.max_phy_offset == 0
    if "custom field" not in remark:
        assert answer.ext_fields == {"TRACE_ON": "true", "MSG_REGION": "DefaultRegion"}


def test_4_9_says_1_where_5_says_29(old):
    answer = old.connect().call(requests.send(topic="bad topic"))
    assert answer.code == 1
    assert answer.remark.startswith("The specified topic contains illegal characters")


def test_missing_and_unreadable_fields_are_a_system_error(broker, client):
    for ext in (None, {}, {"b": "T"}, {**requests.send().ext_fields, "e": "x"}):
        answer = client.call(RemotingCommand(310, ext, b"body"))
        assert answer.code == 1
        assert "RemotingCommandException" in answer.remark


@pytest.mark.parametrize(
    ("letter", "value", "field"),
    [
        ("c", None, "c"),
        ("d", None, "d"),
        ("d", "four", "d"),
        ("h", "2147483648", "h"),
    ],
)
def test_a_bad_field_refuses_the_send_before_a_topic_is_made(broker, client, letter, value, field):
    ext = {**requests.send(topic="fresh").ext_fields, letter: value}
    ext = {name: text for name, text in ext.items() if text is not None}
    answer = client.call(RemotingCommand(310, ext, b"body"))
    assert answer.code == 1
    assert f"the custom field <{field}> is " in answer.remark
    assert "fresh" not in broker.state.topics.table


def test_a_topic_without_queues_takes_no_message(broker, client):
    answer = client.call(requests.send(topic="none", default_topic_queue_nums=0, queue_id=-1))
    assert answer.code == 16
    assert answer.remark == "topic[none] has no queue to write to, writeQueueNums:[0]"


def test_an_order_topic_needs_the_brokers_write_permission(broker, client):
    client.call(requests.send())
    broker.state.config.broker_permission = 4
    assert client.call(requests.send()).code == 0
    broker.state.topics.table["T"].order = True
    answer = client.call(requests.send())
    assert (answer.code, answer.remark) == (
        16, "the broker[127.0.0.1] sending message is forbidden",
    )  # fmt: skip


def test_sends_are_refused_until_the_configured_time(broker, client):
    broker.state.config.start_accept_send_request_time_stamp = broker.clock.ms + 10
    assert client.call(requests.send()).code == 1
    broker.clock.ms += 10
    assert client.call(requests.send()).code == 0


def test_a_negative_queue_id_is_a_random_queue(broker, client):
    queues = {client.call(requests.send(queue_id=-1)).ext_fields["queueId"] for _ in range(40)}
    assert queues == {"0", "1", "2", "3"}


def test_transactions_can_be_forbidden_by_configuration(broker, client):
    broker.state.config.reject_transaction_message = True
    answer = client.call(requests.send(properties="TRAN_MSG\x01true\x02"))
    assert answer.code == 16
    assert "sending transaction message is forbidden" in answer.remark


def test_a_oneway_send_is_stored_and_not_answered(broker, client):
    command = requests.send()
    command.mark_oneway()
    assert client.ask(command) is None
    assert not client.received
    assert stored(broker).body == b"hello"


def batch_body(count: int) -> bytes:
    return encode_batch([Message("T", b"m%d" % i, tags=f"t{i}") for i in range(count)])


def test_the_batch_flag_decides_not_the_code(broker, client):
    answer = client.call(requests.send(body=batch_body(3), code=320, batch=True))
    assert answer.code == 0
    assert answer.ext_fields["queueOffset"] == "0"
    assert len(answer.ext_fields["msgId"].split(",")) == 3
    assert broker.state.store.max_offset("T", 0) == 3
    opaque = client.call(requests.send(body=b"not a batch", code=320))
    assert opaque.ext_fields["queueOffset"] == "3"
    assert broker.state.stats.find("TOPIC_PUT_NUMS", "T").value == 4


def test_messages_of_a_batch_keep_their_tags_and_properties(broker, client):
    client.call(requests.send(body=batch_body(2), code=320, batch=True))
    found = client.call(requests.pull(subscription="t1"))
    message = decode_message(bytes(found.body))
    assert message.body == b"m1"
    assert "CLUSTER" not in message.properties


def test_4_9_gives_each_message_of_a_batch_the_batchs_properties(old):
    client = old.connect()
    client.call(requests.send(body=batch_body(1), code=320, batch=True, properties="WAIT\x01true"))
    record = old.state.store.look_message(0)
    assert b"\x02CLUSTER\x01DefaultCluster\x02WAIT\x01true" in record


@pytest.mark.parametrize("properties", ["DELAY\x011\x02", "x\x01y"])
def test_a_batch_is_neither_delayed_nor_transactional(client, properties):
    sys_flag = 0 if "DELAY" in properties else 4
    command = requests.send(
        body=batch_body(1), code=320, batch=True, properties=properties, sys_flag=sys_flag
    )
    assert client.call(command).code == 13


@pytest.mark.parametrize(("release", "times"), [(V5_5_0, 17), (V4_9_7, 16)])
def test_a_retry_that_was_tried_too_often_becomes_a_dead_letter(tmp_path, release, times):
    broker = MemoryBroker(tmp_path, release)
    client = broker.connect()
    topic = "%RETRY%cg"
    assert client.call(requests.send(topic=topic, reconsume_times=times - 1)).code == 0
    assert client.call(requests.send(topic=topic, reconsume_times=times)).code == 0
    assert broker.state.store.max_offset(topic, 0) == 1
    assert broker.state.store.max_offset("%DLQ%cg", 0) == 1
    broker.close()


def test_a_retry_of_an_unknown_group_is_refused(broker, client):
    broker.state.config.auto_create_subscription_group = False
    answer = client.call(requests.send(topic="%RETRY%nobody"))
    assert answer.code == 26
    assert answer.remark.startswith("subscription group not exist, nobody ")


def test_many_frames_of_one_pass_are_stored_in_order(broker, client):
    commands = [requests.send(body=b"%d" % i) for i in range(32)]
    client.feed(b"".join(encode_command(command) for command in commands))
    offsets = [client.answer_to(command).ext_fields["queueOffset"] for command in commands]
    assert offsets == [str(i) for i in range(32)]


def test_a_read_only_store_says_so(broker, client):
    broker.state.store.close()
    answer = client.call(requests.send())
    assert answer.code == 14
    assert answer.remark.startswith("service not available now.")


def test_an_orderly_group_of_5_x_gives_up_into_the_dead_letters_at_once(broker, client):
    queue = MessageQueue(topic="T", broker_name="broker-a", queue_id=0)
    body = LockBatchRequestBody(consumer_group="cg", client_id="c1", mq_set=[queue])
    assert client.call(RemotingCommand(41, {}, body.encode())).code == 0
    assert client.call(requests.send(topic="%RETRY%cg", reconsume_times=1)).code == 0
    assert broker.state.store.max_offset("%DLQ%cg", 0) == 1


QUEUES = 4


def prioritized(text: str, **fields: object) -> RemotingCommand:
    properties = f"{text}UNIQ_KEY\x01K\x02"
    return requests.send("P", queue_id=1, properties=properties, **fields)


@pytest.mark.parametrize(
    ("text", "queue_id", "kept"),
    [
        ("_SYS_MSG_PRIORITY_\x010\x02", 0, True),
        ("_SYS_MSG_PRIORITY_\x013\x02", 3, True),
        ("_SYS_MSG_PRIORITY_\x019\x02", 3, True),
        ("_SYS_MSG_PRIORITY_\x01-1\x02", 1, True),
        ("_SYS_MSG_PRIORITY_\x01x\x02", 1, True),
        ("_SYS_MSG_PRIORITY_\x013\x02__SHARDINGKEY\x01s\x02", 1, False),
        ("_SYS_MSG_PRIORITY_\x013\x02TRAN_MSG\x01no\x02", 3, True),
        ("", 1, False),
    ],
)
def test_a_priority_is_the_number_of_the_queue(client, broker, text, queue_id, kept):
    client.call(requests.create_topic("P", queues=QUEUES))
    answer = client.call(prioritized(text))
    assert answer.ext_fields["queueId"] == str(queue_id)
    message = stored(broker)
    assert message.queue_id == queue_id
    assert ("_SYS_MSG_PRIORITY_" in message.properties) is kept


@pytest.mark.parametrize(
    "beside", ["DELAY\x011\x02", "TIMER_DELAY_SEC\x019\x02", "TRAN_MSG\x01TRUE\x02"]
)
def test_what_waits_has_no_priority(client, broker, beside):
    client.call(requests.create_topic("P", queues=QUEUES))
    answer = client.call(prioritized(f"_SYS_MSG_PRIORITY_\x013\x02{beside}"))
    assert (answer.code, answer.ext_fields["queueId"]) == (0, "1")
    message = stored(broker)
    assert message.properties["REAL_QID"] == "1"
    assert "_SYS_MSG_PRIORITY_" not in message.properties


def test_4_9_keeps_a_priority_like_any_property(old):
    client = old.connect("127.0.0.1:43210")
    client.call(requests.create_topic("P", queues=QUEUES))
    answer = client.call(prioritized("_SYS_MSG_PRIORITY_\x013\x02"))
    assert answer.ext_fields["queueId"] == "1"
    assert stored(old).properties["_SYS_MSG_PRIORITY_"] == "3"
