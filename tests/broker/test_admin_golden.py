"""Recorded questions of mqadmin, answered by this broker as Java's answered them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rmqwire.broker.clients.client_table import ClientChannelInfo
from rmqwire.codec import java_json
from rmqwire.codec.bodies import SubscriptionGroupConfig, TopicConfig
from rmqwire.codec.command import RemotingCommand, decode_command
from rmqwire.codec.release import RELEASES, Release
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from tests.broker.admin_support import AdminBroker
from tests.support.golden import frame_files, frames

Exchange = tuple[Release, bytes, RemotingCommand]


def exchanges(*names: str) -> Iterator[Exchange]:
    """Return (release, request frame, answer) of every recorded exchange of these requests."""
    for path in frame_files("d_*"):
        release = RELEASES[path.parent.parent.name]
        asked: dict[int, bytes] = {}
        for entry, frame in frames(path):
            if entry["name"] not in names:
                continue
            if entry["kind"] == "response" and entry["reply_to"] in asked:
                yield release, asked[entry["reply_to"]], decode_command(frame)
            elif entry["dir"] == "c2s":
                asked[entry["seq"]] = frame


def keys_of(body: bytes) -> object:
    """Show which properties a body has, not their values."""
    value = java_json.loads(body)
    return sorted(value) if isinstance(value, dict) else type(value)


def replay(broker: AdminBroker, frame: bytes, recorded: RemotingCommand) -> RemotingCommand:
    answer = broker.send(frame)
    assert (answer.code, answer.remark) == (recorded.code, recorded.remark)
    assert answer.opaque == recorded.opaque
    assert answer.serialize_type == recorded.serialize_type
    assert set(answer.ext_fields or {}) == set(recorded.ext_fields or {})
    if recorded.body:
        assert keys_of(bytes(answer.body)) == keys_of(bytes(recorded.body))
    else:
        assert not answer.body
    return answer


def test_there_are_recordings():
    assert len(list(exchanges("UPDATE_AND_CREATE_TOPIC"))) > 5


@pytest.mark.parametrize(
    "name",
    [
        "UPDATE_AND_CREATE_TOPIC",
        "DELETE_TOPIC_IN_BROKER",
        "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
        "DELETE_SUBSCRIPTIONGROUP",
        "UPDATE_BROKER_CONFIG",
        "GET_ALL_TOPIC_CONFIG",
        "GET_ALL_SUBSCRIPTIONGROUP_CONFIG",
        "GET_SYSTEM_TOPIC_LIST_FROM_BROKER",
        "GET_ALL_PRODUCER_INFO",
        "GET_BROKER_RUNTIME_INFO",
    ],
)
def test_answers_that_need_no_messages(admin_broker, name):
    brokers = {release: admin_broker(release) for release in RELEASES.values()}
    recorded = list(exchanges(name))
    assert recorded
    for release, frame, answer in recorded:
        replay(brokers[release], frame, answer)


@pytest.mark.parametrize(
    "name",
    ["GET_TOPIC_CONFIG", "GET_TOPIC_STATS_INFO", "GET_CONSUME_STATS", "QUERY_TOPIC_CONSUME_BY_WHO"],
)
def test_answers_about_a_topic(admin_broker, name):
    brokers = {release: admin_broker(release) for release in RELEASES.values()}
    for release, frame, answer in exchanges(name):
        topic = (decode_command(frame).ext_fields or {}).get("topic", "t")
        broker = brokers[release]
        if answer.code == 0 and topic not in broker.state.topics.table:
            broker.state.topics.update(TopicConfig(topic_name=topic))
        replay(broker, frame, answer)


def test_the_last_offsets_of_a_topic(admin_broker):
    """The same topic with as many messages gives Java's figures."""
    for release, frame, answer in exchanges("GET_TOPIC_STATS_INFO"):
        table = java_json.loads(bytes(answer.body))["offsetTable"]
        broker = admin_broker(release)
        broker.state.topics.update(
            TopicConfig(topic_name="goldt1", read_queue_nums=2, write_queue_nums=2)
        )
        for queue, ends in table.items():
            broker.put("goldt1", queue["queueId"], ends["maxOffset"])
        ours = java_json.loads(bytes(broker.send(frame).body))["offsetTable"]
        assert {key: (at["minOffset"], at["maxOffset"]) for key, at in ours.items()} == {
            key: (at["minOffset"], at["maxOffset"]) for key, at in table.items()
        }


def test_groups_that_are_offline(admin_broker):
    brokers = {release: admin_broker(release) for release in RELEASES.values()}
    seen = 0
    for release, frame, answer in exchanges("GET_CONSUMER_CONNECTION_LIST"):
        if answer.code == 206:
            replay(brokers[release], frame, answer)
            seen += 1
    assert seen > 10


def test_who_is_connected(admin_broker):
    for release, frame, answer in exchanges(
        "GET_CONSUMER_CONNECTION_LIST", "GET_PRODUCER_CONNECTION_LIST"
    ):
        if answer.code != 0:
            continue
        recorded = java_json.loads(bytes(answer.body))
        fields = decode_command(frame).ext_fields
        broker = admin_broker(release)
        for member in recorded["connectionSet"]:
            connection = Connection(HandlerTable(release), peer=member["clientAddr"])
            client = ClientChannelInfo(
                connection, member["clientId"], 0, member["version"], broker.now_ms
            )
            if "producerGroup" in fields:
                broker.state.producers.register(fields["producerGroup"], client)
            else:
                shape = (
                    recorded["consumeType"],
                    recorded["messageModel"],
                    recorded["consumeFromWhere"],
                )
                broker.state.consumers.register(fields["consumerGroup"], client, shape, [])
        ours = java_json.loads(bytes(replay(broker, frame, answer).body))
        assert ours["connectionSet"] == recorded["connectionSet"]
        for name in ("consumeType", "messageModel", "consumeFromWhere"):
            assert ours.get(name) == recorded.get(name)


def test_statistics_that_do_not_exist(admin_broker):
    brokers = {release: admin_broker(release) for release in RELEASES.values()}
    for release, frame, answer in exchanges("VIEW_BROKER_STATS_DATA"):
        if answer.code == 1:
            replay(brokers[release], frame, answer)


def test_statistics_that_do(admin_broker):
    brokers = {release: admin_broker(release) for release in RELEASES.values()}
    for release, frame, answer in exchanges("VIEW_BROKER_STATS_DATA"):
        fields = decode_command(frame).ext_fields
        if answer.code == 0 and fields["statsName"] == "TOPIC_PUT_NUMS":
            brokers[release].state.stats.put(fields["statsKey"], 0, 1, 100, 1)
            ours = replay(brokers[release], frame, answer)
            for window in java_json.loads(bytes(ours.body)).values():
                assert sorted(window) == ["avgpt", "sum", "tps"]


def test_resetting_offsets(admin_broker):
    """4.9 refuses a group that isn't there or isn't online; 5.5 resets what it keeps itself."""
    seen = set()
    for release, frame, answer in exchanges("INVOKE_BROKER_TO_RESET_OFFSET"):
        fields = decode_command(frame).ext_fields
        topic, group = fields["topic"], fields["group"]
        at_clients = not release.broker.server_side_reset or answer.remark is not None
        broker = admin_broker(release, use_server_side_reset_offset=not at_clients)
        broker.state.topics.update(
            TopicConfig(topic_name=topic, read_queue_nums=2, write_queue_nums=2)
        )
        broker.state.groups.update(SubscriptionGroupConfig(group_name=group))
        if answer.code != 1:
            for queue_id in (0, 1):
                broker.state.offsets.commit("c", group, topic, queue_id, 0)
        if answer.code == 0 and at_clients:
            connection = Connection(HandlerTable(release), peer="127.0.0.1:1")
            client = ClientChannelInfo(connection, "c", 0, 407, broker.now_ms)
            broker.state.consumers.register(
                group, client, ("CONSUME_PASSIVELY", "CLUSTERING", None), []
            )
        replay(broker, frame, answer)
        seen.add((release.name, answer.code))
    assert seen == {("4.9.7", 0), ("4.9.7", 1), ("4.9.7", 206), ("5.5.0", 0)}


NOT_SHOWN = {"commitLogDirCapacity"}  # the disk in memory has none


def test_broker_status_has_javas_keys(admin_broker):
    for release, frame, answer in exchanges("GET_BROKER_RUNTIME_INFO"):
        recorded = set(java_json.loads(bytes(answer.body))["table"])
        table = java_json.loads(bytes(admin_broker(release).send(frame).body))["table"]
        ours = set(table)
        assert all(isinstance(value, str) for value in table.values())

        def steady(keys: set[str]) -> set[str]:
            return {
                key
                for key in keys
                if not key.startswith(("scheduleMessageOffset_", "commitLogDiskRatio_"))
            }

        assert steady(recorded) - steady(ours) <= NOT_SHOWN
        assert steady(ours) - steady(recorded) == set()


def test_broker_config_has_javas_keys(admin_broker):
    for release, frame, answer in exchanges("GET_BROKER_CONFIG"):
        recorded = {line.partition("=")[0] for line in bytes(answer.body).decode().splitlines()}
        reply = admin_broker(release, namesrv_addr="127.0.0.1:9876").send(frame)
        assert (reply.code, set(reply.ext_fields)) == (0, {"version"})
        ours = {line.partition("=")[0] for line in bytes(reply.body).decode().splitlines()}
        assert recorded - ours == set()
