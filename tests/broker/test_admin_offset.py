from __future__ import annotations

import json

import pytest

from rmqwire.broker.clients.client_table import ClientChannelInfo
from rmqwire.codec import java_json
from rmqwire.codec.bodies import ResetOffsetBody, SubscriptionGroupConfig, TopicConfig
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.headers import (
    CloneGroupOffsetRequestHeader,
    GetEarliestMsgStoretimeRequestHeader,
    GetMaxOffsetRequestHeader,
    GetMinOffsetRequestHeader,
    QueryCorrectionOffsetHeader,
    ResetOffsetRequestHeader,
    SearchOffsetRequestHeader,
)
from rmqwire.codec.release import RELEASES, V4_9_7, V5_5_0, V5_5_1
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from tests.broker.admin_support import NOW_MS, AdminBroker

SHAPE = ("CONSUME_PASSIVELY", "CLUSTERING", None)
T = {"topic": "orders", "queue_id": 1}


def with_messages(broker: AdminBroker) -> AdminBroker:
    broker.state.topics.update(
        TopicConfig(topic_name="orders", read_queue_nums=2, write_queue_nums=2)
    )
    broker.put("orders", 1, 5)  # stored at NOW_MS, one a second
    return broker


def test_ends_of_a_queue(admin_broker):
    broker = with_messages(admin_broker())
    assert broker.ask(R.GET_MAX_OFFSET, GetMaxOffsetRequestHeader(**T)).ext_fields["offset"] == "5"
    low = broker.ask(R.GET_MIN_OFFSET, GetMinOffsetRequestHeader(**T))
    assert (low.ext_fields["offset"], low.remark) == ("0", "")
    time = broker.ask(R.GET_EARLIEST_MSG_STORETIME, GetEarliestMsgStoretimeRequestHeader(**T))
    assert time.ext_fields["timestamp"] == str(NOW_MS)
    old = with_messages(admin_broker(V4_9_7)).ask(R.GET_MIN_OFFSET, GetMinOffsetRequestHeader(**T))
    assert old.remark is None


def test_an_empty_queue_of_a_batch_queue_topic_has_no_first_message(admin_broker):
    broker = admin_broker()
    config = TopicConfig(topic_name="B", attributes={"queue.type": "BatchCQ"})
    broker.state.topics.table["B"] = config
    header = GetMinOffsetRequestHeader(topic="B", queue_id=0)
    assert broker.ask(R.GET_MIN_OFFSET, header).ext_fields["offset"] == "-1"
    plain = GetMinOffsetRequestHeader(topic="orders", queue_id=7)
    assert broker.ask(R.GET_MIN_OFFSET, plain).ext_fields["offset"] == "0"


@pytest.mark.parametrize(
    ("time", "offset"), [(0, 0), (NOW_MS + 2000, 2), (NOW_MS + 1500, 2), (NOW_MS + 99_000, 5)]
)
def test_the_offset_at_a_time(admin_broker, time, offset):
    broker = with_messages(admin_broker())
    header = SearchOffsetRequestHeader(**T, timestamp=time)
    answer = broker.ask(R.SEARCH_OFFSET_BY_TIMESTAMP, header)
    assert answer.ext_fields["offset"] == str(offset)


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_all_offsets_are_standard_json_for_slaves(admin_broker, release):
    broker = admin_broker(release)
    broker.state.offsets.commit("c", "g", "orders", 1, 3)
    broker.state.offsets.commit_pull("g", "orders", 1, 4)
    body = bytes(broker.ask(R.GET_ALL_CONSUMER_OFFSET).body)
    assert b'"offsetTable":{"orders@g":{"1":3}}' in body
    assert b"pullOffsetTable" not in body


def test_delay_offsets(admin_broker):
    answer = admin_broker().ask(R.GET_ALL_DELAY_OFFSET)
    assert java_json.loads(bytes(answer.body))["offsetTable"] == {}


def test_cloning_a_group(admin_broker):
    broker = with_messages(admin_broker())
    broker.state.offsets.commit("c", "g", "orders", 1, 3)
    broker.state.offsets.commit("c", "g", "gone", 0, 3)
    header = CloneGroupOffsetRequestHeader(src_group="g", dest_group="h", offline=True)
    assert broker.ask(R.CLONE_GROUP_OFFSET, header).code == 0
    assert broker.state.offsets.query("h", "orders", 1) == 3
    assert broker.state.offsets.query("h", "gone", 0) == -1


def test_the_lowest_offset_of_all_groups(admin_broker):
    broker = with_messages(admin_broker())
    for group, offset in (("a", 4), ("b", 2), ("c", 1)):
        broker.state.offsets.commit("x", group, "orders", 1, offset)
    header = QueryCorrectionOffsetHeader(topic="orders", compare_group="a", filter_groups="c")
    body = java_json.loads(bytes(broker.ask(R.QUERY_CORRECTION_OFFSET, header).body))
    assert body["correctionOffsets"] == {1: 2}
    header = QueryCorrectionOffsetHeader(topic="orders", compare_group="c", filter_groups="c")
    body = java_json.loads(bytes(broker.ask(R.QUERY_CORRECTION_OFFSET, header).body))
    assert list(body["correctionOffsets"].values()) == [2**63 - 1]
    assert broker.state.offsets.query("c", "orders", 1) == 1


# -- resetting -------------------------------------------------------------------------------------


def reset(broker: AdminBroker, **changes: object) -> RemotingCommand:
    fields = {"group": "g", "topic": "orders", "timestamp": NOW_MS + 2000, "is_force": True}
    return broker.ask(
        R.INVOKE_BROKER_TO_RESET_OFFSET, ResetOffsetRequestHeader(**(fields | changes))
    )


def offsets(answer: RemotingCommand) -> dict[int, int]:
    body = ResetOffsetBody.decode(bytes(answer.body))
    return {queue.queue_id: offset for queue, offset in body.offset_table.items()}


def test_5_keeps_the_new_offsets_for_the_next_pull(admin_broker):
    broker = with_messages(admin_broker())
    broker.state.groups.update(SubscriptionGroupConfig(group_name="g"))
    assert offsets(reset(broker)) == {0: 0, 1: 2}
    assert broker.state.offsets.take_reset("g", "orders", 1) == 2
    assert offsets(reset(broker, timestamp=-1)) == {0: 0, 1: 5}
    assert offsets(reset(broker, queue_id=1, offset=4)) == {1: 4}
    assert broker.state.offsets.query("g", "orders", 1) == 4


def test_5_refuses(admin_broker):
    broker = with_messages(admin_broker())
    answer = reset(broker, topic="gone")
    assert (answer.code, answer.remark) == (17, "Topic gone does not exist")
    answer = reset(broker)
    assert (answer.code, answer.remark) == (26, "Group g does not exist")
    broker.state.groups.update(SubscriptionGroupConfig(group_name="g"))
    answer = reset(broker, queue_id=1, offset=99)
    assert answer.remark == "Target offset 99 not in consume queue range [0-5]"


def test_4_9_tells_the_members(admin_broker):
    broker = with_messages(admin_broker(V4_9_7))
    for queue_id in (0, 1):
        broker.state.offsets.commit("c", "g", "orders", queue_id, 4 * queue_id)
    member = Connection(HandlerTable(), peer="127.0.0.1:50000")
    client = ClientChannelInfo(member, "c1", 0, 407, broker.now_ms)
    broker.state.consumers.register("g", client, SHAPE, [], notify=False)
    assert offsets(reset(broker)) == {0: 0, 1: 2}
    order = decode_command(member.data_to_send())
    assert order.code == R.RESET_CONSUMER_CLIENT_OFFSET
    assert order.is_oneway
    assert order.version == V4_9_7.mq_version
    assert offsets(order) == {0: 0, 1: 2}
    assert offsets(reset(broker, timestamp=NOW_MS + 99_000, is_force=False)) == {0: 0, 1: 4}


def test_4_9_tells_cpp_members_without_object_keys(admin_broker):
    broker = with_messages(admin_broker(V4_9_7))
    for queue_id in (0, 1):
        broker.state.offsets.commit("c", "g", "orders", queue_id, 4)
    member = Connection(HandlerTable(), peer="127.0.0.1:50000")
    client = ClientChannelInfo(member, "c1", 1, 407, broker.now_ms)
    broker.state.consumers.register("g", client, SHAPE, [], notify=False)
    header = ResetOffsetRequestHeader(
        group="g", topic="orders", timestamp=NOW_MS + 2000, is_force=True
    )
    request = RemotingCommand(int(R.INVOKE_BROKER_TO_RESET_OFFSET), header.encode(), language=1)
    assert broker.send(encode_command(request)).code == 0
    table = java_json.loads(bytes(decode_command(member.data_to_send()).body))["offsetTable"]
    assert [(row["queueId"], row["offset"]) for row in table] == [(0, 0), (1, 2)]


@pytest.mark.parametrize(
    ("release", "asker", "told"),
    [(V5_5_1, 515, True), (V5_5_1, 513, False), (V5_5_0, 515, False), (V4_9_7, 515, False)],
)
def test_a_slave_of_5_5_1_is_told_how_far_groups_have_pulled(admin_broker, release, asker, told):
    broker = admin_broker(release)
    broker.state.offsets.commit_pull("g", "t", 0, 9)
    request = RemotingCommand(R.GET_ALL_CONSUMER_OFFSET)
    request.version = asker
    body = json.loads(broker.send(encode_command(request)).body)
    assert ("pullOffsetTable" in body) == told
    if told:
        assert body["pullOffsetTable"] == {"t@g": {"0": 9}}
