"""Groups, clients and queues asked of brokers that answer what a broker in memory wouldn't."""

from __future__ import annotations

import pytest

from rmqwire.admin.progress import summary_of
from rmqwire.broker_errors import BroadcastConsumption, ConsumerNotOnline
from rmqwire.codec.bodies import (
    BrokerData,
    CheckRocksdbCqWriteResult,
    Connection,
    ConsumerConnection,
    ConsumeStats,
    MessageQueue,
    OffsetWrapper,
    QueueData,
    TopicRouteData,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.codes import ResponseCode
from rmqwire.errors import ProtocolError, RouteNotFound
from tests.admin.support import BROKER, NAMESRV, Answers, ask

QUEUE = MessageQueue("T", "a", 0)


def route(*addrs):
    brokers = [BrokerData("c", f"b{n}", {0: addr} if addr else {}) for n, addr in enumerate(addrs)]
    return TopicRouteData(queue_datas=[QueueData("b0", 1, 1, 6)], broker_datas=brokers).encode()


def members(model, *clients):
    found = [Connection(client, "127.0.0.1:1", "JAVA", 513) for client in clients]
    return ConsumerConnection(found, message_model=model, consume_type="CONSUME_PASSIVELY").encode()


def answers(**broker):
    table = {(NAMESRV, R.GET_ROUTEINFO_BY_TOPIC): route(BROKER)}
    return Answers(table | {(BROKER, R[code]): found for code, found in broker.items()})


def test_a_group_that_is_broadcast_to_keeps_its_offsets_itself():
    asked = answers(
        GET_CONSUME_STATS=ConsumeStats().encode(),
        GET_CONSUMER_CONNECTION_LIST=members("BROADCASTING", "c"),
    )
    with pytest.raises(BroadcastConsumption, match="the consumer is under the broadcast mode"):
        ask(asked, "consumer_progress", "g")
    asked.bodies[BROKER, R.GET_CONSUMER_CONNECTION_LIST] = members("CLUSTERING", "c")
    assert ask(asked, "consumer_progress", "g").queues == []
    asked.bodies[BROKER, R.GET_CONSUMER_CONNECTION_LIST] = members("CLUSTERING")
    with pytest.raises(ConsumerNotOnline, match="maybe the consumer not online"):
        ask(asked, "consumer_progress", "g")
    with pytest.raises(ConsumerNotOnline, match="Not found the consumer group connection"):
        ask(asked, "consumer_connection", "g")


def test_the_rates_and_offsets_of_all_brokers_are_added_up():
    other = "127.0.0.1:10921"
    stats = {
        BROKER: ConsumeStats({QUEUE: OffsetWrapper(5, 3, 4, 9)}, 1.5),
        other: ConsumeStats({MessageQueue("T", "b", 0): OffsetWrapper(2, 2, 2, 9)}, 2.0),
    }
    asked = Answers(
        {(NAMESRV, R.GET_ROUTEINFO_BY_TOPIC): route(BROKER, None, other)}
        | {(addr, R.GET_CONSUME_STATS): one.encode() for addr, one in stats.items()}
    )
    found = ask(asked, "consumer_progress", "g", "%LMQ%q", cluster="parent", show_clients=True)
    assert (found.tps, found.diff_total, found.inflight_total) == (3.5, 2, 1)
    assert [one.client for one in found.queues] == ["N/A", "N/A"]


def test_a_light_queue_is_found_where_its_parent_topic_is():
    def routes(request):
        if request.ext_fields["topic"] != "parent":
            return request.create_response(int(ResponseCode.TOPIC_NOT_EXIST), "no")
        response = request.create_response(0, None)
        response.body = route(BROKER)
        return response

    asked = answers(
        GET_CONSUME_STATS=ConsumeStats({QUEUE: OffsetWrapper(5, 5, 5, 0)}).encode(),
        INVOKE_BROKER_TO_RESET_OFFSET=b"",
    )
    asked.bodies[NAMESRV, R.GET_ROUTEINFO_BY_TOPIC] = routes
    assert len(ask(asked, "consumer_progress", "g", "%LMQ%q", cluster="parent").queues) == 1
    assert ask(asked, "reset_offset_by_time", "g", "%LMQ%q", 0, cluster="parent") == {}
    with pytest.raises(RouteNotFound, match="topic: %RETRY%g"):
        ask(asked, "consumer_progress", "g", cluster="parent")


def test_a_route_without_a_broker_leads_nowhere():
    asked = Answers({(NAMESRV, R.GET_ROUTEINFO_BY_TOPIC): route(None)})
    with pytest.raises(RouteNotFound, match="No broker of the topic: T"):
        ask(asked, "query_cq", "T", 0, 0)
    assert ask(asked, "clone_group_offset", "a", "b", "T") == {}
    assert ask(asked, "reset_offset_by_time_old", "a", "T", 0) == []


def test_members_that_do_not_answer_are_told_with_the_reason():
    asked = answers(GET_CONSUMER_CONNECTION_LIST=members("CLUSTERING", "c"))
    asked.bodies[BROKER, R.GET_CONSUMER_RUNNING_INFO] = ResponseCode.CONSUME_MSG_TIMEOUT
    (member,) = ask(asked, "consumer_status", "g")
    assert (member.info, member.connection.client_id) == (None, "c")
    assert member.fault.startswith("CODE: 207")


def test_members_that_have_no_offsets_in_mind_are_not_told():
    asked = answers(INVOKE_BROKER_TO_GET_CONSUMER_STATUS=b"")
    assert ask(asked, "get_consumer_status", "g", "T") == {}


def test_queues_in_rocksdb_are_checked_by_the_broker():
    result = CheckRocksdbCqWriteResult("fine", 0)
    asked = answers(CHECK_ROCKSDB_CQ_WRITE_PROGRESS=result.encode())
    found = ask(asked, "check_rocksdb_cq_write_progress", BROKER, "T", 5)
    assert found == result
    assert asked.asked[-1][1].ext_fields == {"topic": "T", "checkStoreTime": "5"}


def test_an_answer_that_is_no_list_of_users_is_an_error():
    asked = answers(AUTH_LIST_USER=b'{"username":"u"}', AUTH_LIST_ACL=b"null")
    with pytest.raises(ProtocolError, match="not a list"):
        ask(asked, "list_user", BROKER)
    assert ask(asked, "list_acl", BROKER) == []


def test_versions_of_acl_files_that_are_no_json_are_an_error():
    def versions(request):
        response = request.create_response(0, None)
        response.ext_fields = {
            "version": "{}",
            "allAclFileVersion": "{",
            "brokerName": "a",
            "brokerAddr": BROKER,
            "clusterName": "c",
        }
        return response

    with pytest.raises(ProtocolError, match=f"allAclFileVersion of {BROKER}"):
        ask(answers(GET_BROKER_CLUSTER_ACL_INFO=versions), "cluster_acl_config_version", BROKER)


def test_the_summary_of_a_group_has_its_oldest_member_s_release():
    connection = ConsumerConnection.decode(members("CLUSTERING", "c", "d"))
    connection.connection_set[1].version = 407
    stats = ConsumeStats({QUEUE: OffsetWrapper(5, 3, 3, 0)}, 1.9)
    found = summary_of("g", stats, connection)
    assert (found.count, found.version, found.tps, found.diff_total) == (2, 407, 1, 2)
