from __future__ import annotations

import pytest

from rmqwire.broker.clients.client_table import ClientChannelInfo
from rmqwire.codec import java_json
from rmqwire.codec.bodies import (
    LockBatchRequestBody,
    MessageQueue,
    SubscriptionData,
    SubscriptionGroupConfig,
    SubscriptionGroupList,
)
from rmqwire.codec.codes import RequestCode as R
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupRequestHeader,
    GetConsumeStatsInBrokerHeader,
    GetConsumeStatsRequestHeader,
    GetSubscriptionGroupConfigRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
    QuerySubscriptionByConsumerRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
    QueryTopicsByConsumerRequestHeader,
    UpdateGroupForbiddenRequestHeader,
)
from rmqwire.codec.release import V4_9_7
from rmqwire.remoting.connection import Connection
from rmqwire.remoting.dispatch import HandlerTable
from tests.broker.admin_support import NOW_MS, AdminBroker
from tests.broker.test_admin_offset import with_messages


def body_of(answer: RemotingCommand) -> dict:
    assert answer.code == 0, answer.remark
    return java_json.loads(bytes(answer.body))


def online(broker: AdminBroker, group: str, *topics: str) -> None:
    connection = Connection(HandlerTable(), peer="127.0.0.1:50000")
    client = ClientChannelInfo(connection, "c1", 0, 513, broker.now_ms)
    subscriptions = [SubscriptionData(topic=topic, sub_string="*") for topic in topics]
    broker.state.consumers.register(
        group, client, ("CONSUME_PASSIVELY", "CLUSTERING", None), subscriptions
    )


def test_create_get_and_delete(admin_broker):
    broker = admin_broker()
    config = SubscriptionGroupConfig(group_name="g", retry_max_times=3)
    assert broker.ask(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=config.encode()).code == 0
    header = GetSubscriptionGroupConfigRequestHeader(group="g")
    assert body_of(broker.ask(R.GET_SUBSCRIPTIONGROUP_CONFIG, header))["retryMaxTimes"] == 3
    broker.state.offsets.commit("c", "g", "t", 0, 1)
    delete = DeleteSubscriptionGroupRequestHeader(group_name="g")
    assert broker.ask(R.DELETE_SUBSCRIPTIONGROUP, delete).code == 0
    assert not broker.state.groups.contains("g")
    assert broker.state.offsets.query("g", "t", 0) == 1
    delete = DeleteSubscriptionGroupRequestHeader(group_name="g", clean_offset=True)
    broker.ask(R.DELETE_SUBSCRIPTIONGROUP, delete)
    assert broker.state.offsets.query("g", "t", 0) == -1


@pytest.mark.parametrize(("name", "said"), [("a b", "illegal characters"), ("x" * 121, "longer")])
def test_illegal_names(admin_broker, name, said):
    body = SubscriptionGroupConfig(group_name=name).encode()
    answer = admin_broker().ask(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=body)
    assert answer.code == 29
    assert said in answer.remark
    listed = SubscriptionGroupList(
        group_config_list=[SubscriptionGroupConfig(group_name=n) for n in ("ok", name)]
    )
    broker = admin_broker()
    assert broker.ask(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, body=listed.encode()).code == 29
    assert not broker.state.groups.contains("ok")


def test_no_group(admin_broker):
    broker = admin_broker(auto_create_subscription_group=False)
    header = GetSubscriptionGroupConfigRequestHeader(group="g")
    answer = broker.ask(R.GET_SUBSCRIPTIONGROUP_CONFIG, header)
    assert (answer.code, answer.remark) == (26, "No group in this broker")


def test_all_groups_in_pieces(admin_broker):
    broker = admin_broker()
    broker.state.groups.update_forbidden("TOOLS_CONSUMER", "t", 2, forbid=True)
    whole = broker.ask(R.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)
    assert len(body_of(whole)["subscriptionGroupTable"]) == 8
    header = GetAllSubscriptionGroupRequestHeader(group_seq=0, data_version="", max_group_num=3)
    piece = broker.ask(R.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, header)
    assert piece.ext_fields == {"totalGroupNum": "8"}
    assert len(body_of(piece)["subscriptionGroupTable"]) == 3
    assert body_of(piece)["forbiddenTable"] == {}
    old = admin_broker(V4_9_7).ask(R.GET_ALL_SUBSCRIPTIONGROUP_CONFIG)
    assert old.ext_fields is None


def test_forbidding(admin_broker):
    broker = admin_broker()
    header = UpdateGroupForbiddenRequestHeader(group="g", topic="t", readable=False)
    answer = broker.ask(R.UPDATE_AND_GET_GROUP_FORBIDDEN, header)
    assert body_of(answer) == {"group": "g", "readable": False, "topic": "t"}
    header = UpdateGroupForbiddenRequestHeader(group="g", topic="t")
    assert body_of(broker.ask(R.UPDATE_AND_GET_GROUP_FORBIDDEN, header))["readable"] is False


def test_who_consumes_what(admin_broker):
    broker = admin_broker()
    broker.state.offsets.commit("c", "old", "t", 0, 1)
    online(broker, "new", "t")
    header = QueryTopicConsumeByWhoRequestHeader(topic="t")
    assert body_of(broker.ask(R.QUERY_TOPIC_CONSUME_BY_WHO, header)) == {
        "groupList": ["new", "old"]
    }
    topics = QueryTopicsByConsumerRequestHeader(group="old")
    found = body_of(broker.ask(R.QUERY_TOPICS_BY_CONSUMER, topics))
    assert found == {"brokerAddr": "127.0.0.1:10911", "topicList": ["t"]}
    asked = QuerySubscriptionByConsumerRequestHeader(group="new", topic="t")
    found = body_of(broker.ask(R.QUERY_SUBSCRIPTION_BY_CONSUMER, asked))
    assert found["subscriptionData"]["subString"] == "*"


def test_progress(admin_broker):
    broker = with_messages(admin_broker())
    broker.state.offsets.commit("c", "g", "orders", 1, 3)
    broker.state.offsets.commit_pull("g", "orders", 1, 4)
    broker.state.offsets.commit("c", "g", "gone", 0, 3)
    header = GetConsumeStatsRequestHeader(consumer_group="g")
    table = body_of(broker.ask(R.GET_CONSUME_STATS, header))["offsetTable"]
    rows = {queue["queueId"]: standing for queue, standing in table.items()}
    assert rows[0] == {"brokerOffset": 0, "consumerOffset": 0, "lastTimestamp": 0, "pullOffset": 0}
    assert rows[1] == {
        "brokerOffset": 5,
        "consumerOffset": 3,
        "lastTimestamp": NOW_MS + 2000,
        "pullOffset": 4,
    }
    online(broker, "g", "another")
    assert body_of(broker.ask(R.GET_CONSUME_STATS, header))["offsetTable"] == {}
    listed = GetConsumeStatsRequestHeader(consumer_group="g", topic_list="orders;gone;")
    assert len(body_of(broker.ask(R.GET_CONSUME_STATS, listed))["offsetTable"]) == 2


def test_progress_of_the_whole_broker(admin_broker):
    broker = with_messages(admin_broker())
    broker.state.groups.update(SubscriptionGroupConfig(group_name="g"))
    broker.state.offsets.commit("c", "g", "orders", 1, 3)
    body = body_of(
        broker.ask(R.GET_BROKER_CONSUME_STATS, GetConsumeStatsInBrokerHeader(is_order=False))
    )
    assert body["totalDiff"] == 2
    assert len(body["consumeStatsList"]) == 9
    body = body_of(
        broker.ask(R.GET_BROKER_CONSUME_STATS, GetConsumeStatsInBrokerHeader(is_order=True))
    )
    assert body["totalDiff"] == 0


def test_time_spans(admin_broker):
    broker = with_messages(admin_broker())
    broker.state.offsets.commit("c", "g", "orders", 1, 3)
    header = QueryConsumeTimeSpanRequestHeader(topic="orders", group="g")
    spans = body_of(broker.ask(R.QUERY_CONSUME_TIME_SPAN, header))["consumeTimeSpanSet"]
    busy = next(span for span in spans if span["messageQueue"]["queueId"] == 1)
    assert busy["minTimeStamp"] == NOW_MS
    assert busy["maxTimeStamp"] == NOW_MS + 4000
    assert busy["consumeTimeStamp"] == NOW_MS + 2000
    assert busy["delayTime"] == broker.now_ms - (NOW_MS + 3000)
    header = QueryConsumeTimeSpanRequestHeader(topic="gone", group="g")
    assert broker.ask(R.QUERY_CONSUME_TIME_SPAN, header).code == 17


def test_locks_over_the_wire(admin_broker):
    broker = admin_broker()
    queue = MessageQueue("t", "gold-a", 0)

    def body(client: str) -> bytes:
        return LockBatchRequestBody(consumer_group="g", client_id=client, mq_set=[queue]).encode()

    granted = body_of(broker.ask(R.LOCK_BATCH_MQ, body=body("c1")))["lockOKMQSet"]
    assert [row["queueId"] for row in granted] == [0]
    assert body_of(broker.ask(R.LOCK_BATCH_MQ, body=body("c2")))["lockOKMQSet"] == []
    assert broker.ask(R.UNLOCK_BATCH_MQ, body=body("c1")).code == 0
    assert len(body_of(broker.ask(R.LOCK_BATCH_MQ, body=body("c2")))["lockOKMQSet"]) == 1


@pytest.mark.parametrize("number", [-1, 65_537, 2**31 - 1])
def test_a_group_cant_ask_for_more_retry_queues_than_a_topic_may_have(admin_broker, number):
    config = SubscriptionGroupConfig(group_name="g", retry_queue_nums=number)
    answer = admin_broker().ask(R.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=config.encode())
    assert answer.code == 29
    assert answer.remark == f"retryQueueNums[{number}] is illegal, allowing only 0 to 65536"
