"""Consume later: sent back, delayed, delivered to the retry topic, in the end a dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import SubscriptionGroupConfig
from rmqwire.codec.message_id import decode_offset_id
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from rmqwire.store.results import PutMessageResult, PutStatus
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.codec.message import StoredMessage

RETRY = "%RETRY%cg"


@pytest.fixture(params=[V5_5_0, V4_9_7], ids=lambda release: release.name)
def broker(request, tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path, request.param)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    return broker.connect()


def sent(client: Client, **fields: object) -> int:
    """Send a message and give its physical offset."""
    answer = client.call(requests.send(**fields))
    return decode_offset_id(answer.ext_fields["msgId"])[2]


def in_queue(client: Client, topic: str, offset: int = 0) -> list[StoredMessage]:
    answer = client.call(requests.pull(topic, offset, sys_flag=4))
    return list(iter_messages(answer.body))


def test_a_message_sent_back_comes_again_after_its_delay(broker, client):
    offset = sent(client, flag=3, properties="UNIQ_KEY\x01K1\x02KEYS\x01k\x02TAGS\x01A\x02")
    answer = client.call(requests.send_back(offset))
    assert (answer.code, answer.remark, answer.ext_fields) == (0, None, None)
    assert in_queue(client, RETRY) == []
    broker.pass_time(9_999)  # level 3 + reconsumeTimes 0: 10 s
    assert in_queue(client, RETRY) == []
    broker.pass_time(1)
    (again,) = in_queue(client, RETRY)
    assert (again.body, again.flag, again.reconsume_times) == (b"hello", 3, 1)
    assert again.born_timestamp == requests.BORN_MS
    properties = again.properties
    assert properties["RETRY_TOPIC"] == "T"
    assert properties["ORIGIN_MESSAGE_ID"] == f"7F00000100002A9F{offset:016X}"
    assert properties["REAL_TOPIC"] == RETRY
    assert (properties["KEYS"], properties["UNIQ_KEY"]) == ("k", "K1")
    assert broker.state.stats.find("SNDBCK_PUT_NUMS", "T@cg").value == 1


def test_the_delay_grows_and_the_origin_stays(broker, client):
    offset = sent(client)
    client.call(requests.send_back(offset))
    broker.pass_time(10_000)
    (first,) = in_queue(client, RETRY)
    client.call(requests.send_back(first.physical_offset))
    broker.pass_time(29_999)  # level 4: 30 s
    assert len(in_queue(client, RETRY)) == 1
    broker.pass_time(1)
    second = in_queue(client, RETRY)[1]
    assert second.reconsume_times == 2
    for name in ("RETRY_TOPIC", "ORIGIN_MESSAGE_ID"):
        assert second.properties[name] == first.properties[name]


def test_tried_too_often_or_a_negative_level_is_a_dead_letter(broker, client):
    offset = sent(client)
    client.call(requests.send_back(offset, level=-1))
    client.call(requests.send_back(offset, max_reconsume_times=0))
    dead = in_queue(client, "%DLQ%cg")
    assert [message.reconsume_times for message in dead] == [1, 1]
    assert dead[0].properties["RETRY_TOPIC"] == "T"
    assert dead[0].properties["UNIQ_KEY"] == "K1"
    assert broker.state.topics.table["%DLQ%cg"].write_queue_nums == 1


def test_what_cannot_be_taken_back_is_said(broker, client):
    offset = sent(client)
    answer = client.call(requests.send_back(99_999))
    assert (answer.code, answer.remark) == (1, "look message by offset failed, 99999")
    assert client.call(requests.send_back(-5)).code == 1
    broker.state.groups.update(SubscriptionGroupConfig(group_name="none", retry_queue_nums=0))
    assert client.call(requests.send_back(offset, "none")).code == 0
    broker.state.topics.table[RETRY].perm = 4
    answer = client.call(requests.send_back(offset))
    assert (answer.code, answer.remark) == (16, f"the topic[{RETRY}] sending message is forbidden")
    broker.state.config.broker_permission = 4
    assert client.call(requests.send_back(offset)).code == 16
    broker.state.config.auto_create_subscription_group = False
    answer = client.call(requests.send_back(offset, "nobody"))
    assert answer.code == 26
    assert answer.remark.startswith("subscription group not exist, nobody ")


def test_a_store_that_refuses_is_named(broker, client):
    offset = sent(client)
    client.call(requests.send_back(offset))
    refused = PutMessageResult(PutStatus.SERVICE_NOT_AVAILABLE)
    broker.state.store.puts.put = lambda _, done: done(refused)
    answer = client.call(requests.send_back(offset))
    assert (answer.code, answer.remark) == (1, "SERVICE_NOT_AVAILABLE")


def test_what_came_back_is_counted_as_java_counts_it(broker, client):
    offset = sent(client)
    client.call(requests.send_back(offset))
    client.call(requests.send_back(offset, level=-1))
    broker.pass_time(10_000)
    in_queue(client, RETRY)
    schedule, of_5 = "SCHEDULE_TOPIC_XXXX", broker.state.release is V5_5_0
    seen = {
        (name, key): item.value
        for name in broker.state.stats.tables
        for key in (
            "T", RETRY, schedule, "T@cg", f"{schedule}@2", f"{schedule}@2@SCHEDULE_CONSUMER",
            "null@null@cg@SEND_BACK_TO_DLQ", "DefaultCluster",
        )
        if not name.endswith("SIZE") and (item := broker.state.stats.find(name, key)) is not None
    }  # fmt: skip
    assert seen == {
        ("TOPIC_PUT_NUMS", "T"): 1,
        ("TOPIC_PUT_NUMS", RETRY): 1,
        ("TOPIC_PUT_NUMS", schedule): 1,
        ("QUEUE_PUT_NUMS", f"{schedule}@2"): 1,
        ("QUEUE_GET_NUMS", f"{schedule}@2@SCHEDULE_CONSUMER"): 1,
        ("SNDBCK_PUT_NUMS", "T@cg"): 2,
        ("BROKER_PUT_NUMS", "DefaultCluster"): 2,
        ("BROKER_GET_NUMS", "DefaultCluster"): 1,
        **({("SNDBCK2DLQ_TIMES", "null@null@cg@SEND_BACK_TO_DLQ"): 1} if of_5 else {}),
        **({("BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC", "DefaultCluster"): 2} if of_5 else {}),
        **({("BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC", "DefaultCluster"): 1} if of_5 else {}),
    }
