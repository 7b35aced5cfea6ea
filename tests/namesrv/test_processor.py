"""Requests of brokers and clients, answered without a socket."""

from __future__ import annotations

import zlib

import pytest

from rmqwire.codec import headers as h
from rmqwire.codec.bodies import (
    DataVersion,
    GetBrokerMemberGroupResponseBody,
    KVTable,
    QueueData,
    RegisterBrokerBody,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicList,
    TopicRouteData,
)
from rmqwire.codec.codes import RequestCode as Code
from rmqwire.codec.command import RemotingCommand, decode_command, encode_command
from rmqwire.codec.release import V4_9_7
from tests.namesrv.support import Server


def register_header(**fields):
    known = {
        "broker_name": "b", "broker_addr": "10.0.0.1:10911", "cluster_name": "C",
        "ha_server_addr": "10.0.0.1:10912", "broker_id": 0,
    }  # fmt: skip
    return h.RegisterBrokerRequestHeader(**{**known, **fields})


def register_body(*topics):
    body = RegisterBrokerBody()
    for topic in topics or ("T", "U"):
        config = TopicConfig(topic_name=topic, read_queue_nums=4, write_queue_nums=4)
        body.topic_config_serialize_wrapper.topic_config_table[topic] = config
    return body


def registered(text="", **more):
    server = Server(text, **more)
    assert server.ask(Code.REGISTER_BROKER, register_header(), register_body().encode()).code == 0
    return server


def route(server, topic="T", **attributes):
    return server.ask(
        Code.GET_ROUTEINFO_BY_TOPIC, h.GetRouteInfoRequestHeader(topic=topic), **attributes
    )


def test_a_broker_without_a_replication_address_registers():
    server = Server()
    header = register_header(ha_server_addr=None)
    assert server.ask(Code.REGISTER_BROKER, header, register_body().encode()).code == 0
    assert route(server).code == 0


def test_a_version_is_asked_by_cluster_and_address_alone():
    header = h.QueryDataVersionRequestHeader(broker_addr="10.0.0.1:10911", cluster_name="C")
    answer = registered().ask(Code.QUERY_DATA_VERSION, header, DataVersion(timestamp=1).encode())
    assert (answer.code, answer.ext_fields["changed"]) == (0, "true")


def test_members_are_asked_by_name_alone():
    header = h.GetBrokerMemberGroupRequestHeader(broker_name="b")
    answer = registered().ask(Code.GET_BROKER_MEMBER_GROUP, header)
    group = GetBrokerMemberGroupResponseBody.decode(answer.body).broker_member_group
    assert group.broker_addrs == {0: "10.0.0.1:10911"}
    assert b'"cluster"' not in answer.body


def test_a_registered_topic_has_a_route():
    server = registered()
    answer = route(server)
    (queues,) = TopicRouteData.decode(answer.body).queue_datas
    assert (queues.broker_name, queues.read_queue_nums) == ("b", 4)
    missing = route(server, "nowhere")
    assert missing.code == 17
    assert missing.remark.startswith("No topic route info in name server for the topic: nowhere\n")


@pytest.mark.parametrize(
    ("version", "accept", "quoted"),
    [
        (0, None, False),
        (400, None, False),
        (400, True, True),
        (401, None, True),
        (513, False, True),
    ],
)
def test_the_route_is_standard_json_for_who_can_read_nothing_else(version, accept, quoted):
    header = h.GetRouteInfoRequestHeader(topic="T", accept_standard_json_only=accept)
    answer = registered().ask(Code.GET_ROUTEINFO_BY_TOPIC, header, version=version)
    assert (b'{"0":' in answer.body) is quoted
    assert (b"{0:" in answer.body) is not quoted


def test_a_young_name_server_may_wait_for_its_brokers():
    server = registered("needWaitForService=true")
    server.state.started_ms = server.clock()
    server.clock.now += 44_999
    assert (route(server).code, route(server).remark) == (1, "name server not ready")
    server.clock.now += 1
    assert route(server).code == 0


def test_ordered_topics_are_told_to_brokers_and_clients():
    server = registered("orderMessageEnable=true")
    put = h.PutKVConfigRequestHeader(namespace="ORDER_TOPIC_CONFIG", key="T", value="b:4")
    assert server.ask(Code.PUT_KV_CONFIG, put).code == 0
    assert TopicRouteData.decode(route(server).body).order_topic_conf == "b:4"
    answer = server.ask(Code.REGISTER_BROKER, register_header(), register_body().encode())
    assert KVTable.decode(answer.body).table == {"T": "b:4"}
    server.config.return_order_topic_config_to_broker = False
    answer = server.ask(Code.REGISTER_BROKER, register_header(), register_body().encode())
    assert answer.body == b""


def test_a_slave_is_told_its_master():
    server = registered()
    slave = register_header(broker_id=1, broker_addr="10.0.0.2:10911")
    answer = server.ask(Code.REGISTER_BROKER, slave, register_body().encode())
    header = answer.decode_header(h.RegisterBrokerResponseHeader)
    assert (header.master_addr, header.ha_server_addr) == ("10.0.0.1:10911", "10.0.0.1:10912")


def test_the_body_is_checked_against_its_crc():
    server, body = Server(), register_body().encode()
    crc = zlib.crc32(body) & 0x7FFFFFFF
    wrong = server.ask(Code.REGISTER_BROKER, register_header(body_crc32=crc ^ 1), body)
    assert (wrong.code, wrong.remark) == (1, "crc32 not match")
    assert not server.routes.brokers
    assert server.ask(Code.REGISTER_BROKER, register_header(body_crc32=crc), body).code == 0


@pytest.mark.parametrize("said", [True, False])
def test_a_compressed_table_is_taken_whatever_the_flag_says(said):
    server = Server()
    header = register_header(compressed=said)
    body = register_body().encode_compressed()
    assert server.ask(Code.REGISTER_BROKER, header, body, version=513).code == 0
    assert set(server.routes.topics) == {"T", "U"}


def test_the_table_of_a_very_old_broker_is_taken():
    server = Server()
    wrapper = TopicConfigSerializeWrapper()
    wrapper.topic_config_table = register_body().topic_config_serialize_wrapper.topic_config_table
    header = register_header()
    assert server.ask(Code.REGISTER_BROKER, header, wrapper.encode(V4_9_7), version=36).code == 0
    assert set(server.routes.topics) == {"T", "U"}


def test_a_broker_without_a_body_has_no_topics():
    server = Server()
    assert server.ask(Code.REGISTER_BROKER, register_header()).code == 0
    assert server.routes.brokers["b"].broker_addrs == {0: "10.0.0.1:10911"}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"broker_addr": "nowhere"}, b""), ({"broker_addr": "a/../b:1"}, b""),
        ({"broker_name": "../b"}, b""), ({"cluster_name": "a b"}, b""), ({"broker_id": -1}, b""),
        ({}, b"{"), ({}, b"[]"), ({}, b"\x78\x01"), ({"compressed": True}, b"{}"),
        ({}, b'{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"topicName":"T"}}}}'),
    ],
)  # fmt: skip
def test_a_registration_that_cannot_be_is_refused(fields, body):
    server = Server()
    answer = server.ask(Code.REGISTER_BROKER, register_header(**fields), body)
    assert answer.code == 1
    assert answer.remark
    assert not server.routes.brokers
    assert not server.routes.live


def test_a_registration_that_cannot_be_read_leaves_a_line_with_broker_code_and_field(caplog):
    body = b'{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"perm":"rw"}}}}'
    Server().ask(Code.REGISTER_BROKER, register_header(), body)
    (line,) = caplog.messages
    assert line.startswith("REGISTER_BROKER (103) of 127.0.0.1:40000 is refused: ")
    assert ".topicConfigTable['T'].perm: the text 'rw' where a number of 32 bits belongs" in line


def test_only_admitted_hosts_register():
    server = Server("registerAllowList=10.0.0.0/8, ::1")
    for peer, code in [("10.1.2.3:5", 0), ("[::1]:5", 0), ("192.168.0.1:5", 16), ("", 16)]:
        answer = server.ask(
            Code.REGISTER_BROKER, register_header(), register_body().encode(),
            connection=server.connect(peer),
        )  # fmt: skip
        assert answer.code == code
    header = h.UnRegisterBrokerRequestHeader(
        broker_name="b", broker_addr="10.0.0.1:10911", cluster_name="C", broker_id=0
    )
    stranger = server.connect("192.168.0.1:5")
    assert server.ask(Code.UNREGISTER_BROKER, header, connection=stranger).code == 16
    assert server.routes.brokers


def test_a_stranger_does_not_get_a_living_brokers_place():
    server = Server()
    first = server.connect("10.0.0.1:40000")
    body = register_body().encode()
    server.ask(Code.REGISTER_BROKER, register_header(), body, connection=first)
    stranger = register_header(broker_addr="6.6.6.6:10911")
    assert server.ask(Code.REGISTER_BROKER, stranger, body).code == 16
    first.close()
    assert server.ask(Code.REGISTER_BROKER, stranger, body).code == 0


def test_a_version_is_compared_and_counts_as_a_sign_of_life():
    server = registered()
    version = server.routes.version_of("C", "10.0.0.1:10911")
    header = h.QueryDataVersionRequestHeader(
        broker_name="b", broker_addr="10.0.0.1:10911", cluster_name="C", broker_id=0
    )
    server.clock.now += 100_000
    same = server.ask(Code.QUERY_DATA_VERSION, header, version.encode())
    assert same.decode_header(h.QueryDataVersionResponseHeader).changed is False
    assert DataVersion.decode(same.body) == version
    other = server.ask(Code.QUERY_DATA_VERSION, header, DataVersion(counter=9).encode())
    assert other.decode_header(h.QueryDataVersionResponseHeader).changed is True
    assert server.routes.expire(server.clock() + 100_000) == []
    assert server.ask(Code.QUERY_DATA_VERSION, header, b"x").code == 1


def test_a_heartbeat_keeps_a_broker():
    server = registered()
    header = h.BrokerHeartbeatRequestHeader(
        cluster_name="C", broker_addr="10.0.0.1:10911", broker_name="b"
    )
    server.clock.now += 100_000
    assert server.ask(Code.BROKER_HEARTBEAT, header).code == 0
    assert server.routes.expire(server.clock() + 100_000) == []
    assert len(server.routes.expire(server.clock() + 120_001)) == 1


def test_members_are_told():
    header = h.GetBrokerMemberGroupRequestHeader(cluster_name="C", broker_name="b")
    answer = registered().ask(Code.GET_BROKER_MEMBER_GROUP, header)
    group = GetBrokerMemberGroupResponseBody.decode(answer.body).broker_member_group
    assert group.broker_addrs == {0: "10.0.0.1:10911"}
    assert answer.remark == "not set any response code"


def test_one_topic_is_registered_and_deleted():
    server = registered()
    body = TopicRouteData(queue_datas=[QueueData(broker_name="b", read_queue_nums=1)]).encode()
    header = h.RegisterTopicRequestHeader(topic="New")
    assert server.ask(Code.REGISTER_TOPIC_IN_NAMESRV, header, body).code == 0
    assert route(server, "New").code == 0
    delete = h.DeleteTopicFromNamesrvRequestHeader(topic="New")
    assert server.ask(Code.DELETE_TOPIC_IN_NAMESRV, delete).code == 0
    assert route(server, "New").code == 17
    bad = server.ask(
        Code.REGISTER_TOPIC_IN_NAMESRV, h.RegisterTopicRequestHeader(topic="../x"), body
    )
    assert bad.code == 1
    assert "../x" not in server.routes.topics


def test_write_permission_is_taken_and_given():
    server = registered()
    wiped = server.ask(
        Code.WIPE_WRITE_PERM_OF_BROKER, h.WipeWritePermOfBrokerRequestHeader(broker_name="b")
    )
    assert wiped.ext_fields == {"wipeTopicCount": "2"}
    assert server.routes.topics["T"]["b"].perm == 4
    added = server.ask(
        Code.ADD_WRITE_PERM_OF_BROKER, h.AddWritePermOfBrokerRequestHeader(broker_name="b")
    )
    assert added.ext_fields == {"addTopicCount": "2"}
    assert server.routes.topics["T"]["b"].perm == 6


LISTS = [
    (Code.GET_TOPICS_BY_CLUSTER, h.GetTopicsByClusterRequestHeader(cluster="C"), {"T", "U"}),
    (Code.GET_UNIT_TOPIC_LIST, None, set()),
    (Code.GET_HAS_UNIT_SUB_TOPIC_LIST, None, set()),
    (Code.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, None, set()),
]


@pytest.mark.parametrize(("code", "header", "topics"), LISTS)
def test_lists_can_be_switched_off(code, header, topics):
    server = registered()
    assert set(TopicList.decode(server.ask(code, header).body).topic_list) == topics
    server.config.enable_topic_list = False
    assert (server.ask(code, header).code, server.ask(code, header).remark) == (1, "disable")


def test_the_list_of_all_topics_has_a_switch_of_its_own():
    server = registered()
    assert server.ask(Code.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).code == 0
    server.config.enable_all_topic_list = False
    assert server.ask(Code.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).remark == "disable"


@pytest.mark.parametrize("release", ["4.9.7", "5.5.0"])
def test_an_unknown_code_is_answered(release):
    answer = Server(f"rocketmqVersion={release}").ask(9999)
    assert (answer.code, answer.remark) == (3, " request type 9999 not supported")


def test_every_code_without_its_fields_is_an_error_answer_not_a_crash():
    server = registered()
    for code in server.table.codes():
        answer = server.table.handle(server.connect(), RemotingCommand(int(code), None, b"\xff"))
        assert answer.code in {0, 1, 3, 16, 17, 22}, code
        decode_command(encode_command(answer))
