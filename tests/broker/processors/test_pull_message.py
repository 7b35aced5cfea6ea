"""Pulls: checks in Java's order, tags, codes, suspension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rmqwire.codec.bodies import TopicConfig
from rmqwire.codec.command import encode_command
from rmqwire.codec.record import iter_messages
from rmqwire.codec.release import V4_9_7, V5_5_0
from tests.support import requests
from tests.support.broker import Client, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rmqwire.codec.command import RemotingCommand


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MemoryBroker]:
    made = MemoryBroker(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(broker: MemoryBroker) -> Client:
    made = broker.connect("127.0.0.1:43210")
    for i, tag in enumerate("ABCA"):
        made.call(
            requests.send(body=b"m%d" % i, properties=f"UNIQ_KEY\x01k{i}\x02TAGS\x01{tag}\x02")
        )
    return made


def bodies(answer: RemotingCommand) -> list[bytes]:
    return [message.body for message in iter_messages(answer.body)]


def test_the_answer_carries_the_records_and_where_to_go_on(client):
    answer = client.call(requests.pull(offset=1))
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert bodies(answer) == [b"m1", b"m2", b"m3"]
    assert answer.ext_fields == {
        "suggestWhichBrokerId": "0",
        "nextBeginOffset": "4",
        "minOffset": "0",
        "maxOffset": "4",
        "topicSysFlag": "0",
        "groupSysFlag": "0",
    }


def test_at_most_the_wanted_number_comes(client):
    answer = client.call(requests.pull(max_msg_nums=2))
    assert bodies(answer) == [b"m0", b"m1"]
    assert answer.ext_fields["nextBeginOffset"] == "2"


@pytest.mark.parametrize(
    ("expression", "found"),
    [("*", 4), ("", 4), ("A", 2), ("A || C", 3), ("A||", 2), ("Z", 0)],
)
def test_tags_select(client, expression, found):
    answer = client.call(requests.pull(subscription=expression))
    assert len(bodies(answer)) == found
    if not found:
        assert (answer.code, answer.remark) == (20, "NO_MATCHED_MESSAGE")
        assert answer.ext_fields["nextBeginOffset"] == "4"


@pytest.mark.parametrize(
    ("fields", "code", "remark"),
    [
        ({"topic": "none"}, 17, "topic[none] not exist, apply first please! \nSee https"),
        ({"queue_id": 4}, 29, "queueId[4] is illegal, topic:[T] topicConfig.readQueueNums:[4] con"),
        ({"queue_id": -1}, 29, "consumer:[/127.0.0.1:43210]"),
        ({"sys_flag": 2}, 24, "the consumer's group info not exist\nSee https"),
        ({"subscription": "||"}, 23, "parse the consumer's subscription failed"),
        ({"expression_type": "SQL92", "subscription": ""}, 23, "subscription failed"),
        (
            {"expression_type": "SQL92", "subscription": "a > 1"},
            1,
            "The broker does not support consumer to filter message by SQL92",
        ),
    ],
)
def test_refusals(client, fields, code, remark):
    answer = client.call(requests.pull(**fields))
    assert answer.code == code
    assert remark in answer.remark
    assert answer.ext_fields == {}


def test_permissions_say_what_forbids(broker, client):
    state = broker.state
    client.call(requests.pull())
    state.topics.table["T"].perm = 2
    answer = client.call(requests.pull())
    assert (answer.code, answer.ext_fields) == (16, {"forbiddenType": "3"})
    assert answer.remark == "the topic[T] pulling message is forbidden"
    state.groups.table["cg"].consume_enable = False
    answer = client.call(requests.pull())
    assert (answer.remark, answer.ext_fields) == (
        "subscription group no permission, cg", {"forbiddenType": "2"},
    )  # fmt: skip
    state.config.broker_permission = 2
    answer = client.call(requests.pull())
    assert (answer.remark, answer.ext_fields) == (
        "the broker[127.0.0.1] pulling message is forbidden", {"forbiddenType": "1"},
    )  # fmt: skip


def test_an_unknown_group_is_refused_when_groups_are_not_created(broker, client):
    broker.state.config.auto_create_subscription_group = False
    answer = client.call(requests.pull())
    assert answer.code == 26
    assert answer.remark.startswith("subscription group [cg] does not exist, ")


def test_a_groups_subscription_by_heartbeat_is_used_and_must_be_as_new(broker, client):
    subs = [requests.subscription("T", "C", version=10)]
    client.call(requests.heartbeat(groups={"cg": subs}))
    assert bodies(client.call(requests.pull(sys_flag=2, sub_version=10))) == [b"m2"]
    answer = client.call(requests.pull(sys_flag=2, sub_version=11))
    assert (answer.code, answer.remark) == (25, "the consumer's subscription not latest")
    client.call(requests.send(topic="U"))
    answer = client.call(requests.pull("U", sys_flag=2))
    assert answer.code == 24
    assert answer.remark.startswith("the consumer's subscription not exist")


def test_a_group_may_not_broadcast_when_forbidden(broker, client):
    subs = [requests.subscription("T")]
    client.call(requests.heartbeat(groups={"cg": subs}, model="BROADCASTING"))
    broker.state.groups.table["cg"].consume_broadcast_enable = False
    answer = client.call(requests.pull(sys_flag=2))
    assert (answer.code, answer.ext_fields) == (16, {"forbiddenType": "4"})


@pytest.mark.parametrize(
    ("offset", "code", "remark", "following"),
    [(4, 19, "OFFSET_OVERFLOW_ONE", "4"), (9, 21, "OFFSET_OVERFLOW_BADLY", "4")],
)
def test_offsets_out_of_range(client, offset, code, remark, following):
    answer = client.call(requests.pull(offset=offset, sys_flag=4))
    assert (answer.code, answer.remark) == (code, remark)
    assert answer.ext_fields["nextBeginOffset"] == following


def test_an_empty_queue(client):
    answer = client.call(requests.pull(queue_id=1, sys_flag=4))
    assert (answer.code, answer.remark) == (19, "NO_MESSAGE_IN_QUEUE")
    answer = client.call(requests.pull(queue_id=1, sys_flag=4, offset=5))
    assert answer.code == 21
    assert answer.ext_fields["nextBeginOffset"] == "0"


def test_a_pull_that_waits_is_woken_by_its_tag_in_the_same_pass(broker, client):
    waiting = requests.pull(offset=4, subscription="W")
    assert client.ask(waiting) is None
    other = broker.connect()
    other.call(requests.send(properties="TAGS\x01other\x02"))
    assert client.answer_to(waiting) is None
    other.call(requests.send(body=b"wanted", properties="TAGS\x01W\x02"))
    answer = client.answer_to(waiting)
    assert bodies(answer) == [b"wanted"]
    assert answer.ext_fields["nextBeginOffset"] == "6"


def test_one_pass_with_pull_and_send_answers_both(client):
    waiting, message = requests.pull(offset=4), requests.send(body=b"new")
    client.feed(encode_command(waiting) + encode_command(message))
    assert bodies(client.answer_to(waiting)) == [b"new"]
    assert client.answer_to(message).code == 0


@pytest.mark.parametrize(("long_polling", "wait_ms"), [(True, 15_000), (False, 1_000)])
def test_a_pull_that_waits_in_vain_is_answered_at_its_deadline(
    broker, client, long_polling, wait_ms
):
    broker.state.config.long_polling_enable = long_polling
    waiting = requests.pull(offset=4)
    assert client.ask(waiting) is None
    broker.pass_time(wait_ms - 1)
    assert client.answer_to(waiting) is None
    broker.pass_time(1)
    answer = client.answer_to(waiting)
    assert (answer.code, answer.remark) == (19, "OFFSET_OVERFLOW_ONE")


def test_a_waiting_pull_whose_topic_goes_is_answered_so(broker, client):
    waiting = requests.pull(offset=4)
    client.ask(waiting)
    broker.state.topics.table.pop("T")
    broker.pass_time(15_000)
    assert client.answer_to(waiting).code == 17


def test_a_closed_connection_takes_its_pulls_along(broker, client):
    client.ask(requests.pull(offset=4))
    client.close()
    assert len(broker.state.held_pulls) == 0


def test_the_commit_flag_commits_once(broker, client):
    client.call(requests.pull(sys_flag=5, commit_offset=3))
    assert broker.state.offsets.query("cg", "T", 0) == 3
    client.call(requests.pull(sys_flag=4, commit_offset=1))
    assert broker.state.offsets.query("cg", "T", 0) == 3
    waiting = requests.pull(offset=4, sys_flag=7, commit_offset=2)
    client.ask(waiting)
    broker.state.offsets.commit("", "cg", "T", 0, 4)
    broker.pass_time(15_000)
    assert broker.state.offsets.query("cg", "T", 0) == 4


def test_a_reset_offset_moves_the_group_once(broker, client):
    broker.state.offsets.assign_reset("cg", "T", 0, 2)
    answer = client.call(requests.pull())
    assert (answer.code, answer.remark) == (21, "OFFSET_RESET")
    assert answer.ext_fields["nextBeginOffset"] == "2"
    assert client.call(requests.pull()).code == 0


def test_what_was_got_is_counted(broker, client):
    client.call(requests.pull())
    assert broker.state.stats.find("GROUP_GET_NUMS", "T@cg").value == 4
    assert broker.state.stats.get_total == 4


def test_4_9_has_no_lite_pull_and_fewer_fields(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7)
    client = broker.connect()
    client.call(requests.send())
    assert set(client.call(requests.pull()).ext_fields) == {
        "suggestWhichBrokerId", "nextBeginOffset", "minOffset", "maxOffset",
    }  # fmt: skip
    lite = requests.pull()
    lite.code = 361
    assert client.call(lite).code == 3
    broker.state.topics.table["T"].perm = 2
    assert client.call(requests.pull()).ext_fields == {}
    broker.close()


def test_5_x_serves_lite_pulls(client):
    lite = requests.pull()
    lite.code = 361
    assert len(bodies(client.call(lite))) == 4


def test_a_4_x_leaves_an_event_of_a_moved_offset(tmp_path):
    broker = MemoryBroker(tmp_path, V4_9_7)
    client = broker.connect("127.0.0.1:43210")
    client.call(requests.send(body=b"m"))
    assert client.call(requests.pull(offset=9)).code == 21
    answer = client.call(requests.pull(topic="OFFSET_MOVED_EVENT"))
    (event,) = iter_messages(answer.body)
    assert event.body == (
        b'{"consumerGroup":"cg","messageQueue":{"brokerName":"broker-a","queueId":0,"topic":"T"},'
        b'"offsetNew":1,"offsetRequest":9}'
    )
    assert event.properties == {"KEYS": "cg", "TAGS": "cg", "DELAY": "0"}
    assert event.born_host == event.store_host
    broker.close()


def test_a_5_x_leaves_none(client):
    assert client.call(requests.pull(offset=9)).code == 21
    answer = client.call(requests.pull(topic="OFFSET_MOVED_EVENT", sys_flag=4))
    assert answer.remark == "NO_MESSAGE_IN_QUEUE"


@pytest.mark.parametrize(
    ("release", "checks", "code"), [(V4_9_7, False, 20), (V4_9_7, True, 21), (V5_5_0, False, 20)]
)
def test_a_slave_has_the_pull_repeated_unless_it_is_to_check_offsets(
    tmp_path, release, checks, code
):
    broker = MemoryBroker(
        tmp_path,
        release,
        broker_role="SLAVE",
        broker_id=1,
        slave_read_enable=True,
        offset_check_in_slave=checks,
    )
    broker.state.topics.table["T"] = TopicConfig("T")
    answer = broker.connect("127.0.0.1:43210").call(requests.pull(offset=9))
    assert (answer.code, answer.ext_fields["suggestWhichBrokerId"]) == (code, "0")
    broker.close()
